"""The clusters of an organization as they stand: freshness, posture and what waits in their queues."""

from dataclasses import dataclass
from uuid import UUID

from clusters.models import Cluster, Report, ReportQueue
from common.clock import now
from common.errors import NotFound
from compliance.posture import Posture, is_stale

from .directory import Directory
from .filters import Filters
from .standing import OpenCounts, standing_of_clusters

RECENT_REPORTS = 40


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


def fleet(filters: Filters, directory: Directory) -> list[FleetRow]:
    """Every cluster in view, by name. At most six queries, whatever their number."""
    standings = standing_of_clusters(filters)
    queues = _queues()
    return [
        FleetRow(cluster, *standings.get(cluster.id, (Posture(), OpenCounts())), *queues.get(cluster.id, (0, 0)))
        for cluster in directory.clusters.values()
        if filters.cluster_ids is None or cluster.id in filters.cluster_ids
    ]


def _queues() -> dict[UUID, tuple[int, int]]:
    """Per cluster: reports parked, reports accepted and not yet processed."""
    queues = ReportQueue.objects.values_list("cluster_id", "parked_count", "waiting_count")
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
