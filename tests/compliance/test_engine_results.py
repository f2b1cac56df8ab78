"""What results of other engines do beside Plumbline's own, and what they must never do."""

import pytest
from django.test import Client

from clusters.models import Cluster, Resource
from common.errors import Conflict
from compliance.models import Policy, PolicyFormat, ResultSource, Severity, Violation, ViolationInterval
from compliance.services.engines import policies as engine_policies
from compliance.services.importing.reading import PolicyFile
from compliance.services.policies import import_policies
from compliance.services.verification import verify_posture
from organizations.models import AuditEvent, User
from tests.compliance.engines import DEPLOYMENT, constraint, polr, result, send
from tests.compliance.reports import at, merge, report, resource, violation
from tests.factories import make_own_policy
from tests.isolation.matrix import NEW_POLICY

pytestmark = pytest.mark.django_db(transaction=True)


def states() -> list[tuple[str, str, int]]:
    rows = Violation.objects.order_by("id")
    return list(rows.values_list("policy__slug", "status", "reopened_count"))


def test_results_of_kyverno_open_violations_of_policies_that_are_made_for_them(cluster: Cluster) -> None:
    (stored,) = send(cluster, polr(result(severity="high", category="Labels")), scanned_at=at(0))
    policy = Policy.objects.get(slug="kyverno-require-labels")
    found = Violation.objects.get()
    assert (stored.status, stored.error, stored.source) == ("processed", "", "kyverno")
    assert (policy.format, policy.engine, policy.severity) == (PolicyFormat.RESULTS, "kyverno", Severity.HIGH)
    assert (found.policy, found.rule, found.place, found.opened_at) == (policy, "labels", "", at(0))
    assert found.message == "require-labels: fail"
    assert AuditEvent.objects.get(verb="policy.discovered").data["policies"] == ["kyverno-require-labels"]
    assert verify_posture() == []


def test_an_engine_resolves_what_it_passes_and_reopens_what_fails_again(cluster: Cluster) -> None:
    for minute, status in enumerate(("fail", "pass", "fail")):
        send(cluster, polr(result(status=status)), scanned_at=at(minute))
    assert states() == [("kyverno-require-labels", "open", 1)]
    assert ViolationInterval.objects.count() == 2
    assert verify_posture() == []


def test_engines_and_plumbline_neither_resolve_nor_clear_each_others_results(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    send(cluster, polr(result()), scanned_at=at(1))
    send(cluster, polr(result(), source="trivy"), scanned_at=at(2))
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(3)))
    send(cluster, polr(result("other", "pass")), scanned_at=at(4))
    assert states() == [
        ("privileged-container", "open", 0),
        ("kyverno-require-labels", "open", 0),
        ("trivy-require-labels", "open", 0),
    ]
    kept = Resource.objects.get()
    assert (len(kept.failed), kept.open_count) == (3, 3)
    assert verify_posture() == []


def test_an_engine_leaves_alone_what_is_known_of_the_resource(cluster: Cluster) -> None:
    merge(cluster, report(resource(labels={"team": "payments"}, file="shop.yaml", line=3), scanned_at=at(0)))
    before = Resource.objects.values("manifest", "labels", "file", "line", "team_id", "digest", "version").get()
    send(cluster, polr(result()), scanned_at=at(1))
    assert Resource.objects.values("manifest", "labels", "file", "line", "team_id", "digest", "version").get() == before


def test_a_policy_that_an_engines_report_does_not_mention_keeps_its_verdict(cluster: Cluster) -> None:
    send(cluster, polr(result("one"), result("two")), scanned_at=at(0))
    send(cluster, polr(result("one", "pass")), scanned_at=at(1))
    assert states() == [("kyverno-one", "resolved", 0), ("kyverno-two", "open", 0)]
    kept = Resource.objects.get()
    assert (len(kept.passed), len(kept.failed)) == (1, 1)
    assert verify_posture() == []


@pytest.mark.parametrize("status", ["skip", "error", "nonsense"])
def test_only_an_evaluated_pass_resolves(cluster: Cluster, status: str) -> None:
    send(cluster, polr(result()), scanned_at=at(0))
    send(cluster, polr(result(status=status)), scanned_at=at(1))
    assert states() == [("kyverno-require-labels", "open", 0)]


