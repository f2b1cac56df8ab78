"""How the fleet stands on the day in view: each place (cluster, namespace, team) on its cluster's last day up to it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum

from common.clock import now, today
from compliance.models import PostureDay
from compliance.posture import FRESH_FOR, Posture, is_stale

from .filters import Filters
from .grouping import sums_by

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


def clusters_condition(filters: Filters) -> Q:
    """Which clusters are in view, as a condition on rows that have a cluster and its environment."""
    condition = Q(environment=filters.environment) if filters.environment else Q()
    if filters.cluster_ids is not None:
        condition &= Q(cluster__in=filters.cluster_ids)
    return condition


def places_condition(filters: Filters) -> Q:
    """What the filters say of namespaces and teams, as a condition on rows of rollups."""
    condition = Q()
    if filters.namespace is not None:
        condition &= Q(namespace=filters.namespace)
    if filters.team_ids is not None:
        condition &= Q(team__in=filters.team_ids)
    return condition


def standing(filters: Filters) -> QuerySet[PostureDay]:
    """The rows in view, one for each place."""
    newest = Q(is_last=True)
    if filters.as_of:
        newest = Q(day=filters.as_of) | Q(is_last=True, day__lt=filters.as_of)
    return PostureDay.objects.filter(newest, clusters_condition(filters), places_condition(filters))


def silence(as_of: date | None) -> Q:
    """Which of those rows are of clusters that have gone silent: today is judged as of now, a past day at its end."""
    if as_of is not None and as_of < today():
        return Q(day__lt=as_of)
    stale = Q(cluster__last_scanned_at=None) | Q(cluster__last_scanned_at__lt=now() - FRESH_FOR)
    return Q(day__lt=today()) & stale


def posture_of(row: PostureDay, as_of: date | None) -> Posture:
    """The posture of one of those rows, its cluster at hand."""
    found = Posture(
        row.passed_weight, row.failed_weight, row.errored_weight, row.skipped_weight, row.unreported_weight
    )
    if as_of is not None and as_of < today():
        return found.as_stale() if row.day < as_of else found
    is_silent = row.day < today() and is_stale(row.cluster.last_scanned_at, now())
    return found.as_stale() if is_silent else found


def measures(as_of: date | None) -> dict[str, Any]:
    """Sums that `posture_in` and `open_in` read; what a silent cluster said last counts as unreported."""
    silent = silence(as_of)
    heard = {
        f"{verdict}_sum": Sum(f"{verdict}_weight", filter=~silent, default=0)
        for verdict in ("passed", "failed", "errored")
    }
    unheard = Sum(F("passed_weight") + F("failed_weight") + F("errored_weight"), filter=silent, default=0)
    return {
        **heard,
        "skipped_sum": Sum("skipped_weight"),
        "unreported_sum": Sum("unreported_weight") + unheard,
        **{f"{word}_sum": Sum(f"open_{word}") for word in SEVERITY_WORDS},
    }


def posture_in(row: dict[str, Any]) -> Posture:
    """The posture in a row of `measures`."""
    return Posture(*(row[f"{verdict}_sum"] for verdict in ("passed", "failed", "errored", "skipped", "unreported")))


def open_in(row: dict[str, Any]) -> OpenCounts:
    """What is open in a row of `measures`."""
    return OpenCounts(*(row[f"{word}_sum"] for word in SEVERITY_WORDS))


def standing_of_clusters(filters: Filters) -> dict[UUID, tuple[Posture, OpenCounts]]:
    """Posture and open violations of each cluster in view that has reported. One query; meant for few clusters."""
    rows = standing(filters).order_by().values("cluster_id").annotate(**measures(filters.as_of))
    return {row["cluster_id"]: (posture_in(row), open_in(row)) for row in rows}


DIMENSIONS = {"cluster": "cluster_id", "environment": "environment", "namespace": "namespace", "team": "team_id"}


def open_by(filters: Filters, dimensions: Collection[str]) -> dict[str, dict[Any, OpenCounts]]:
    """Open violations in view by each of the dimensions (cluster id, environment, namespace, team id or None), and
    under '' in all. One query, one pass.
    """
    columns = {name: DIMENSIONS[name] for name in dimensions}
    found = sums_by(standing(filters), columns, [f"open_{word}" for word in SEVERITY_WORDS])
    return {name: {key: OpenCounts(*numbers) for key, numbers in of.items()} for name, of in found.items()}
