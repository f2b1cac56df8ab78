"""Which few fixes would close the most."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, Max

from compliance.models import Severity

from .filters import Filters
from .violations import ViolationQuerySet, violations


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
