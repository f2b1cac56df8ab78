"""How reports come in, cluster by cluster: what arrives, what waits, what was refused and why, what is missing."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from clusters.models import Cluster, IntakeDay, Report, ReportQueue, ReportStatus
from clusters.services.intake.days import ACCEPTED
from common.clock import now, today

from .filters import Filters
from .fleet import freshness_of

DAYS = 14
MOST_CLUSTERS = 100
MOST_PARKED = 50
SKEW_SECONDS = 60.0
LATE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Posts of a cluster that were refused for one reason, today and yesterday (UTC)."""

    code: str
    count: int
    last_at: datetime
    last_detail: str


@dataclass(frozen=True, slots=True)
class Intake:
    """One cluster. `reports_by_day`: reports accepted on each of the last 14 UTC days, today the last."""

    cluster: Cluster
    waiting_count: int = 0
    waiting_bytes: int = 0
    waiting_since: datetime | None = None
    parked_count: int = 0
    reports_by_day: tuple[int, ...] = (0,) * DAYS
    refusals: tuple[Refusal, ...] = ()

    @property
    def freshness(self) -> str:
        """`never` reported, `stale` (silent for over a day) or `fresh`."""
        return freshness_of(self.cluster)

    @property
    def refused_count(self) -> int:
        return sum(refusal.count for refusal in self.refusals)

    @property
    def is_late(self) -> bool:
        """Whether its oldest report has waited for more than five minutes."""
        return self.waiting_since is not None and (now() - self.waiting_since).total_seconds() > LATE_SECONDS

    @property
    def has_skew(self) -> bool:
        """Whether the sender's clock is more than a minute off."""
        return abs(self.cluster.clock_skew_seconds or 0.0) > SKEW_SECONDS

    @property
    def truncated_count(self) -> int:
        """Resources that the newest report left out for another reason than that they could not be read."""
        return max(0, self.cluster.unreported_resource_count - self.cluster.unreadable_resource_count)

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong, the worst first: parked, refused, late, never, silent, incomplete, skew."""
        found = {
            "parked": self.parked_count > 0,
            "refused": self.refused_count > 0,
            "late": self.is_late,
            "never": self.freshness == "never",
            "silent": self.freshness == "stale",
            "incomplete": self.cluster.unreported_resource_count > 0,
            "skew": self.has_skew,
        }
        return tuple(word for word, is_so in found.items() if is_so)


def intakes(clusters: Iterable[Cluster]) -> list[Intake]:
    """Of each cluster, in the order given. Two queries."""
    clusters = list(clusters)
    ids = [cluster.id for cluster in clusters]
    queues = {queue.cluster_id: queue for queue in ReportQueue.objects.filter(cluster_id__in=ids)}
    accepted, refused = _days(ids)
    return [
        Intake(
            cluster,
            *_queued(queues.get(cluster.id)),
            reports_by_day=tuple(accepted[cluster.id]),
            refusals=tuple(sorted(refused[cluster.id].values(), key=lambda refusal: -refusal.count)),
        )
        for cluster in clusters
    ]


def most_troubled(rows: Iterable[Intake]) -> list[Intake]:
    """The worst first, at most 100; those without trouble by name."""
    order = ("parked", "refused", "late", "never", "silent", "incomplete", "skew")

    def rank(row: Intake) -> tuple[int, int, str]:
        troubles = row.troubles
        return (order.index(troubles[0]) if troubles else len(order), -len(troubles), row.cluster.name)

    return sorted(rows, key=rank)[:MOST_CLUSTERS]


def parked_reports(filters: Filters) -> list[Report]:
    """Parked reports of the clusters in view, newest first, at most 50, without their bodies. One query."""
    found = Report.objects.filter(status=ReportStatus.PARKED).select_related("cluster").defer("body")
    if filters.cluster_ids is not None:
        found = found.filter(cluster_id__in=filters.cluster_ids)
    return list(found.order_by("-received_at", "-id")[:MOST_PARKED])


def _queued(queue: ReportQueue | None) -> tuple[int, int, datetime | None, int]:
    if queue is None:
        return (0, 0, None, 0)
    return (queue.waiting_count, queue.waiting_bytes, queue.waiting_since, queue.parked_count)


def _days(ids: Collection[UUID]) -> tuple[dict[UUID, list[int]], dict[UUID, dict[str, Refusal]]]:
    """By cluster: reports accepted on each day, and refusals of today and yesterday by code."""
    last = today()
    first = last - timedelta(days=DAYS - 1)
    accepted: dict[UUID, list[int]] = defaultdict(lambda: [0] * DAYS)
    refused: dict[UUID, dict[str, Refusal]] = defaultdict(dict)
    for day in IntakeDay.objects.filter(cluster_id__in=ids, day__gte=first).order_by("day"):
        if day.outcome == ACCEPTED:
            if day.day <= last:
                accepted[day.cluster_id][(day.day - first).days] = day.count
        elif day.day >= last - timedelta(days=1):
            earlier = refused[day.cluster_id].get(day.outcome)
            count = day.count + (earlier.count if earlier else 0)
            refused[day.cluster_id][day.outcome] = Refusal(day.outcome, count, day.last_at, day.last_detail)
    return accepted, refused
