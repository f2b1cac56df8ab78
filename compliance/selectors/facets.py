"""How many violations each choice of the filter bar holds, and which few fixes would close the most."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, Q

from compliance.models import Severity

from .filters import Filters
from .violations import ViolationQuerySet, violations
from .workloads import WORKLOAD_KINDS

DIMENSIONS = {
    "cluster": "cluster_id",
    "namespace": "namespace",
    "team": "team_id",
    "severity": "severity",
    "policy": "policy_id",
}


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts over the violations in view; each dimension is counted as if it were not filtered itself."""

    violation_count: int = 0
    resource_count: int = 0
    workload_count: int = 0
    clusters: dict[UUID, int] = field(default_factory=dict)
    namespaces: dict[str, int] = field(default_factory=dict)
    teams: dict[UUID | None, int] = field(default_factory=dict)
    severities: dict[int, int] = field(default_factory=dict)
    policies: dict[int, int] = field(default_factory=dict)


def violation_facets(filters: Filters) -> Facets:
    """One pass over the violations in view, and one more per dimension that is filtered (at most six)."""
    counted = _counts(violations().matching(filters), list(DIMENSIONS))
    for name in _filtered(filters):
        counted[name] = _counts(violations().matching(filters.without(name)), [name])[name]
    total, resources, workloads = counted["total"]
    return Facets(
        violation_count=total,
        resource_count=resources,
        workload_count=workloads,
        clusters=counted["cluster"],
        namespaces=counted["namespace"],
        teams=counted["team"],
        severities=counted["severity"],
        policies=counted["policy"],
    )


def _filtered(filters: Filters) -> list[str]:
    narrowed = {
        "cluster": filters.cluster_ids is not None,
        "namespace": filters.namespace is not None,
        "team": filters.team_ids is not None,
        "severity": bool(filters.severities),
        "policy": filters.policy_ids is not None,
    }
    return [name for name, is_filtered in narrowed.items() if is_filtered]


def _counts(found: ViolationQuerySet, names: Sequence[str]) -> dict[str, Any]:
    """Counts per value of each dimension, and the totals, in one scan with GROUPING SETS."""
    columns = [DIMENSIONS[name] for name in names]
    marked = found.order_by().annotate(is_workload=Q(resource__kind__in=WORKLOAD_KINDS))
    inner, params = marked.values("resource_id", "is_workload", *columns).query.sql_with_params()
    grouped = ", ".join(columns)
    sets = ", ".join(f"({column})" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT GROUPING({grouped}), {grouped}, count(*), count(DISTINCT resource_id),"  # noqa: S608
            " count(DISTINCT resource_id) FILTER (WHERE is_workload)"
            f" FROM ({inner}) AS found GROUP BY GROUPING SETS ({sets}, ())",
            params,
        )
        rows = cursor.fetchall()
    return _by_dimension(rows, names)


def _by_dimension(rows: list[tuple[Any, ...]], names: Sequence[str]) -> dict[str, Any]:
    """GROUPING() has a bit per column, the highest for the first; the bit that is 0 marks the column."""
    everything = 2 ** len(names) - 1
    place_of = {everything ^ (1 << (len(names) - 1 - place)): place for place in range(len(names))}
    counted: dict[str, Any] = {name: {} for name in names}
    for mask, *values, count, resource_count, workload_count in rows:
        if mask == everything:
            counted["total"] = (count, resource_count, workload_count)
        else:
            counted[names[place_of[mask]]][values[place_of[mask]]] = count
    return counted


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A workload as it is applied in one or more clusters: mending it once closes all of these."""

    kind: str
    namespace: str
    name: str
    resource_id: int
    violation_count: int
    policy_count: int
    cluster_count: int
    worst: Severity


def best_fixes(filters: Filters, *, limit: int = 3) -> list[Suggestion]:
    """The templates whose combined automatic fix closes the most of the violations in view. One query.

    A template is a kind, namespace and name: what is applied to three clusters under one name is mended once.
    """
    rows = (
        violations()
        .matching(filters)
        .fixable()
        .order_by()
        .values("resource__kind", "resource__namespace", "resource__name")
        .annotate(
            violation_count=Count("id"),
            policy_count=Count("policy_id", distinct=True),
            cluster_count=Count("cluster_id", distinct=True),
            worst=Max("severity"),
            any_resource=Max("resource_id"),
        )
        .order_by("-violation_count", "-worst", "resource__name", "any_resource")[:limit]
    )
    return [
        Suggestion(
            kind=row["resource__kind"],
            namespace=row["resource__namespace"],
            name=row["resource__name"],
            resource_id=row["any_resource"],
            violation_count=row["violation_count"],
            policy_count=row["policy_count"],
            cluster_count=row["cluster_count"],
            worst=Severity(row["worst"]),
        )
        for row in rows
    ]
