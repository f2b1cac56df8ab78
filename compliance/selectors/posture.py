"""Where posture is hot: places (cluster, namespace, team) out of the rollups of days, and the worst policies."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Sum

from clusters.models import Cluster
from common.clock import today
from compliance.models import Policy, PostureDay
from compliance.posture import Posture
from compliance.posture_models import WEIGHTED_OPEN
from organizations.models import Team

from .counts import Counts, counts_by_policy
from .directory import Directory
from .filters import CLUSTER_SCOPED, Filters
from .standing import OpenCounts, measures, open_by, open_in, posture_in, posture_of, standing

RECENT_DAYS = 7
MOST_PLACES, MOST_ROWS, MOST_COLUMNS, MOST_NAMESPACES = 10, 16, 12, 200
Key = tuple[UUID, str, UUID | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace of a cluster, as far as one team owns it; namespace '' holds what belongs to none."""

    cluster: Cluster
    namespace: str
    team: Team | None
    posture: Posture
    open: OpenCounts
    recently_opened_count: int = 0

    @property
    def name(self) -> str:
        return self.namespace or "cluster-scoped"

    @property
    def namespace_parameter(self) -> str:
        """How the URL names the namespace."""
        return self.namespace or CLUSTER_SCOPED


@dataclass(frozen=True, slots=True)
class Cell:
    """One cluster × namespace of the heat grid, all teams together."""

    cluster: Cluster
    namespace: str
    posture: Posture
    open: OpenCounts

    @property
    def warmth(self) -> int:
        """0 (nothing failed) to 9, by the score; a score of half or less is the hottest."""
        score = self.posture.score
        return 0 if score is None else max(0, min(9, round((1 - score) * 18)))


@dataclass(frozen=True, slots=True)
class HeatRow:
    namespace: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class HeatGrid:
    """Clusters across, namespaces down, the hottest namespace first; of both the calmer ones are left out."""

    clusters: tuple[Cluster, ...] = ()
    rows: tuple[HeatRow, ...] = ()
    left_out_count: int = 0
    left_out_cluster_count: int = 0


@dataclass(frozen=True, slots=True)
class Heat:
    """What is open in view, by cluster and by namespace: where to look closer."""

    by_cluster: dict[UUID, OpenCounts]
    by_namespace: dict[str, OpenCounts]

    @property
    def namespaces(self) -> list[str]:
        """Those that have a name, by name; of more than 200 the hottest."""
        named = [name for name in _hottest(self.by_namespace, MOST_NAMESPACES + 1) if name]
        return sorted(named[:MOST_NAMESPACES])


@dataclass(frozen=True, slots=True)
class ViolatedPolicy:
    """A policy and the resources that fail it."""

    policy: Policy
    counts: Counts


def heat(filters: Filters) -> Heat:
    """What is open by cluster and by namespace. One query."""
    found = open_by(filters, ("cluster", "namespace"))
    return Heat(found["cluster"], found["namespace"])


def hottest_places(filters: Filters, *, limit: int = MOST_PLACES) -> list[Place]:
    """The places with the gravest open violations, ranked by their weight. Two queries."""
    found = standing(filters).annotate(weighted=WEIGHTED_OPEN).filter(weighted__gt=0)
    found = found.select_related("cluster", "team")
    rows = list(found.order_by("-weighted", "cluster__name", "namespace", "id")[:limit])
    recent = _recently_opened(filters, rows)
    return [
        Place(
            cluster=row.cluster,
            namespace=row.namespace,
            team=row.team,
            posture=posture_of(row, filters.as_of),
            open=OpenCounts(row.open_critical, row.open_high, row.open_medium, row.open_low),
            recently_opened_count=recent.get((row.cluster_id, row.namespace, row.team_id), 0),
        )
        for row in rows
    ]


def place_count(filters: Filters) -> int:
    """How many places in view have something open. One query."""
    return standing(filters).annotate(weighted=WEIGHTED_OPEN).filter(weighted__gt=0).count()


def _recently_opened(filters: Filters, rows: Collection[PostureDay]) -> dict[Key, int]:
    """Violations opened or reopened in each of these places in the week up to the day in view."""
    end = filters.as_of or today()
    week = PostureDay.objects.filter(
        day__gt=end - timedelta(days=RECENT_DAYS),
        day__lte=end,
        cluster__in={row.cluster_id for row in rows},
        namespace__in={row.namespace for row in rows},
    )
    sums = week.order_by().values_list("cluster_id", "namespace", "team_id").annotate(Sum("opened_count"))
    return {(cluster, namespace, team): number for cluster, namespace, team, number in sums}


def heat_grid(filters: Filters, found: Heat) -> HeatGrid:
    """The hottest 12 clusters × the hottest 16 namespaces. Two queries."""
    ids, namespaces = _hottest(found.by_cluster, MOST_COLUMNS), _hottest(found.by_namespace, MOST_ROWS)
    clusters = tuple(Cluster.objects.filter(id__in=ids).order_by("name"))
    by_id = {cluster.id: cluster for cluster in clusters}
    rows = standing(filters).filter(cluster__in=ids, namespace__in=namespaces)
    cells: dict[tuple[str, UUID], Cell] = {}
    for row in rows.order_by().values("cluster_id", "namespace").annotate(**measures(filters.as_of)):
        cluster, namespace = by_id[row["cluster_id"]], row["namespace"]
        cells[namespace, cluster.id] = Cell(cluster, namespace, posture_in(row), open_in(row))
    return HeatGrid(
        clusters,
        tuple(HeatRow(name, tuple(cells.get((name, cluster.id)) for cluster in clusters)) for name in namespaces),
        left_out_count=max(0, len(found.by_namespace) - len(namespaces)),
        left_out_cluster_count=max(0, len(found.by_cluster) - len(ids)),
    )


def _hottest(counts: dict[Any, OpenCounts], limit: int) -> list[Any]:
    return sorted(counts, key=lambda key: (-counts[key].weighted, str(key)))[:limit]


def most_violated(filters: Filters, directory: Directory, *, limit: int = 12) -> list[ViolatedPolicy]:
    """Policies by the number of resources that fail them, in view. At most three queries."""
    found = [
        ViolatedPolicy(directory.policies_by_id[policy_id], counts)
        for policy_id, counts in counts_by_policy(filters).items()
        if counts.failed
    ]
    return sorted(found, key=lambda v: (-v.counts.failed, -v.policy.severity, v.policy.slug))[:limit]
