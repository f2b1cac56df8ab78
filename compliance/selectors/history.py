"""Posture over time, from the rollups of days: a cluster's last day is carried on, its silence counted."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from django.db.models import Max, Min, OuterRef, Q, Subquery, Sum

from clusters.models import Cluster
from common.clock import now, today
from compliance.models import PostureDay
from compliance.posture import Posture, end_of_day, is_stale

from .filters import Filters

WEIGHTS = ("passed_weight", "failed_weight", "errored_weight", "skipped_weight", "unreported_weight")
OPEN = ("open_critical", "open_high", "open_medium", "open_low")
FLOW = ("opened_count", "resolved_count")
SEVERITY_WORDS = ("critical", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class OpenCounts:
    """Open violations by severity; adds with `+`."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0

    @property
    def all(self) -> int:
        return self.critical + self.high + self.medium + self.low

    @property
    def weighted(self) -> int:
        """By gravity: 10 for a critical one, 5, 2 and 1 for the others, as in posture."""
        return self.critical * 10 + self.high * 5 + self.medium * 2 + self.low

    def by_word(self) -> dict[str, int]:
        return {word: getattr(self, word) for word in SEVERITY_WORDS}

    def __add__(self, other: "OpenCounts") -> "OpenCounts":
        return OpenCounts(*(getattr(self, word) + getattr(other, word) for word in SEVERITY_WORDS))


NOTHING_EVALUATED = Posture()
NOTHING_OPEN = OpenCounts()


@dataclass(frozen=True, slots=True)
class Day:
    """A day's end: posture with its coverage, what was open, and the day's flow."""

    day: date
    posture: Posture = NOTHING_EVALUATED
    open: OpenCounts = NOTHING_OPEN
    opened_count: int = 0
    resolved_count: int = 0

    def __add__(self, other: "Day") -> "Day":
        return Day(
            self.day,
            self.posture + other.posture,
            self.open + other.open,
            self.opened_count + other.opened_count,
            self.resolved_count + other.resolved_count,
        )


# By (team or None, cluster), then by day.
Rows = dict[tuple[UUID | None, UUID], dict[date, Day]]


@dataclass(frozen=True, slots=True)
class History:
    """Every day of a stretch, in order; `first_days`: when each cluster in view first reported."""

    days: tuple[Day, ...]
    first_days: dict[str, date] = field(default_factory=dict)

    @property
    def last(self) -> Day:
        return self.days[-1]

    @property
    def first_known(self) -> Day:
        """The first day of which anything is known; the first of all when nothing ever is."""
        return next((day for day in self.days if day.posture.applicable), self.days[0])

    @property
    def points(self) -> list[float | None]:
        return [day.posture.score for day in self.days]

    def gained(self) -> int | None:
        """Points (of 100) of posture won since the first day that had a score; None without one."""
        known = [score for score in self.points if score is not None]
        if self.last.posture.score is None or len(known) < 2:
            return None
        return round(known[-1] * 100) - round(known[0] * 100)


@dataclass(frozen=True, slots=True)
class ReportedCluster:
    """A cluster, the first day that is known of it, and the last one up to the start of a stretch."""

    cluster: Cluster
    first_day: date
    carried_day: date | None

    def is_silent(self, day: date, last_day: date, *, is_present: bool) -> bool:
        """Whether on `day` its newest rollup, of `last_day`, no longer counts. Today is judged as of now."""
        if last_day == day:
            return False
        if is_present:
            return is_stale(self.cluster.last_scanned_at, now())
        return is_stale(end_of_day(last_day) - timedelta(seconds=1), end_of_day(day))


