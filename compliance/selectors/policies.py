"""Policies with what they found in the part of the fleet that is in view."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from clusters.models import Cluster
from common.clock import now, today
from common.errors import NotFound
from compliance.models import Policy, PolicyDay, PostureCount
from compliance.posture import FRESH_FOR, Posture

from .directory import Directory
from .filters import Filters
from .violations import violations

VERDICTS = ("passed", "failed", "errored", "skipped")
TREND_DAYS = 90


@dataclass(frozen=True, slots=True)
class Counts:
    """How many resources got each verdict; `silent_…` of them lie in clusters that have gone silent."""

    passed: int = 0
    failed: int = 0
    errored: int = 0
    skipped: int = 0
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
        return Counts(*(getattr(self, name) + getattr(other, name) for name in COUNTED))


COUNTED = tuple(Counts.__dataclass_fields__)
NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy of the list: verdicts on resources, and open violations (a resource may have several)."""

    policy: Policy
    counts: Counts
    open_count: int


def counts_in_view(filters: Filters) -> QuerySet[PostureCount]:
    """Today's rollup, narrowed to the clusters, namespace and teams in view."""
    found = PostureCount.objects.all()
    if filters.cluster_ids is not None:
        found = found.filter(cluster_id__in=filters.cluster_ids)
    if filters.namespace is not None:
        found = found.filter(namespace=filters.namespace)
    if filters.team_ids is not None:
        found = found.filter(team_id__in=filters.team_ids)
    return found


def counts_by_policy(filters: Filters) -> dict[int, Counts]:
    """Verdicts per policy id. One query; on a past day, each cluster's last known day up to it."""
    if filters.as_of is not None:
        rows: Iterable[Any] = _counts_on(filters)
    else:
        rows = counts_in_view(filters).order_by().values("policy_id").annotate(**_sums(_silent_now()))
    return {row["policy_id"]: _counts_of(row) for row in rows}


def _counts_of(row: dict[str, Any]) -> Counts:
    return Counts(*(row[f"{name}_sum"] for name in COUNTED))


def _counts_on(filters: Filters) -> QuerySet[Any]:
    """Daily rollups know clusters only: a namespace or a team does not narrow a past day."""
    days = PolicyDay.objects.filter(day__lte=filters.as_of)
    if filters.cluster_ids is not None:
        days = days.filter(cluster_id__in=filters.cluster_ids)
    silent = Q(day__lt=filters.as_of)
    last = days.order_by("cluster_id", "policy_id", "-day").distinct("cluster_id", "policy_id").values("id")
    return PolicyDay.objects.filter(id__in=last).order_by().values("policy_id").annotate(**_sums(silent))


def _silent_now() -> Q:
    return Q(cluster__last_scanned_at=None) | Q(cluster__last_scanned_at__lt=now() - FRESH_FOR)


def _sums(silent: Q) -> dict[str, Sum]:
    """The sums behind Counts; `silent` says which rows are of clusters that have gone silent."""
    whole = {f"{verdict}_sum": Sum(verdict) for verdict in VERDICTS}
    apart = {
        f"silent_{verdict}_sum": Sum(verdict, filter=silent, default=0)
        for verdict in ("passed", "failed", "errored")
    }
    return whole | apart


def known_slugs(slugs: Collection[str]) -> frozenset[str]:
    """Those of the slugs that a report may name: the library's and the organization's own, retired too. One query."""
    return frozenset(Policy.objects.filter(slug__in=slugs).values_list("slug", flat=True))


def policy_rows(filters: Filters, directory: Directory) -> list[PolicyRow]:
    """Every policy that a view selects: most failing first, then by severity. Three queries."""
    counts = counts_by_policy(filters)
    open_counts = _open_counts(filters)
    rows = [
        PolicyRow(policy, counts.get(policy.id, NOTHING), open_counts.get(policy.id, 0))
        for policy in directory.policies.values()
        if _is_in_view(policy, filters) and (policy.retired_at is None or policy.id in counts)
    ]
    return sorted(rows, key=lambda r: (-r.counts.failed * r.policy.weight, -r.policy.severity, r.policy.slug))


def _is_in_view(policy: Policy, filters: Filters) -> bool:
    if filters.policy_ids is not None and policy.id not in filters.policy_ids:
        return False
    if filters.severities and policy.severity not in filters.severities:
        return False
    q = filters.q.lower()
    return not q or q in policy.slug or q in policy.title.lower()


def _open_counts(filters: Filters) -> dict[int, int]:
    found = violations().matching(filters).order_by().values_list("policy_id").annotate(number=Count("id"))
    return dict(found)


def policy_detail(slug: str) -> Policy:
    """One policy, the organization's own before the library's, with its document and the standards that select
    it. Raises NotFound.
    """
    found = Policy.objects.filter(slug=slug).in_order_of_precedence().prefetch_related("standards").last()
    if found is None:
        raise NotFound("No such policy.")
    return found


def policy_row(slug: str, filters: Filters, directory: Directory) -> PolicyRow:
    """One policy with what it found in view, whatever else of the list the view would leave out. Raises NotFound."""
    found = policy_detail(slug)
    rows = {row.policy.id: row for row in policy_rows(filters, directory)}
    known = rows.get(found.id)
    return PolicyRow(found, known.counts if known else NOTHING, known.open_count if known else 0)


@dataclass(frozen=True, slots=True)
class PolicyPlace:
    """Verdicts of one policy in one namespace of one cluster; '' stands for cluster-scoped resources."""

    cluster: Cluster
    namespace: str
    counts: Counts


def policy_places(
    policy: Policy, filters: Filters, directory: Directory, *, limit: int = 50
) -> list[PolicyPlace]:
    """Where a policy applies, most failing first. One query, and one for the clusters' names."""
    rows = (
        counts_in_view(filters)
        .filter(policy=policy)
        .order_by()
        .values("cluster_id", "namespace")
        .annotate(**_sums(_silent_now()))
        .order_by("-failed_sum", "-passed_sum", "namespace", "cluster_id")[:limit]
    )
    return [
        PolicyPlace(
            cluster=directory.clusters_by_id[row["cluster_id"]],
            namespace=row["namespace"],
            counts=_counts_of(row),
        )
        for row in rows
    ]


def policy_trend(policy: Policy, filters: Filters, *, days: int = TREND_DAYS) -> list[tuple[date, int]]:
    """Failing resources at each day's end, oldest first.

    A cluster without a report that day keeps its last value. One query.
    Days before the first report are left out.
    """
    last = filters.as_of or today()
    first = last - timedelta(days=days - 1)
    found = PolicyDay.objects.filter(policy=policy, day__gte=first, day__lte=last)
    if filters.cluster_ids is not None:
        found = found.filter(cluster_id__in=filters.cluster_ids)
    by_day: dict[date, dict[Any, int]] = {}
    for day, cluster_id, failed in found.values_list("day", "cluster_id", "failed"):
        by_day.setdefault(day, {})[cluster_id] = failed
    trend: list[tuple[date, int]] = []
    standing: dict[Any, int] = {}
    for offset in range(days):
        day = first + timedelta(days=offset)
        standing.update(by_day.get(day, {}))
        if standing:
            trend.append((day, sum(standing.values())))
    return trend