def test_a_report_that_was_cut_off_resolves_nothing_and_lowers_coverage(cluster: Cluster) -> None:
    send(cluster, polr(result()), scanned_at=at(0))
    send(cluster, polr(result(status="pass"), summary={"pass": 50}), scanned_at=at(1))
    cluster.refresh_from_db()
    assert states() == [("kyverno-require-labels", "open", 0)]
    assert cluster.unreported_resource_count == 49
    assert ResultSource.objects.get().missing_count == 49
    merge(cluster, report(resource(), scanned_at=at(2)))
    cluster.refresh_from_db()
    assert cluster.unreported_resource_count == 49
    send(cluster, polr(result(status="pass")), scanned_at=at(3))
    cluster.refresh_from_db()
    assert (cluster.unreported_resource_count, states()[0][1]) == (0, "resolved")
    assert verify_posture() == []


def test_an_audit_that_lists_all_its_failures_resolves_the_others_and_one_cut_off_does_not(cluster: Cluster) -> None:
    slug = "gatekeeper-k8srequiredlabels-owner"
    send(cluster, constraint("a", "b"), scanned_at=at(0))
    send(cluster, constraint("a", total=30), scanned_at=at(1))
    assert states() == [(slug, "open", 0), (slug, "open", 0)]
    send(cluster, constraint("a"), scanned_at=at(2))
    assert states() == [(slug, "open", 0), (slug, "resolved", 0)]
    send(cluster, constraint(), scanned_at=at(3))
    assert states() == [(slug, "resolved", 0), (slug, "resolved", 0)]
    assert verify_posture() == []


def test_a_late_report_of_one_engine_is_superseded_by_its_own_only(cluster: Cluster) -> None:
    send(cluster, polr(result()), scanned_at=at(10))
    (late,) = send(cluster, polr(result(status="pass")), scanned_at=at(5))
    (other,) = send(cluster, polr(result(), source="trivy"), scanned_at=at(5))
    own = merge(cluster, report(resource(violations=[violation()]), scanned_at=at(7)))
    assert (late.status, other.status, own.status) == ("superseded", "processed", "processed")
    opened = Violation.objects.order_by("opened_at").values_list("opened_at", flat=True)
    assert opened[0] == at(10)
    assert list(opened) == sorted(set(opened))
    assert verify_posture() == []


def test_a_silent_agent_is_not_made_fresh_by_other_engines(cluster: Cluster) -> None:
    merge(cluster, report(resource(), scanned_at=at(0)))
    send(cluster, polr(result()), scanned_at=at(5000))
    cluster.refresh_from_db()
    assert cluster.last_scanned_at == at(0)


def test_a_cluster_that_only_other_engines_report_on_is_as_fresh_as_they_are(cluster: Cluster) -> None:
    send(cluster, polr(result()), scanned_at=at(5))
    cluster.refresh_from_db()
    assert cluster.last_scanned_at == at(5)
    assert merge(cluster, report(resource(), scanned_at=at(3))).status == "processed"


def test_a_snapshot_does_not_declare_gone_what_only_engines_know(cluster: Cluster) -> None:
    send(cluster, polr(result(), scope={**DEPLOYMENT, "kind": "Widget"}), scanned_at=at(0))
    merge(cluster, report(resource(), scanned_at=at(1)))
    assert states() == [("kyverno-require-labels", "open", 0)]
    assert verify_posture() == []


def test_a_snapshot_resolves_an_engines_results_on_a_resource_that_is_gone(cluster: Cluster) -> None:
    merge(cluster, report(resource(), scanned_at=at(0)))
    send(cluster, polr(result()), scanned_at=at(1))
    merge(cluster, report(scanned_at=at(2)))
    assert states() == [("kyverno-require-labels", "resolved", 0)]
    assert ViolationInterval.objects.get().close_reason == "deleted"
    assert verify_posture() == []


def test_all_that_an_engine_says_tells_what_is_gone_of_the_resources_that_it_alone_knows(cluster: Cluster) -> None:
    one, two = ({**DEPLOYMENT, "name": name} for name in ("one", "two"))
    merge(cluster, report(resource("two"), scanned_at=at(0)))
    send(cluster, polr(result(), scope=one), polr(result(), scope=two), scanned_at=at(1))
    send(cluster, polr(result(), scope=two), scanned_at=at(2))
    assert [state for _, state, _ in states()] == ["open", "open"]
    three = polr(result("other", "pass"), scope={**DEPLOYMENT, "name": "three"})
    send(cluster, three, scanned_at=at(3), is_complete=True)
    assert dict(Violation.objects.values_list("resource__name", "status")) == {"one": "resolved", "two": "open"}
    assert verify_posture() == []


