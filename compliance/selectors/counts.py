"""Verdicts and open violations per policy, from the smallest rollup that knows what is in view.

Today: the fleet's counts (all, an environment, teams or a namespace), else those per cluster, namespace and team.
A past day: the fleet's policy days (all, an environment), else those of the clusters chosen; no namespace or team
narrows a past day.
"""

# ruff: noqa: S608 - conditions are written here; values are parameters

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, Sum

from clusters.models import Cluster
from common.clock import now, today
from compliance.models import FleetCount, FleetDimension, FleetPolicyDay, PolicyDay, PostureCount, ViolationStatus
from compliance.posture import FRESH_FOR, Posture

from .filters import Filters, within
from .standing import clusters_condition, places_condition

MOST_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Counts:
    """How many resources got each verdict; `silent_…` of them lie in clusters that have gone silent."""

    passed: int = 0
    failed: int = 0
    errored: int = 0
    skipped: int = 0
    open: int = 0
    silent_passed: int = 0
    silent_failed: int = 0
    silent_errored: int = 0

    @property
    def applicable(self) -> int:
        return self.passed + self.failed + self.errored

    @property
    def posture(self) -> Posture:
        """Unweighted: every resource counts for one. What a silent cluster said last is not evaluated."""
        return self.weighted(1)

    def weighted(self, weight: int) -> Posture:
        """The posture when every resource counts for `weight`."""
        silent = self.silent_passed + self.silent_failed + self.silent_errored
        return Posture(
            passed=(self.passed - self.silent_passed) * weight,
            failed=(self.failed - self.silent_failed) * weight,
            errored=(self.errored - self.silent_errored) * weight,
            skipped=self.skipped * weight,
            unreported=silent * weight,
        )

    def __add__(self, other: "Counts") -> "Counts":
        return sum_of_counts((self, other))


_fields = attrgetter(*Counts.__dataclass_fields__)
NOTHING = Counts()


def sum_of_counts(counts: Iterable[Counts]) -> Counts:
    """The sum of any number of them; of none, nothing."""
    return Counts(*map(sum, zip(*map(_fields, counts), strict=True)))


_SILENT = ("silent_passed", "silent_failed", "silent_errored")


@dataclass(frozen=True, slots=True)
class OpenCount:
    """Open violations of a policy, those of them that have a fix, and the resources that fail it."""

    open: int
    fixable: int
    resources: int


def counts_by_policy(filters: Filters) -> dict[int, Counts]:
    """Verdicts and open violations per policy id, of clusters, namespaces and teams in view. At most three queries."""
    if filters.as_of is not None and filters.as_of < today():
        return _counts_on(filters, filters.as_of)
    told = _told_now(filters)
    silent = _silent_now(filters) if told else {}
    return {
        policy_id: Counts(*row, *silent.get(policy_id, (0, 0, 0))) for policy_id, row in told.items()
    }


def open_by_policy(filters: Filters) -> dict[int, OpenCount] | None:
    """What is open now per policy id, within what the filters say of places, severities and policies. One query.

    None where no rollup knows: for a text, a past day, or another status than open.
    """
    if filters.q or filters.as_of is not None or filters.status != ViolationStatus.OPEN:
        return None
    found = narrowed(rollup_now(filters), filters).filter(open_count__gt=0).order_by().values_list("policy_id")
    sums = found.annotate(Sum("open_count"), Sum("fixable_count"), Sum("failed"))
    return {policy_id: OpenCount(*map(int, counts)) for policy_id, *counts in sums}


def narrowed(found: QuerySet[Any], filters: Filters) -> QuerySet[Any]:
    """Rows of a rollup by policy, of the policies and severities in view."""
    if filters.policy_ids is not None:
        found = found.filter(policy__in=filters.policy_ids)
    if filters.severities:
        found = found.filter(policy__severity__in=filters.severities)
    return found


def counts_in_view(filters: Filters) -> QuerySet[PostureCount]:
    """Today's rollup per cluster, namespace, team and policy, narrowed to the places in view."""
    return PostureCount.objects.filter(clusters_condition(filters), places_condition(filters))


def is_countable(found: QuerySet[Any]) -> bool:
    """Whether the rows are few enough (5,000) to be added up while somebody waits. One query."""
    return not list(found.order_by().values_list("id")[MOST_ROWS : MOST_ROWS + 1])


def rollup_now(filters: Filters, *, by: str = "") -> QuerySet[Any]:
    """The smallest of today's rollups by policy that knows the places in view and can be summed by `by`: cluster,
    environment, namespace or team. The fleet's counts know namespaces and teams, but not both at once.
    """
    dimensions = {
        dimension
        for dimension, is_needed in (
            (FleetDimension.NAMESPACE, filters.namespace is not None or by == "namespace"),
            (FleetDimension.TEAM, filters.team_ids is not None or by == "team"),
        )
        if is_needed
    }
    if filters.cluster_ids is not None or by == "cluster" or len(dimensions) > 1:
        return counts_in_view(filters)
    dimension = dimensions.pop() if dimensions else FleetDimension.WHOLE
    return FleetCount.objects.filter(clusters_condition(filters), places_condition(filters), dimension=dimension)


