"""Which few fixes would close the most."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from compliance.models import Severity, ViolationStatus

from .filters import Filters
from .groups import worst_resources
from .violations import violations


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
    """The templates whose combined automatic fix closes the most of what is open in the 200 worst workloads in view.

    A template is a group, kind, namespace and name: what is applied to three clusters under one name is mended once.
    Of a past day or another status, nothing is suggested. Two queries.
    """
    if filters.as_of is not None or filters.status != ViolationStatus.OPEN:
        return []
    worst = worst_resources(filters)
    fixable = violations().filter(resource__in=[row["id"] for row in worst]).matching(filters).fixable()
    by_resource: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for resource_id, policy_id, severity in fixable.order_by().values_list("resource_id", "policy_id", "severity"):
        by_resource[resource_id].append((policy_id, severity))
    templates: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in worst:
        if row["id"] in by_resource:
            templates[row["group"], row["kind"], row["namespace"], row["name"]].append(row)
    found = [_suggestion(resources, by_resource) for resources in templates.values()]
    found.sort(key=lambda s: (-s.violation_count, -s.worst, s.name, s.namespace, s.kind))
    return found[:limit]


def _suggestion(rows: list[dict[str, Any]], by_resource: dict[int, list[tuple[int, int]]]) -> Suggestion:
    fixes = [fix for row in rows for fix in by_resource[row["id"]]]
    return Suggestion(
        kind=rows[0]["kind"],
        namespace=rows[0]["namespace"],
        name=rows[0]["name"],
        resource_id=max(row["id"] for row in rows),
        violation_count=len(fixes),
        policy_count=len({policy_id for policy_id, _ in fixes}),
        cluster_count=len({row["cluster_id"] for row in rows}),
        worst=Severity(max(severity for _, severity in fixes)),
    )
