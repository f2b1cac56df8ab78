"""What a report does to resources, violations and their intervals."""

from clusters.models import Cluster, Resource
from clusters.services.clusters import register_cluster
from compliance.models import Severity, Violation, ViolationInterval
from compliance.services.verification import verify_posture
from tests.compliance.reports import at, merge, report, resource, violation
from tests.factories import make_team


def states() -> list[tuple[str, int]]:
    return list(Violation.objects.order_by("id").values_list("status", "reopened_count"))


def intervals() -> list[tuple[object, object, str]]:
    rows = ViolationInterval.objects.order_by("violation_id", "opened_at")
    return list(rows.values_list("opened_at", "closed_at", "close_reason"))


def test_first_report_opens_violations_at_its_own_time(cluster: Cluster) -> None:
    stored = merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    found = Violation.objects.get()
    assert (stored.status, stored.error) == ("processed", "")
    assert (found.status, found.opened_at, found.first_seen_at) == ("open", at(0), at(0))
    assert (found.found, found.message, found.line) == (True, "Container web runs privileged", 7)
    assert found.fix == [{"op": "remove", "path": "/spec"}]
    assert intervals() == [(at(0), None, "")]
    kept = Resource.objects.get()
    assert (kept.open_count, kept.worst_severity) == (1, Severity.CRITICAL)
    assert verify_posture() == []


def test_evaluated_pass_resolves_and_a_later_failure_reopens(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource(), scanned_at=at(5)))
    assert states() == [("resolved", 0)]
    again = merge(cluster, report(resource(violations=[violation()]), scanned_at=at(9)))
    assert states() == [("open", 1)]
    assert intervals() == [(at(0), at(5), "passed"), (at(9), None, "")]
    assert again.opened_count == 1
    assert Resource.objects.get().open_count == 1
    assert verify_posture() == []


def test_another_place_of_the_same_policy_resolves_alone(cluster: Cluster) -> None:
    two = [violation(), violation(place="spec.containers[proxy].privileged")]
    merge(cluster, report(resource(violations=two), scanned_at=at(0)))
    merge(cluster, report(resource(violations=two[:1]), scanned_at=at(5)))
    assert states() == [("open", 0), ("resolved", 0)]
    assert verify_posture() == []


def test_errored_policy_leaves_its_violation_open(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource(errored=[0]), scanned_at=at(5)))
    assert states() == [("open", 0)]
    assert Resource.objects.get().open_count == 1


def test_skipped_policy_leaves_its_violation_open(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource(skipped=[0]), scanned_at=at(5)))
    assert states() == [("open", 0)]


def test_failed_policy_with_an_error_beside_resolves_nothing(cluster: Cluster) -> None:
    two = [violation(), violation(place="spec.containers[proxy].privileged")]
    merge(cluster, report(resource(violations=two), scanned_at=at(0)))
    errors = [{"policy": 0, "message": "no such key"}]
    merge(cluster, report(resource(violations=two[:1], errors=errors), scanned_at=at(5)))
    assert states() == [("open", 0), ("open", 0)]


def test_policy_that_was_not_evaluated_keeps_its_verdict_and_violation(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    narrow = report(resource(passed=[0]), scanned_at=at(5), policies=["host-network"])
    merge(cluster, narrow)
    assert states() == [("open", 0)]
    assert len(Resource.objects.get().failed) == 1
    assert verify_posture() == []


def test_complete_snapshot_resolves_what_is_gone(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), resource("other"), scanned_at=at(0)))
    stored = merge(cluster, report(resource("other"), scanned_at=at(5)))
    assert intervals() == [(at(0), at(5), "deleted")]
    assert stored.resolved_count == 1
    gone = Resource.objects.get(name="shop")
    assert (gone.deleted_at, gone.open_count, gone.worst_severity) == (at(5), 0, 0)
    assert Cluster.objects.get().resource_count == 1
    assert verify_posture() == []


def test_truncated_report_resolves_nothing_that_it_leaves_out(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), resource("other"), scanned_at=at(0)))
    merge(cluster, report(resource("other"), scanned_at=at(5), truncated={"resources_total": 2}))
    assert states() == [("open", 0)]
    assert Cluster.objects.get().unreported_resource_count == 1
    assert verify_posture() == []