def test_pods_are_folded_into_an_owner_that_the_server_knows_and_their_own_rows_go(cluster: Cluster) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "shop-6d88f6dcdd-k6bc5"}
    send(cluster, polr(result(), scope=pod), scanned_at=at(0))
    merge(cluster, report(resource("shop"), scanned_at=at(1)))
    send(cluster, polr(result(), scope=pod), scanned_at=at(2))
    alive = dict(Resource.objects.filter(deleted_at=None).values_list("kind", "open_count"))
    assert alive == {"Deployment": 1}
    assert dict(Violation.objects.values_list("resource__kind", "status")) == {"Pod": "resolved", "Deployment": "open"}
    assert verify_posture() == []


def test_pods_are_folded_by_the_owner_that_their_own_manifest_names(cluster: Cluster) -> None:
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "controller": True}
    manifest = {"kind": "Pod", "metadata": {"name": "any", "ownerReferences": [owner]}}
    known = resource("any", apiVersion="v1", kind="Pod", manifest=manifest)
    merge(cluster, report(known, scanned_at=at(0)))
    pod = {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "any"}
    send(cluster, polr(result(), scope=pod), scanned_at=at(1))
    assert list(Violation.objects.values_list("resource__kind", "resource__name")) == [("Rollout", "web")]


def test_an_unchanged_report_changes_nothing(cluster: Cluster) -> None:
    send(cluster, polr(result(), result("two", "pass")), scanned_at=at(0))
    before = list(Resource.objects.values()), list(Violation.objects.values())
    (again,) = send(cluster, polr(result(), result("two", "pass")), scanned_at=at(1))
    assert (again.status, again.opened_count) == ("processed", 0)
    assert (list(Resource.objects.values()), list(Violation.objects.values())) == before


def test_a_severity_is_raised_by_what_the_engine_says_later_and_never_lowered(cluster: Cluster) -> None:
    for minute, severity in enumerate(("medium", "critical", "low")):
        send(cluster, polr(result(severity=severity)), scanned_at=at(minute))
    assert Policy.objects.get(slug="kyverno-require-labels").severity == Severity.CRITICAL
    assert Violation.objects.get().severity == Severity.CRITICAL
    assert verify_posture() == []


def test_policies_of_engines_are_bounded_and_the_refusal_names_the_bound(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_policies, "MAX_ENGINE_POLICIES", 2)
    send(cluster, polr(result("one"), result("two")), scanned_at=at(0))
    with pytest.raises(Conflict, match=r"at most 2 policies.*it has 2, and this report brings 1 more") as refused:
        send(cluster, polr(result("one"), result("three")), scanned_at=at(1))
    assert refused.value.code == "too_many_policies"
    assert Policy.objects.filter(format=PolicyFormat.RESULTS).count() == 2


def test_an_id_that_an_imported_policy_has_is_not_taken_over(cluster: Cluster) -> None:
    make_own_policy("kyverno-require-labels")
    with pytest.raises(Conflict, match="belongs to a policy of another kind"):
        send(cluster, polr(result()), scanned_at=at(0))


def test_several_engines_in_one_body_get_a_report_each(cluster: Cluster) -> None:
    reports = send(cluster, polr(result()), polr(result(), source="trivy"), scanned_at=at(1))
    assert [(stored.source, stored.status) for stored in reports] == [("kyverno", "processed"), ("trivy", "processed")]


def test_an_import_does_not_replace_a_policy_of_another_engine(cluster: Cluster) -> None:
    send(cluster, polr(result()), scanned_at=at(0))
    text = NEW_POLICY.replace("team-label", "kyverno-require-labels").encode()
    (outcome,) = import_policies(files=[PolicyFile("own.yaml", text)], actor=None).documents
    assert (outcome.outcome, "of another engine" in outcome.reason) == ("refused", True)
    assert Policy.objects.get(slug="kyverno-require-labels").format == PolicyFormat.RESULTS


def test_the_page_of_another_engines_policy_says_where_it_is_written_down(
    cluster: Cluster, client: Client, olivia: User
) -> None:
    send(cluster, polr(result()), scanned_at=at(0))
    client.force_login(olivia)
    page = client.get("/o/acme/policies/kyverno-require-labels").content.decode()
    assert "is written down in kyverno, which evaluates it" in page
    assert "Its own tests" not in page
