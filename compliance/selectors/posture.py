"""Where posture stands and where it is hot: places (cluster, namespace, team) out of the rollups of days."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Q, Sum

from clusters.models import Cluster
from common.clock import now, today
from compliance.models import Policy, PostureCount, PostureDay
from compliance.posture import Posture, is_stale
from organizations.models import Team

from .directory import Directory
from .filters import CLUSTER_SCOPED, Filters
from .history import Day, OpenCounts, day_of, latest_days, place_condition
from .policies import Counts, counts_by_policy

RECENT_DAYS = 7
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
    open_weighted: int


@dataclass(frozen=True, slots=True)
class HeatGrid:
    """Clusters across, namespaces down, the hottest namespace first."""

    clusters: tuple[Cluster, ...]
    rows: tuple[HeatRow, ...]
    left_out_count: int = 0


@dataclass(frozen=True, slots=True)
class ViolatedPolicy:
    """A policy and the resources that fail it."""

    policy: Policy
    counts: Counts


def places(filters: Filters, directory: Directory) -> list[Place]:
    """All in view by (cluster, namespace, team), each cluster on its last day. At most five queries."""
    last_days = latest_days(filters)
    if not last_days:
        return []
    wanted = Q()
    for cluster_id, day in last_days.items():
        wanted |= Q(cluster=cluster_id, day=day)
    rows = PostureDay.objects.filter(wanted).filter(place_condition(filters)).values()
    recent = _recently_opened(filters)
    return [_place(row, filters, directory, recent, last_days[row["cluster_id"]]) for row in rows]


def _place(row: dict, filters: Filters, directory: Directory, recent: dict[Key, int], last: date) -> Place:
    day: Day = day_of(last, row)
    cluster = directory.clusters_by_id[row["cluster_id"]]
    if filters.as_of:
        is_silent = last < filters.as_of
    else:
        is_silent = last < today() and is_stale(cluster.last_scanned_at, now())
    return Place(
        cluster=cluster,
        namespace=row["namespace"],
        team=directory.teams_by_id[row["team_id"]] if row["team_id"] else None,
        posture=day.posture.as_stale() if is_silent else day.posture,
        open=day.open,
        recently_opened_count=recent.get((row["cluster_id"], row["namespace"], row["team_id"]), 0),
    )


def _recently_opened(filters: Filters) -> dict[Key, int]:
    """Violations opened or reopened per place in the week up to the day in view."""
    end = filters.as_of or today()
    week = PostureDay.objects.filter(day__gt=end - timedelta(days=RECENT_DAYS), day__lte=end)
    sums = week.order_by().values_list("cluster_id", "namespace", "team_id").annotate(Sum("opened_count"))
    return {(cluster, namespace, team): number for cluster, namespace, team, number in sums}


def hottest_places(found: list[Place], *, limit: int = 10) -> list[Place]:
    """The places with the gravest open violations, ranked by their weight."""
    hot = [place for place in found if place.open.all]
    return sorted(hot, key=lambda p: (-p.open.weighted, p.cluster.name, p.namespace))[:limit]


def heat_grid(found: list[Place], *, limit: int = 16) -> HeatGrid:
    """The places as cluster × namespace. Beyond `limit` namespaces, the calmest are left out and counted."""
    clusters = sorted({p.cluster for p in found}, key=lambda c: c.name)
    cells: dict[tuple[str, UUID], Cell] = {}
    for place in found:
        key = (place.namespace, place.cluster.id)
        cell = cells.get(key, Cell(place.cluster, place.namespace, Posture(), OpenCounts()))
        cells[key] = Cell(cell.cluster, cell.namespace, cell.posture + place.posture, cell.open + place.open)
    rows = []
    for namespace in {place.namespace for place in found}:
        across = tuple(cells.get((namespace, cluster.id)) for cluster in clusters)
        rows.append(HeatRow(namespace, across, sum(cell.open.weighted for cell in across if cell)))
    rows.sort(key=lambda row: (-row.open_weighted, row.namespace))
    return HeatGrid(tuple(clusters), tuple(rows[:limit]), max(0, len(rows) - limit))


def most_violated(filters: Filters, directory: Directory, *, limit: int = 12) -> list[ViolatedPolicy]:
    """Policies by the number of resources that fail them, in view. Two queries."""
    found = [
        ViolatedPolicy(directory.policies_by_id[policy_id], counts)
        for policy_id, counts in counts_by_policy(filters).items()
        if counts.failed
    ]
    return sorted(found, key=lambda v: (-v.counts.failed, -v.policy.severity, v.policy.slug))[:limit]


def known_namespaces() -> list[str]:
    """Every namespace that has verdicts, by name; '' (cluster-scoped) is not among them. One query."""
    found = PostureCount.objects.exclude(namespace="").order_by("namespace")
    return list(found.values_list("namespace", flat=True).distinct())