def test_report_with_unreadable_documents_resolves_nothing_that_it_leaves_out(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    unreadable = [{"file": "shop.yaml", "line": 3, "message": "duplicate key"}]
    merge(cluster, report(scanned_at=at(5), unreadable=unreadable))
    assert states() == [("open", 0)]
    assert Cluster.objects.get().unreported_resource_count == 1


def test_delta_touches_only_what_it_names(cluster: Cluster) -> None:
    failing = {"violations": [violation()]}
    first = [resource(name, **failing) for name in ("one", "two", "three")]
    merge(cluster, report(*first, scanned_at=at(0)))
    gone = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "two"}
    merge(cluster, report(resource("one"), scanned_at=at(5), kind="delta", deleted=[gone]))
    assert states() == [("resolved", 0), ("resolved", 0), ("open", 0)]
    assert verify_posture() == []


def test_late_report_is_superseded_and_changes_nothing(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(10)))
    late = merge(cluster, report(resource(), scanned_at=at(5)))
    same_instant = merge(cluster, report(resource(), scanned_at=at(10)))
    assert (late.status, same_instant.status) == ("superseded", "superseded")
    assert states() == [("open", 0)]
    assert Cluster.objects.get().last_scanned_at == at(10)


def test_resource_that_returns_is_the_same_resource(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(scanned_at=at(5)))
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(9)))
    kept = Resource.objects.get()
    assert (kept.deleted_at, kept.first_seen_at) == (None, at(0))
    assert states() == [("open", 1)]
    assert verify_posture() == []


def test_the_same_violation_twice_is_one(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation(), violation(message="twice")]), scanned_at=at(0)))
    assert Violation.objects.get().message == "Container web runs privileged"
    assert Resource.objects.get().open_count == 1


def test_resource_listed_twice_counts_as_listed_last(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), resource(), scanned_at=at(0)))
    assert Violation.objects.count() == 0
    assert Resource.objects.count() == 1
    assert verify_posture() == []


def test_unchanged_resource_is_not_written_again(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(5)))
    assert Resource.objects.get().changed_at == at(0)
    assert Cluster.objects.get().last_scanned_at == at(5)
    assert states() == [("open", 0)]


def test_moved_container_refreshes_the_path_of_the_same_violation(cluster: Cluster) -> None:
    merge(
        cluster,
        report(resource(violations=[violation(path="spec.containers[0].privileged")]), scanned_at=at(0)),
    )
    moved = violation(path="spec.containers[1].privileged", found="yes", line=None, fix=None)
    merge(cluster, report(resource(violations=[moved]), scanned_at=at(5)))
    found = Violation.objects.get()
    assert (found.path, found.found, found.line, found.fix) == (
        "spec.containers[1].privileged",
        "yes",
        None,
        None,
    )
    assert found.opened_at == at(0)


def test_text_that_copy_would_stumble_over_arrives_as_it_was(cluster: Cluster) -> None:
    odd = "tab\t backslash \\ newline\n return\r \\N \\. “quotes” 🦊"
    merge(
        cluster, report(resource(violations=[violation(message=odd, found={"odd": odd})]), scanned_at=at(0))
    )
    found = Violation.objects.get()
    assert (found.message, found.found) == (odd, {"odd": odd})


def test_team_is_the_labels_or_else_the_namespaces(cluster: Cluster) -> None:
    payments = make_team("payments", ["shop"])
    search = make_team("search")
    labelled = resource("labelled", labels={"team": "search"}, violations=[violation()])
    stray = resource("stray", labels={"team": "nobody"}, violations=[violation()])
    merge(cluster, report(labelled, stray, resource("elsewhere", "other"), scanned_at=at(0)))
    owners = dict(Resource.objects.values_list("name", "team_id"))
    assert owners == {"labelled": search.pk, "stray": payments.pk, "elsewhere": None}
    assert set(Violation.objects.values_list("team_id", flat=True)) == {search.pk, payments.pk}
    assert verify_posture() == []


def test_change_of_team_label_moves_violations_and_counts(cluster: Cluster) -> None:
    search = make_team("search")
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource(labels={"team": "search"}, violations=[violation()]), scanned_at=at(5)))
    assert Violation.objects.get().team_id == search.pk
    assert verify_posture() == []


def test_other_clusters_are_left_alone(cluster: Cluster) -> None:
    other = register_cluster(name="staging", environment="staging")
    merge(other, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(scanned_at=at(5)))
    assert states() == [("open", 0)]
    assert verify_posture() == []
