"""How many violations each choice of the filter bar holds, and which few fixes would close the most."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, Q

from clusters.models import Resource
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
    """Two passes over the violations in view, and one more per dimension that is filtered."""
    found = violations().matching(filters)
    counted, places = _counts(found, list(DIMENSIONS)), _places(found)
    for name in _filtered(filters):
        counted[name] = _counts(violations().matching(filters.without(name)), [name])[name]
    return Facets(
        violation_count=counted["total"],
        resource_count=places["resources"],
        workload_count=places["workloads"],
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
    """Counts per value of each dimension, and their total, in one scan with GROUPING SETS."""
    columns = [DIMENSIONS[name] for name in names]
    inner, params = found.order_by().values(*columns).query.sql_with_params()
    grouped = ", ".join(columns)
    sets = ", ".join(f"({column})" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT GROUPING({grouped}), {grouped}, count(*)"  # noqa: S608 - the names are our own
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
    for mask, *values, count in rows:
        if mask == everything:
            counted["total"] = count
        else:
            counted[names[place_of[mask]]][values[place_of[mask]]] = count
    return counted


def _places(found: ViolationQuerySet) -> dict[str, int]:
    """How many resources have the violations, and how many of those are workloads."""
    with_any = Resource.objects.filter(id__in=found.order_by().values("resource_id"))
    return with_any.aggregate(resources=Count("id"), workloads=Count("id", filter=Q(kind__in=WORKLOAD_KINDS)))


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
    """The templates whose combined automatic fix closes the most of the violations in view. Two queries.

    A template is a kind, namespace and name: what is applied to three clusters under one name is mended once.
    """
    found = violations().matching(filters).fixable().order_by()
    rows = _largest_templates(found, limit)
    policies: dict[int, set[int]] = defaultdict(set)
    resource_ids = [resource_id for row in rows for resource_id in row[-1]]
    pairs = found.filter(resource_id__in=resource_ids).values_list("resource_id", "policy_id").distinct()
    for resource_id, policy_id in pairs:
        policies[resource_id].add(policy_id)
    return [
        Suggestion(
            kind=kind,
            namespace=namespace,
            name=name,
            resource_id=max(ids),
            violation_count=int(violation_count),
            policy_count=len(set[int]().union(*(policies[i] for i in ids))),
            cluster_count=cluster_count,
            worst=Severity(worst),
        )
        for kind, namespace, name, violation_count, worst, cluster_count, ids in rows
    ]


def _largest_templates(found: ViolationQuerySet, limit: int) -> list[tuple[Any, ...]]:
    """Counted per resource first: there are far fewer of them to sort by name than violations.

    A cluster has one resource of a group, kind, namespace and name, so resources are counted for clusters.
    """
    per_resource = found.values("resource_id").annotate(number=Count("id"), worst=Max("severity"))
    inner, params = per_resource.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.kind, r.namespace, r.name, sum(f.number), max(f.worst),"  # noqa: S608
            " count(*), array_agg(r.id)"
            f" FROM ({inner}) AS f JOIN clusters_resource r ON r.id = f.resource_id"
            ' GROUP BY r."group", r.kind, r.namespace, r.name ORDER BY 4 DESC, 5 DESC, 3, 2, 1 LIMIT %s',
            [*params, limit],
        )
        return cursor.fetchall()
