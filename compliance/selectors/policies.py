"""Policies with what they found in the part of the fleet that is in view."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from clusters.models import Cluster
from common.clock import today
from common.errors import NotFound
from compliance.models import Policy
from compliance.posture import Posture

from .counts import (
    NOTHING,
    Counts,
    counts_by_policy,
    counts_in_view,
    failing_by_day,
    failing_since,
    sums_of_counts,
)
from .directory import Directory
from .filters import Filters

TREND_DAYS = 90


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy of the list: verdicts on resources, and open violations (a resource may have several)."""

    policy: Policy
    counts: Counts

    @property
    def open_count(self) -> int:
        return self.counts.open

    @property
    def posture(self) -> Posture:
        """Weighted by the policy's severity."""
        return self.counts.weighted(self.policy.weight)


def known_slugs(slugs: Collection[str]) -> frozenset[str]:
    """Those of the slugs that a report may name: the library's and the organization's own, retired too. One query."""
    return frozenset(Policy.objects.filter(slug__in=slugs).values_list("slug", flat=True))


def policy_rows(filters: Filters, directory: Directory) -> list[PolicyRow]:
    """Every policy that a view selects: most failing first, then by severity. At most four queries."""
    counts = counts_by_policy(filters)
    rows = [
        PolicyRow(policy, counts.get(policy.id, NOTHING))
        for policy in directory.policies.values()
        if _is_in_view(policy, filters) and (policy.retired_at is None or policy.id in counts)
    ]
    return sorted(rows, key=lambda r: (-r.counts.failed * r.policy.weight, -r.policy.severity, r.policy.slug))


def posture_by_category(rows: Iterable[PolicyRow]) -> dict[str, Posture]:
    """The posture of each category that has policies among the rows, by name."""
    found: dict[str, Posture] = {}
    for row in sorted(rows, key=lambda row: row.policy.category):
        found[row.policy.category] = found.get(row.policy.category, Posture()) + row.posture
    return found


def _is_in_view(policy: Policy, filters: Filters) -> bool:
    if filters.policy_ids is not None and policy.id not in filters.policy_ids:
        return False
    if filters.severities and policy.severity not in filters.severities:
        return False
    q = filters.q.lower()
    return not q or q in policy.slug or q in policy.title.lower()


def policy_detail(slug: str) -> Policy:
    """One policy, the organization's own before the library's, with its document and the standards that select
    it. Raises NotFound.
    """
    found = Policy.objects.filter(slug=slug).in_order_of_precedence().prefetch_related("standards").last()
    if found is None:
        raise NotFound("No such policy.")
    return found


def policy_row(slug: str, filters: Filters) -> PolicyRow:
    """One policy with what it found in view, whatever else of the list the view would leave out. Raises NotFound."""
    found = policy_detail(slug)
    return PolicyRow(found, counts_by_policy(filters).get(found.id, NOTHING))


@dataclass(frozen=True, slots=True)
class PolicyPlace:
    """Verdicts of one policy in one namespace of one cluster; '' stands for cluster-scoped resources."""

    cluster: Cluster
    namespace: str
    counts: Counts


def policy_places(policy: Policy, filters: Filters, *, limit: int = 50) -> list[PolicyPlace]:
    """Where a policy applies today, most failing first. Two queries."""
    rows = list(
        counts_in_view(filters)
        .filter(policy=policy)
        .order_by()
        .values("cluster_id", "namespace")
        .annotate(**sums_of_counts())
        .order_by("-failed_sum", "-passed_sum", "namespace", "cluster_id")[:limit]
    )
    clusters = Cluster.objects.in_bulk({row["cluster_id"] for row in rows})
    return [
        PolicyPlace(
            cluster=clusters[row["cluster_id"]],
            namespace=row["namespace"],
            counts=Counts(*(row[f"{name}_sum"] for name in Counts.__dataclass_fields__)),
        )
        for row in rows
    ]


def policy_trend(policy: Policy, filters: Filters, *, days: int = TREND_DAYS) -> list[tuple[date, int]]:
    """Failing resources at each day's end, oldest first.

    A cluster without a report that day keeps its last value. Two queries.
    Days before the first report are left out.
    """
    last = filters.as_of or today()
    first = last - timedelta(days=days - 1)
    reported = dict(failing_by_day(policy.id, filters, first, last))
    ended: dict[date, int] = defaultdict(int)
    for day, failed in failing_since(policy.id, filters, last):
        ended[max(first, day + timedelta(days=1))] += failed
    trend: list[tuple[date, int]] = []
    standing = 0
    for day in (first + timedelta(days=number) for number in range(days)):
        standing += ended.get(day, 0)
        if day in reported or standing:
            trend.append((day, reported.get(day, 0) + standing))
    return trend