def _told_now(filters: Filters) -> dict[int, tuple[int, ...]]:
    sums = [Sum("passed"), Sum("failed"), Sum("errored"), Sum("skipped"), Sum("open_count")]
    rows = rollup_now(filters).order_by().values_list("policy_id").annotate(*sums)
    return {policy_id: tuple(map(int, row)) for policy_id, *row in rows}


def _silent_now(filters: Filters) -> dict[int, tuple[int, ...]]:
    """What clusters that have gone silent said last: passed, failed, errored per policy id. Two queries."""
    silent = Q(last_scanned_at=None) | Q(last_scanned_at__lt=now() - FRESH_FOR)
    ids = list(Cluster.objects.filter(silent, within(filters, prefix="")).values_list("id", flat=True))
    if not ids:
        return {}
    if filters.namespace is None and filters.team_ids is None:
        rows = _unnested(PolicyDay.objects.filter(is_last=True, cluster__in=ids))
        return {policy_id: row[:3] for policy_id, row in rows.items()}
    counts = counts_in_view(filters).filter(cluster__in=ids).order_by().values_list("policy_id")
    sums = counts.annotate(Sum("passed"), Sum("failed"), Sum("errored"))
    return {policy_id: tuple(map(int, row)) for policy_id, *row in sums}


def _counts_on(filters: Filters, day: date) -> dict[int, Counts]:
    """At the end of a past day. Clusters whose last day came before it have been silent since."""
    found: dict[int, Counts] = defaultdict(Counts)
    in_view = clusters_condition(filters)
    if filters.cluster_ids is not None:
        days = PolicyDay.objects.filter(in_view, day=day)
        for policy_id, row in _unnested(days.filter(is_carried=False)).items():
            found[policy_id] += Counts(*row)
        gone = [days.filter(is_carried=True)]
    else:
        sums = [Sum(name) for name in ("passed", "failed", "errored", "skipped", "open_count", *_SILENT)]
        fleet = FleetPolicyDay.objects.filter(in_view, day=day).order_by().values_list("policy_id").annotate(*sums)
        for policy_id, *row in fleet:
            found[policy_id] += Counts(*map(int, row))
        gone = []
    for rows in (*gone, PolicyDay.objects.filter(in_view, is_last=True, day__lt=day)):
        for policy_id, row in _unnested(rows).items():
            found[policy_id] += Counts(*row, *row[:3])
    return dict(found)


def failing_by_day(policy_id: int, filters: Filters, first: date, last: date) -> Iterable[tuple[date, int]]:
    """Resources that failed a policy at each day's end, of clusters up to their last day. One query."""
    in_view = clusters_condition(filters)
    if filters.cluster_ids is not None:
        days = PolicyDay.objects.filter(in_view, day__range=(first, last), policies__contains=[policy_id])
        return _failing_of(days, policy_id)
    days = FleetPolicyDay.objects.filter(in_view, policy=policy_id, day__range=(first, last))
    return [(day, int(failed)) for day, failed in days.order_by().values_list("day").annotate(Sum("failed"))]


def failing_since(policy_id: int, filters: Filters, last: date) -> Iterable[tuple[date, int]]:
    """The same of clusters that have been silent since a day before `last`, by their last day. One query."""
    ended = PolicyDay.objects.filter(
        clusters_condition(filters), is_last=True, day__lt=last, policies__contains=[policy_id]
    )
    return _failing_of(ended, policy_id)


def _failing_of(days: QuerySet[PolicyDay], policy_id: int) -> list[tuple[date, int]]:
    inner, params = days.order_by().values("day", "policies", "failed").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT day, sum(failed[array_position(policies, %s)]) FROM ({inner}) AS days GROUP BY day",
            [policy_id, *params],
        )
        return [(day, int(failed)) for day, failed in cursor.fetchall()]


def _unnested(days: QuerySet[PolicyDay]) -> dict[int, tuple[int, ...]]:
    """Sums of passed, failed, errored, skipped and open per policy id over rows of PolicyDay."""
    arrays = ("policies", "passed", "failed", "errored", "skipped", "open_counts")
    inner, params = days.order_by().values(*arrays).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.policy_id, sum(u.passed), sum(u.failed), sum(u.errored), sum(u.skipped), sum(u.open_count)"
            f" FROM ({inner}) AS d CROSS JOIN LATERAL unnest({', '.join(f'd.{name}' for name in arrays)})"
            " AS u (policy_id, passed, failed, errored, skipped, open_count) GROUP BY u.policy_id",
            params,
        )
        return {policy_id: tuple(map(int, row)) for policy_id, *row in cursor.fetchall()}


def sums_of_counts() -> dict[str, Sum]:
    """Sums over today's PostureCounts, under the names of Counts with `_sum`."""
    silent = Q(cluster__last_scanned_at=None) | Q(cluster__last_scanned_at__lt=now() - FRESH_FOR)
    whole = {f"{name}_sum": Sum(name) for name in ("passed", "failed", "errored", "skipped")}
    apart = {f"{name}_sum": Sum(name.removeprefix("silent_"), filter=silent, default=0) for name in _SILENT}
    return {**whole, "open_sum": Sum("open_count"), **apart}
