"""How reports come in, cluster by cluster: what arrives, what waits, what was refused and why, what is missing."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Sum, Value, When

from clusters.models import Cluster, IntakeDay, Report, ReportQueue, ReportStatus
from clusters.services.intake.days import ACCEPTED
from common.clock import now, today
from compliance.posture import FRESH_FOR

from .filters import Filters, within
from .fleet import freshness_of

DAYS = 14
MOST_CLUSTERS = 50
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
    """One cluster. `reports_by_day`: reports accepted on each of the last 14 UTC days, today the last (with_days)."""

    cluster: Cluster
    waiting_count: int = 0
    waiting_bytes: int = 0
    waiting_since: datetime | None = None
    parked_count: int = 0
    accepted_today: int = 0
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
    """Of each cluster, in the order given, all but what came in by day. Two queries."""
    clusters = list(clusters)
    ids = [cluster.id for cluster in clusters]
    queues, recent = _queues(ids), _recent(ids)
    return [
        Intake(cluster, *queues.get(cluster.id, ()), **recent.get(cluster.id, _Recent()).fields())
        for cluster in clusters
    ]


def with_days(rows: Iterable[Intake]) -> list[Intake]:
    """The same rows with `reports_by_day`. One query, of 14 rows for each cluster."""
    rows = list(rows)
    last = today()
    first = last - timedelta(days=DAYS - 1)
    accepted: dict[UUID, list[int]] = defaultdict(lambda: [0] * DAYS)
    found = IntakeDay.objects.filter(
        cluster_id__in=[row.cluster.id for row in rows], outcome=ACCEPTED, day__range=(first, last)
    )
    for cluster_id, day, count in found.values_list("cluster_id", "day", "count"):
        accepted[cluster_id][(day - first).days] = count
    return [replace(row, reports_by_day=tuple(accepted[row.cluster.id])) for row in rows]


@dataclass(frozen=True, slots=True)
class IntakeNumbers:
    """All clusters in view, counted; refusals are those of today and yesterday (UTC)."""

    cluster_count: int
    troubled_count: int
    waiting_count: int
    parked_count: int
    refused_count: int
    accepted_today: int


def most_troubled(filters: Filters) -> list[Cluster]:
    """The worst first, at most 50; those without trouble by name. One query."""
    return list(_ranked(filters).order_by("rank", "name")[:MOST_CLUSTERS])


def intake_numbers(filters: Filters) -> IntakeNumbers:
    """Two queries."""
    clusters = _ranked(filters).aggregate(
        cluster_count=Count("id"),
        troubled_count=Count("id", filter=Q(rank__lt=_NO_TROUBLE)),
        waiting_count=Sum("queue__waiting_count", default=0),
        parked_count=Sum("queue__parked_count", default=0),
    )
    days = IntakeDay.objects.filter(within(filters), day__gte=today() - timedelta(days=1))
    counts = days.aggregate(
        refused_count=Sum("count", filter=~Q(outcome=ACCEPTED), default=0),
        accepted_today=Sum("count", filter=Q(outcome=ACCEPTED, day=today()), default=0),
    )
    return IntakeNumbers(**clusters, **counts)


_NO_TROUBLE = 7


def _ranked(filters: Filters) -> QuerySet[Cluster]:
    """Clusters in view with their worst trouble as a number, in the order of Intake.troubles."""
    refused = IntakeDay.objects.filter(day__gte=today() - timedelta(days=1)).exclude(outcome=ACCEPTED)
    present = now()
    troubles = [
        Q(queue__parked_count__gt=0),
        Q(id__in=refused.values("cluster_id")),
        Q(queue__waiting_since__lt=present - timedelta(seconds=LATE_SECONDS)),
        Q(last_scanned_at=None),
        Q(last_scanned_at__lt=present - FRESH_FOR),
        Q(unreported_resource_count__gt=0),
        Q(clock_skew_seconds__gt=SKEW_SECONDS) | Q(clock_skew_seconds__lt=-SKEW_SECONDS),
    ]
    worst = [When(trouble, then=Value(number)) for number, trouble in enumerate(troubles)]
    rank = Case(*worst, default=Value(_NO_TROUBLE), output_field=IntegerField())
    return Cluster.objects.filter(within(filters, prefix="")).annotate(rank=rank)


def parked_reports(filters: Filters) -> list[Report]:
    """Parked reports of the clusters in view, newest first, at most 50, without their bodies. One query."""
    found = Report.objects.filter(within(filters), status=ReportStatus.PARKED).select_related("cluster").defer("body")
    return list(found.order_by("-received_at", "-id")[:MOST_PARKED])


def _queues(ids: Collection[UUID]) -> dict[UUID, tuple[int, int, datetime | None, int]]:
    """By cluster, where anything waits or is parked: the middle fields of Intake."""
    found = ReportQueue.objects.filter(Q(waiting_count__gt=0) | Q(parked_count__gt=0), cluster_id__in=ids)
    columns = ("cluster_id", "waiting_count", "waiting_bytes", "waiting_since", "parked_count")
    return {row[0]: row[1:] for row in found.values_list(*columns)}


@dataclass(slots=True)
class _Recent:
    accepted_today: int = 0
    refusals: dict[str, Refusal] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        most_first = sorted(self.refusals.values(), key=lambda refusal: -refusal.count)
        return {"accepted_today": self.accepted_today, "refusals": tuple(most_first)}


def _recent(ids: Collection[UUID]) -> dict[UUID, _Recent]:
    """By cluster: reports accepted today; refusals of today and yesterday by code."""
    found: dict[UUID, _Recent] = defaultdict(_Recent)
    present = today()
    days = IntakeDay.objects.filter(cluster_id__in=ids, day__gte=present - timedelta(days=1)).order_by("day")
    columns = ("cluster_id", "day", "outcome", "count", "last_at", "last_detail")
    for cluster_id, day, outcome, count, last_at, detail in days.values_list(*columns):
        recent = found[cluster_id]
        if outcome != ACCEPTED:
            earlier = recent.refusals.get(outcome)
            recent.refusals[outcome] = Refusal(outcome, count + (earlier.count if earlier else 0), last_at, detail)
        elif day == present:
            recent.accepted_today = count
    return found
