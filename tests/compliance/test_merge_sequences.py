"""Whatever sequence of reports comes in, what is kept agrees with what is recomputed."""

from itertools import pairwise
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusters.models import Cluster, Report
from clusters.services.clusters import register_cluster
from compliance.models import Violation, ViolationInterval
from compliance.services.turns import process_waiting_reports
from compliance.services.verification import verify_posture
from organizations.models import Organization
from tests.compliance.reports import POLICIES, accept, at, report, resource, violation
from tests.factories import make_team

PLACES = ("containers[web]", "containers[proxy]")
IDENTITIES = [(name, namespace) for name in ("one", "two") for namespace in ("shop", "search", "")]


@st.composite
def resources(draw: st.DrawFn, identity: tuple[str, str]) -> dict[str, Any]:
    """A resource on which each policy passed, failed at some places, erred, was skipped, or did not apply."""
    verdicts: dict[str, list[int]] = {"passed": [], "failed": [], "errored": [], "skipped": [], "none": []}
    violations = []
    errors = []
    for index in range(len(POLICIES)):
        verdict = draw(st.sampled_from(sorted(verdicts)))
        verdicts[verdict].append(index)
        if verdict == "failed":
            places = draw(st.sets(st.sampled_from(PLACES), min_size=1))
            violations += [violation(index, place) for place in sorted(places)]
            errors += draw(st.sampled_from([[], [{"policy": index, "message": "no such key"}]]))
    del verdicts["none"]
    name, namespace = identity
    labels = draw(st.sampled_from([{}, {"team": "search"}, {"team": "nobody"}]))
    return resource(name, namespace, labels=labels, violations=violations, errors=errors, **verdicts)


@st.composite
def reports(draw: st.DrawFn) -> tuple[int, dict[str, Any]]:
    """(minutes since the one before, the rest of a report); some come late, some at the same instant."""
    present = sorted(draw(st.sets(st.sampled_from(IDENTITIES))))
    absent = [identity for identity in IDENTITIES if identity not in present]
    parts: dict[str, Any] = {"resources": [draw(resources(identity)) for identity in present]}
    parts["kind"] = draw(st.sampled_from(["snapshot", "delta"]))
    if parts["kind"] == "delta" and absent:
        parts["deleted"] = [
            {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": name}
            for name, namespace in draw(st.lists(st.sampled_from(absent)))
        ]
    parts["truncated"] = draw(st.sampled_from([None, None, {"resources_total": 4}]))
    parts["unreadable"] = draw(st.sampled_from([[], [], [{"file": "a.yaml", "line": 1, "message": "?"}]]))
    return draw(st.sampled_from([-30, 0, 1, 1, 20, 60 * 24, 60 * 24 * 3])), parts


@given(sequence=st.lists(reports(), min_size=1, max_size=7), batched=st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_sequence_of_reports_leaves_everything_in_agreement(
    cluster: Cluster, acme_scope: Organization, sequence: list[tuple[int, dict[str, Any]]], batched: bool
) -> None:
    with transaction.atomic():
        make_team("search", ["search"])
        fresh = register_cluster(name="sequence", environment="staging")
        minutes = 0
        for step, parts in sequence:
            minutes += step
            accept(fresh, report(scanned_at=at(minutes), **parts))
            if not batched:
                process_waiting_reports()
                assert verify_posture() == []
        process_waiting_reports()
        assert verify_posture() == []
        assert set(Report.objects.values_list("status", flat=True)) <= {"processed", "superseded"}
        assert_intervals_tell_the_same_story()
        transaction.set_rollback(True)


def assert_intervals_tell_the_same_story() -> None:
    """Said a second time, in Python: ordered, apart, and the last one open exactly if the violation is."""
    for found in Violation.objects.all():
        intervals = list(ViolationInterval.objects.filter(violation=found).order_by("opened_at"))
        assert len(intervals) == found.reopened_count + 1
        for earlier, later in pairwise(intervals):
            assert earlier.closed_at is not None
            assert earlier.opened_at < earlier.closed_at <= later.opened_at
        assert (intervals[-1].closed_at is None) == (found.status == "open")