def reported_clusters(filters: Filters, start: date) -> list[ReportedCluster]:
    """Clusters in view that have ever reported, by name. One query."""
    days = PostureDay.objects.filter(cluster=OuterRef("pk")).order_by().values("cluster")
    clusters = Cluster.objects.annotate(
        first_day=Subquery(days.annotate(found=Min("day")).values("found")),
        carried_day=Subquery(days.filter(day__lte=start).annotate(found=Max("day")).values("found")),
    ).exclude(first_day=None)
    if filters.cluster_ids is not None:
        clusters = clusters.filter(id__in=filters.cluster_ids)
    return [ReportedCluster(c, c.first_day, c.carried_day) for c in clusters.order_by("name")]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The rollups of a stretch of days, read once, to be summed for all, by environment or by team."""

    start: date
    end: date
    clusters: tuple[ReportedCluster, ...]
    rows: Rows

    def whole(self) -> History:
        return self._grouped(lambda team_id, environment: None).get(None) or self._history({})

    def by_environment(self) -> dict[str, History]:
        """For each environment that has a cluster in view."""
        return self._grouped(lambda team_id, environment: environment)

    def by_team(self) -> dict[UUID | None, History]:
        """For each team, None being what no team owns; needs a timeline read with `by_team`."""
        return self._grouped(lambda team_id, environment: team_id)

    def _grouped(self, key: Callable[[UUID | None, str], Any]) -> dict[Any, History]:
        reported_on: dict[UUID, set[date]] = defaultdict(set)
        for (_, cluster_id), own in self.rows.items():
            reported_on[cluster_id].update(own)
        groups: dict[Any, dict[date, Day]] = defaultdict(dict)
        for team_id, reported in product({team_id for team_id, _ in self.rows}, self.clusters):
            own = self.rows.get((team_id, reported.cluster.id), {})
            group = groups[key(team_id, reported.cluster.environment)]
            for day in _carried(reported, own, reported_on[reported.cluster.id], self.start, self.end):
                group[day.day] = group[day.day] + day if day.day in group else day
        return {name: self._history(group) for name, group in groups.items()}

    def _history(self, group: dict[date, Day]) -> History:
        calendar = [self.start + timedelta(days=n) for n in range((self.end - self.start).days + 1)]
        first_days = {c.cluster.name: c.first_day for c in self.clusters}
        return History(tuple(group.get(day, Day(day)) for day in calendar), first_days)


def posture_timeline(filters: Filters, *, days: int, by_team: bool = False) -> Timeline:
    """The last `days` days up to the day in view, whole. Two queries, however long the history is."""
    end = filters.as_of or today()
    start = end - timedelta(days=days - 1)
    clusters = reported_clusters(filters, start)
    return Timeline(start, end, tuple(clusters), _rows(filters, clusters, start, end, by_team=by_team))


def _rows(
    filters: Filters, clusters: list[ReportedCluster], start: date, end: date, *, by_team: bool
) -> Rows:
    """Sums of the rollups by (team or None, cluster) and day. A day on which nothing is in view sums to zero,
    which is not the same as a day without a report."""
    wanted = Q(day__gte=start, day__lte=end, cluster__in=[c.cluster.id for c in clusters])
    for reported in clusters:
        if reported.carried_day and reported.carried_day < start:
            wanted |= Q(cluster=reported.cluster.id, day=reported.carried_day)
    places = place_condition(filters)
    sums: dict[str, Any] = {name: Sum(name, filter=places, default=0) for name in (*WEIGHTS, *OPEN, *FLOW)}
    keys = ("cluster_id", "day", "team_id") if by_team else ("cluster_id", "day")
    found: Rows = defaultdict(dict)
    for row in PostureDay.objects.filter(wanted).order_by().values(*keys).annotate(**sums):
        found[row.get("team_id"), row["cluster_id"]][row["day"]] = day_of(row["day"], row)
    return found


def place_condition(filters: Filters) -> Q:
    """What the filters say of namespaces and teams, as a condition on rows of rollups."""
    condition = Q()
    if filters.namespace is not None:
        condition &= Q(namespace=filters.namespace)
    if filters.team_ids is not None:
        condition &= Q(team__in=filters.team_ids)
    return condition or Q(pk__isnull=False)


def day_of(day: date, row: dict[str, Any]) -> Day:
    """A Day out of a row (or a sum of rows) of PostureDay."""
    return Day(
        day,
        Posture(*(row[name] for name in WEIGHTS)),
        OpenCounts(*(row[name] for name in OPEN)),
        row["opened_count"],
        row["resolved_count"],
    )


def _carried(
    reported: ReportedCluster, own: dict[date, Day], reported_on: set[date], start: date, end: date
) -> Iterable[Day]:
    """A cluster's days from `start`: those reported as they are, those missing carried on, as silent.

    `own` are the days of what is in view; a day of `reported_on` that it lacks had nothing of it.
    """
    known = sorted(day for day in reported_on if day <= start)
    last = own.get(known[-1], Day(known[-1])) if known else None
    present = today()
    for number in range((end - start).days + 1):
        day = start + timedelta(days=number)
        if day in reported_on:
            last = own.get(day, Day(day))
            yield last
        elif last is not None:
            silent = reported.is_silent(day, last.day, is_present=day == present)
            yield Day(day, last.posture.as_stale() if silent else last.posture, last.open)


def latest_days(filters: Filters) -> dict[UUID, date]:
    """Each cluster's last day with a rollup up to the day in view. One query."""
    end = filters.as_of or today()
    found = PostureDay.objects.filter(day__lte=end)
    if filters.cluster_ids is not None:
        found = found.filter(cluster__in=filters.cluster_ids)
    return {
        row["cluster"]: row["last"] for row in found.order_by().values("cluster").annotate(last=Max("day"))
    }
