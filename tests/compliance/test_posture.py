"""The definitions in docs/posture.md, computed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.models import Cluster
from compliance.models import SEVERITY_WEIGHTS, PostureDay
from compliance.posture import Posture, end_of_day, is_stale, total
from deploy.local.home import CHECKOUT
from tests.compliance.reports import at, merge, report, resource, violation

EXAMPLE = Posture(passed=12, failed=12, errored=10, skipped=2, unreported=12)
weights = st.integers(0, 10**9)
postures = st.builds(Posture, weights, weights, weights, weights, weights)


def test_worked_example_follows_from_a_report(cluster: Cluster) -> None:
    policies = ["privileged-container", "memory-limits"]
    resources = [
        resource("web", passed=[0], violations=[violation(1)]),
        resource("worker", passed=[1], violations=[violation(0)]),
        resource("import", passed=[], errored=[0], skipped=[1]),
    ]
    truncated = {"resources_total": 4}
    merge(cluster, report(*resources, scanned_at=at(0), policies=policies, truncated=truncated))
    rows = PostureDay.objects.values_list(
        "passed_weight", "failed_weight", "errored_weight", "skipped_weight", "unreported_weight"
    )
    assert total(Posture(*row) for row in rows) == EXAMPLE


def test_worked_example_is_the_one_in_the_document() -> None:
    text = (CHECKOUT / "docs" / "posture.md").read_text()
    assert (
        f"score    = {EXAMPLE.passed} ÷ {EXAMPLE.evaluated} = {EXAMPLE.score:.1%}".replace("%", " %") in text
    )
    assert (
        f"coverage = {EXAMPLE.evaluated} ÷ {EXAMPLE.applicable} = {EXAMPLE.coverage:.1%}".replace("%", " %")
        in text
    )
    for severity, weight in SEVERITY_WEIGHTS.items():
        assert f"| {severity.label.lower()} | {weight} |" in text


def test_no_data_is_not_one_hundred_percent() -> None:
    assert (Posture().score, Posture().coverage) == (None, None)
    assert (Posture(skipped=5).score, Posture(skipped=5).coverage) == (None, None)
    assert (Posture(errored=5).score, Posture(errored=5).coverage) == (None, 0)


def test_stale_cluster_applies_but_is_not_evaluated() -> None:
    assert EXAMPLE.as_stale().score is None
    assert EXAMPLE.as_stale().coverage == 0
    assert EXAMPLE.as_stale().applicable == EXAMPLE.applicable


@given(before=postures, more=weights)
def test_what_is_not_known_never_raises_the_score_and_never_raises_coverage(
    before: Posture, more: int
) -> None:
    after = before + Posture(errored=more, unreported=more)
    assert after.score == before.score
    assert (after.coverage or 0) <= (before.coverage or 0)


@given(parts=st.lists(postures, max_size=5))
def test_score_of_a_whole_lies_between_those_of_its_parts(parts: list[Posture]) -> None:
    scores = [part.score for part in parts if part.score is not None]
    whole = total(parts).score
    assert (whole is None) == (not scores)
    assert whole is None or min(scores) - 1e-9 <= whole <= max(scores) + 1e-9


@pytest.mark.parametrize(
    ("age", "stale"), [(timedelta(hours=24), False), (timedelta(hours=24, seconds=1), True)]
)
def test_cluster_is_stale_after_a_day_of_silence(age: timedelta, stale: bool) -> None:
    end = end_of_day(date(2026, 3, 3))
    assert end == datetime(2026, 3, 4, tzinfo=UTC)
    assert is_stale(end - age, end) is stale
    assert is_stale(None, end)
