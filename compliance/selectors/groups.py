"""Violations by workload or by policy, counted and cut off in SQL."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q

from clusters.models import Resource
from compliance.models import Policy, Severity, Violation

from .filters import Filters
from .keyset import Keyset, Page
from .violations import ViolationQuerySet, violations

BY_WORKLOAD, BY_POLICY = "workload", "policy"
GROUPINGS = {BY_WORKLOAD: "resource_id", BY_POLICY: "policy_id"}
SHOWN_PER_GROUP = 5


@dataclass(frozen=True, slots=True)
class Group:
    """Violations of one resource or one policy: all counted, the worst few at hand."""

    subject: Resource | Policy
    violation_count: int
    resource_count: int
    fixable_count: int
    worst: Severity
    violations: tuple[Violation, ...]

    @property
    def left_out_count(self) -> int:
        return self.violation_count - len(self.violations)


def group_page(filters: Filters, by: str, *, cursor: str | None = None, limit: int = 20) -> Page:
    """Groups of the violations in view, worst and largest first. Four queries. Raises InvalidCursor."""
    key = GROUPINGS[by]
    matching = violations().matching(filters)
    counted = (
        matching.order_by()
        .values(key)
        .annotate(
            worst=Max("severity"),
            violation_count=Count("id"),
            resource_count=Count("resource_id", distinct=True),
            fixable_count=Count("id", filter=Q(fix__isnull=False)),
        )
    )
    order = Keyset((("-worst", int), ("-violation_count", int), (f"-{key}", int)))
    page = order.page(counted, cursor=cursor, limit=limit)
    keys = [row[key] for row in page.rows]
    subjects = _subjects(by, keys)
    shown = _top_of_each(matching, filters, key, keys)
    groups = [
        Group(
            subject=subjects[row[key]],
            violation_count=row["violation_count"],
            resource_count=row["resource_count"],
            fixable_count=row["fixable_count"],
            worst=Severity(row["worst"]),
            violations=tuple(shown[row[key]]),
        )
        for row in page.rows
        if row[key] in subjects
    ]
    return Page(rows=groups, next=page.next, previous=page.previous)


def _subjects(by: str, keys: list[int]) -> dict[int, Any]:
    if by == BY_POLICY:
        return Policy.objects.in_bulk(keys)
    resources = Resource.objects.select_related("cluster", "team").defer("manifest", "passed", "labels")
    return resources.in_bulk(keys)


def _top_of_each(
    matching: ViolationQuerySet, filters: Filters, key: str, keys: list[int]
) -> dict[int, list[Violation]]:
    """The worst few of each group: found group by group, so that large groups are not ranked to their end."""
    inner, params = matching.order_by().values("id", key, "severity", "opened_at").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT top.id FROM unnest(%s::bigint[]) AS wanted(key) CROSS JOIN LATERAL"  # noqa: S608
            f" (SELECT id FROM ({inner}) AS found WHERE found.{key} = wanted.key"
            " ORDER BY severity DESC, opened_at DESC, id DESC LIMIT %s) AS top",
            [keys, *params, SHOWN_PER_GROUP],
        )
        ids = [row[0] for row in cursor.fetchall()]
    shown: dict[int, list[Violation]] = defaultdict(list)
    found = violations().filter(id__in=ids).for_list(filters)
    for violation in found.order_by("-severity", "-opened_at", "-id"):
        shown[getattr(violation, key)].append(violation)
    return shown
