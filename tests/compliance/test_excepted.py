"""Violations that an exception covers: neither open nor mended, until the exception ends."""

from typing import Any

from clusters.models import Cluster, Resource
from compliance.models import Violation, ViolationInterval
from compliance.services.verification import verify_posture
from tests.compliance.reports import at, merge, report, resource, violation

WEB, PROXY = "spec.containers[web].privileged", "spec.containers[proxy].privileged"


def excepted(place: str = WEB, exception: str = "node-agent", policy: int = 0) -> dict[str, Any]:
    return {**violation(policy, place), "exception": exception}


def states() -> list[tuple[str, str, str, int]]:
    rows = Violation.objects.order_by("id")
    return list(rows.values_list("place", "status", "exception", "reopened_count"))


def stretches() -> list[tuple[object, object, str, str]]:
    rows = ViolationInterval.objects.order_by("violation_id", "opened_at")
    return list(rows.values_list("opened_at", "closed_at", "exception", "close_reason"))


def test_excepted_place_beside_a_failing_one_is_not_resolved(cluster: Cluster) -> None:
    both = [violation(place=WEB), violation(place=PROXY)]
    merge(cluster, report(resource(violations=both), scanned_at=at(0)))
    stored = merge(cluster, report(resource(violations=both[1:], excepted=[excepted()]), scanned_at=at(5)))
    assert states() == [(WEB, "excepted", "node-agent", 0), (PROXY, "open", "", 0)]
    assert (stored.opened_count, stored.resolved_count) == (0, 0)
    assert Resource.objects.get().open_count == 1
    assert verify_posture() == []


def test_excepted_violation_is_open_again_when_the_exception_ends(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource(skipped=[0], excepted=[excepted()]), scanned_at=at(5)))
    assert states() == [(WEB, "excepted", "node-agent", 0)]
    assert verify_posture() == []
    stored = merge(cluster, report(resource(violations=[violation()]), scanned_at=at(9)))
    assert states() == [(WEB, "open", "", 0)]
    assert stored.opened_count == 1
    assert stretches() == [
        (at(0), at(5), "", "excepted"), (at(5), at(9), "node-agent", "ended"), (at(9), None, "", "")
    ]  # fmt: skip
    assert Violation.objects.get().opened_at == at(0)
    assert verify_posture() == []


def test_violation_that_is_excepted_from_the_first_never_counts_as_open(cluster: Cluster) -> None:
    stored = merge(cluster, report(resource(skipped=[0], excepted=[excepted()]), scanned_at=at(0)))
    assert states() == [(WEB, "excepted", "node-agent", 0)]
    kept = Resource.objects.get()
    assert (stored.opened_count, kept.open_count, kept.worst_severity) == (0, 0, 0)
    assert verify_posture() == []


def test_excepted_violation_that_passes_is_resolved(cluster: Cluster) -> None:
    merge(cluster, report(resource(skipped=[0], excepted=[excepted()]), scanned_at=at(0)))
    stored = merge(cluster, report(resource(), scanned_at=at(5)))
    assert states() == [(WEB, "resolved", "", 0)]
    assert (stored.resolved_count, stretches()) == (1, [(at(0), at(5), "node-agent", "passed")])
    assert verify_posture() == []


def test_excepted_violation_of_a_resource_that_goes_is_resolved_and_may_come_back_excepted(cluster: Cluster) -> None:
    covered = report(resource(skipped=[0], excepted=[excepted()]), scanned_at=at(0))
    merge(cluster, covered)
    merge(cluster, report(scanned_at=at(5)))
    again = report(resource(skipped=[0], excepted=[excepted(exception="other")]), scanned_at=at(9))
    merge(cluster, again)
    assert states() == [(WEB, "excepted", "other", 1)]
    assert verify_posture() == []


def test_another_exception_for_the_same_place_is_another_stretch(cluster: Cluster) -> None:
    for minute, name in enumerate(("first", "second", "second")):
        covered = resource(skipped=[0], excepted=[excepted(exception=name)])
        merge(cluster, report(covered, scanned_at=at(minute)))
    assert [row[2:] for row in stretches()] == [("first", "excepted"), ("second", "")]
    assert verify_posture() == []


def test_place_that_passes_beside_an_excepted_one_is_resolved(cluster: Cluster) -> None:
    both = [violation(place=WEB), violation(place=PROXY)]
    merge(cluster, report(resource(violations=both), scanned_at=at(0)))
    merge(cluster, report(resource(skipped=[0], excepted=[excepted()]), scanned_at=at(5)))
    assert states() == [(WEB, "excepted", "node-agent", 0), (PROXY, "resolved", "", 0)]


def test_partly_evaluated_policy_resolves_nothing(cluster: Cluster) -> None:
    both = [violation(place=WEB), violation(place=PROXY)]
    merge(cluster, report(resource(violations=both), scanned_at=at(0)))
    merge(cluster, report(resource(violations=both[1:], partial=[0]), scanned_at=at(5)))
    merge(cluster, report(resource(skipped=[0], excepted=[excepted(PROXY)], partial=[0]), scanned_at=at(6)))
    assert states() == [(WEB, "open", "", 0), (PROXY, "excepted", "node-agent", 0)]
    assert verify_posture() == []


def test_skip_without_exceptions_leaves_an_excepted_violation_as_it_is(cluster: Cluster) -> None:
    merge(cluster, report(resource(skipped=[0], excepted=[excepted()]), scanned_at=at(0)))
    merge(cluster, report(resource(skipped=[0]), scanned_at=at(5)))
    assert states() == [(WEB, "excepted", "node-agent", 0)]
