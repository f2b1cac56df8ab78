"""Posture over time, from the fleet's sums of days: a cluster's last day is carried on, its silence counted."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Case, QuerySet, Sum, When

from clusters.models import Cluster
from common.clock import now, today
from compliance.models import FleetDay, FleetDimension, PostureDay
from compliance.posture import FRESH_FOR, Posture

from .filters import Filters, within
from .standing import OpenCounts, clusters_condition, places_condition

WEIGHTS = ("passed_weight", "failed_weight", "errored_weight", "skipped_weight", "unreported_weight")
OPEN = ("open_critical", "open_high", "open_medium", "open_low")
FLOW = ("opened_count", "resolved_count")
MOST_NAMED = 10

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


# (environment, None), or ('', team or None), then by day.
Rows = dict[tuple[str, UUID | None], dict[date, Day]]


@dataclass(frozen=True, slots=True)
class History:
    """Every day of a stretch, in order; `joined`: the day on which clusters in view first reported, by name."""

    days: tuple[Day, ...]
    joined: dict[str, date] = field(default_factory=dict)

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
class Timeline:
    """The days of a stretch, read once, to be summed for all, by environment or by team."""

    start: date
    end: date
    rows: Rows

    def whole(self) -> History:
        return self._grouped(lambda environment, team_id: None).get(None) or self._history({})

    def by_environment(self) -> dict[str, History]:
        """For each environment that has a cluster in view."""
        return self._grouped(lambda environment, team_id: environment)

    def by_team(self) -> dict[UUID | None, History]:
        """For each team, None being what no team owns; needs a timeline read with `by_team`."""
        return self._grouped(lambda environment, team_id: team_id)

    def _grouped(self, key: Callable[[str, UUID | None], Any]) -> dict[Any, History]:
        groups: dict[Any, dict[date, Day]] = defaultdict(dict)
        for names, own in self.rows.items():
            group = groups[key(*names)]
            for day, found in own.items():
                group[day] = group[day] + found if day in group else found
        return {name: self._history(group) for name, group in groups.items()}

    def _history(self, group: dict[date, Day]) -> History:
        calendar = [self.start + timedelta(days=n) for n in range((self.end - self.start).days + 1)]
        return History(tuple(group.get(day, Day(day)) for day in calendar))


def posture_timeline(filters: Filters, *, days: int, by_team: bool = False) -> Timeline:
    """The last `days` days up to the day in view, whole. Two queries, however many clusters there are."""
    end = filters.as_of or today()
    start = end - timedelta(days=days - 1)
    rows: Rows = defaultdict(dict)
    for row in _sums(_reported(filters, by_team=by_team).filter(day__range=(start, end)), by_team=by_team):
        rows[row.get("environment", ""), row.get("team_id")][row["day"]] = day_of(row["day"], row)
    for row in _sums(_carried_on(filters, end), by_team=by_team, keys=("is_silent",)):
        own = rows[row.get("environment", ""), row.get("team_id")]
        for day in _carried(day_of(row["day"], row), start, end, is_silent=row["is_silent"]):
            own[day.day] = own[day.day] + day if day.day in own else day
    return Timeline(start, end, rows)


def _reported(filters: Filters, *, by_team: bool) -> QuerySet[Any]:
    """Rows that hold every cluster's days up to its last: of the fleet where it is summed so, else of clusters."""
    in_view, has_team = clusters_condition(filters), by_team or filters.team_ids is not None
    is_narrow = filters.namespace is not None and has_team
    if filters.cluster_ids is not None or is_narrow:
        return PostureDay.objects.filter(in_view, places_condition(filters))
    dimension = FleetDimension.WHOLE
    if has_team:
        dimension = FleetDimension.TEAM
    elif filters.namespace is not None:
        dimension = FleetDimension.NAMESPACE
    return FleetDay.objects.filter(in_view, places_condition(filters), dimension=dimension)


def _carried_on(filters: Filters, end: date) -> QuerySet[Any]:
    """The last days of clusters that reported none up to the end of the stretch."""
    found = PostureDay.objects.filter(
        clusters_condition(filters), places_condition(filters), is_last=True, day__lt=end
    )
    fresh = When(cluster__last_scanned_at__gte=now() - FRESH_FOR, then=False)
    return found.annotate(is_silent=Case(fresh, default=True, output_field=BooleanField()))


def _sums(found: QuerySet[Any], *, by_team: bool, keys: tuple[str, ...] = ()) -> Iterable[dict[str, Any]]:
    """Sums of the measures by day, environment or team, and whatever else tells rows apart."""
    sums: dict[str, Any] = {name: Sum(name) for name in (*WEIGHTS, *OPEN, *FLOW)}
    names = ("day", "team_id" if by_team else "environment", *keys)
    return found.order_by().values(*names).annotate(**sums)


def day_of(day: date, row: dict[str, Any]) -> Day:
    """A Day out of a row (or a sum of rows) of rollups."""
    return Day(
        day,
        Posture(*(int(row[name]) for name in WEIGHTS)),
        OpenCounts(*(int(row[name]) for name in OPEN)),
        row["opened_count"],
        row["resolved_count"],
    )


def _carried(last: Day, start: date, end: date, *, is_silent: bool) -> Iterable[Day]:
    """The days after a cluster's last one: of a past day without a report nothing is known, today is judged as of
    now.
    """
    day, present = max(start, last.day + timedelta(days=1)), today()
    while day <= end:
        posture = last.posture.as_stale() if is_silent or day != present else last.posture
        yield Day(day, posture, last.open)
        day += timedelta(days=1)


def joined_clusters(filters: Filters, start: date, end: date) -> dict[str, date]:
    """Clusters in view that first reported after the first day of a stretch, by name; at most ten, the newest. One
    query.
    """
    found = Cluster.objects.filter(within(filters, prefix=""))
    found = found.filter(first_scanned_at__date__gt=start, first_scanned_at__date__lte=end)
    newest = found.order_by("-first_scanned_at", "name").values_list("name", "first_scanned_at")[:MOST_NAMED]
    return {name: at.date() for name, at in newest}
