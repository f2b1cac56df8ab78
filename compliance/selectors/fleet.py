"""The clusters of an organization as they stand: freshness, posture and what waits in their queues."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Sum, Value, When

from clusters.models import Cluster, Report, ReportQueue
from common.clock import now
from common.errors import NotFound
from compliance.posture import FRESH_FOR, Posture, is_stale

from .filters import Filters, within
from .keyset import Keyset, Page
from .standing import OpenCounts, standing_of_clusters

RECENT_REPORTS = 40
MOST_CLUSTERS = 50
ATTENTION_FIRST = Keyset((("attention", int), ("name", str)))


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A cluster of the list. `parked_count`: reports kept because they could not be processed."""

    cluster: Cluster
    posture: Posture
    open: OpenCounts
    parked_count: int = 0
    waiting_count: int = 0

    @property
    def freshness(self) -> str:
        """`never` reported, `stale` (silent for over a day) or `fresh`."""
        return freshness_of(self.cluster)


def freshness_of(cluster: Cluster) -> str:
    """`never` reported, `stale` (silent for over a day) or `fresh`."""
    if cluster.last_scanned_at is None:
        return "never"
    return "stale" if is_stale(cluster.last_scanned_at, now()) else "fresh"


@dataclass(frozen=True, slots=True)
class FleetNumbers:
    """All clusters in view, counted."""

    cluster_count: int
    stale_count: int
    never_count: int
    resource_count: int
    parked_count: int


def fleet_page(filters: Filters, *, cursor: str | None = None, limit: int = MOST_CLUSTERS) -> Page:
    """FleetRows: the silent ones first, then those that never reported, then by name. Three queries. Raises
    InvalidCursor.
    """
    found = _in_view(filters).annotate(
        attention=Case(
            When(last_scanned_at=None, then=Value(1)),
            When(last_scanned_at__lt=now() - FRESH_FOR, then=Value(0)),
            default=Value(2),
            output_field=IntegerField(),
        )
    )
    page = ATTENTION_FIRST.page(found, cursor=cursor, limit=limit)
    return replace(page, rows=fleet_rows(page.rows, filters))


def fleet_rows(clusters: Collection[Cluster], filters: Filters) -> list[FleetRow]:
    """These clusters on the day in view, in the order given. Two queries."""
    ids = tuple(cluster.id for cluster in clusters)
    standings = standing_of_clusters(replace(filters, cluster_ids=ids, environment=""))
    queues = _queues(ids)
    return [
        FleetRow(cluster, *standings.get(cluster.id, (Posture(), OpenCounts())), *queues.get(cluster.id, (0, 0)))
        for cluster in clusters
    ]


def fleet_numbers(filters: Filters) -> FleetNumbers:
    """Two queries."""
    silent = Q(last_scanned_at__lt=now() - FRESH_FOR)
    counted = _in_view(filters).aggregate(
        cluster_count=Count("id"),
        stale_count=Count("id", filter=silent),
        never_count=Count("id", filter=Q(last_scanned_at=None)),
        resource_count=Sum("resource_count", default=0),
    )
    queues = ReportQueue.objects.filter(cluster__in=_in_view(filters).values("id"), parked_count__gt=0)
    return FleetNumbers(**counted, parked_count=queues.aggregate(parked=Sum("parked_count", default=0))["parked"])


def _in_view(filters: Filters) -> QuerySet[Cluster]:
    found = Cluster.objects.filter(within(filters, prefix=""))
    return found.filter(name__icontains=filters.q) if filters.q else found


def some_clusters(text: str = "", *, limit: int) -> list[Cluster]:
    """Clusters whose name holds the text, by name; of all others none is read. One query."""
    found = Cluster.objects.filter(name__icontains=text) if text else Cluster.objects.all()
    return list(found.order_by("name").only("name", "environment")[:limit])


def _queues(ids: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """Per cluster: reports parked, reports accepted and not yet processed."""
    queues = ReportQueue.objects.filter(cluster__in=ids).values_list("cluster_id", "parked_count", "waiting_count")
    return {cluster_id: (parked, waiting) for cluster_id, parked, waiting in queues}


def cluster_by_id(cluster_id: UUID) -> Cluster:
    """One cluster of the organization in scope. Raises NotFound."""
    cluster = Cluster.objects.filter(pk=cluster_id).first()
    if cluster is None:
        raise NotFound("There is no such cluster.")
    return cluster


def recent_reports(cluster: Cluster, *, limit: int = RECENT_REPORTS) -> list[Report]:
    """The newest reports of a cluster without their bodies. One query."""
    return list(Report.objects.filter(cluster=cluster).order_by("-received_at", "-id").defer("body")[:limit])
