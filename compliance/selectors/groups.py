"""Violations by workload or by policy: the groups of one page, counted, the worst few of each at hand.

What is open now is grouped by what resources and rollups count anyway, so that a page costs the same however much is
open. Anything else is grouped while it is little, and else not at all: see `group_page`.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet

from clusters.models import Resource
from compliance.models import Policy, Severity, Violation, ViolationStatus

from .counts import open_by_policy
from .filters import Filters
from .keyset import Keyset, Page
from .violations import ViolationQuerySet, violations
from .workloads import WORST, resources_in_view, with_violations

BY_WORKLOAD, BY_POLICY = "workload", "policy"
GROUPINGS = {BY_WORKLOAD: "resource_id", BY_POLICY: "policy_id"}
SHOWN_PER_GROUP = 3
MOST_GROUPED, LOOKED_AT = 5_000, 200


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


def group_page(filters: Filters, by: str, *, cursor: str | None = None, limit: int = 20) -> Page | None:
    """Groups of the violations in view, worst and largest first; workloads by all that is open on them.

    None when more than 5,000 violations match that no rollup counts: those of a past day, of another status than open,
    or of a text. Raises InvalidCursor.
    """
    if by == BY_WORKLOAD and _is_open_now(filters):
        return _by_workload(filters, cursor, limit)
    counted = open_by_policy(filters) if by == BY_POLICY else None
    if counted is not None:
        severities = dict(Policy.objects.filter(id__in=counted).values_list("id", "severity"))
        rows = [
            _row("policy_id", policy_id, severities[policy_id], found.open, found.resources, found.fixable)
            for policy_id, found in counted.items()
        ]
        return _page_of(filters, by, rows, cursor, limit)
    return _counted(filters, by, cursor, limit)


def _is_open_now(filters: Filters) -> bool:
    return filters.as_of is None and filters.status == ViolationStatus.OPEN


def _row(key: str, value: int, worst: int, violations: int, resources: int, fixable: int) -> dict[str, int]:
    counts = {"violation_count": violations, "resource_count": resources, "fixable_count": fixable}
    return {key: value, "worst": worst, **counts}


def _by_workload(filters: Filters, cursor: str | None, limit: int) -> Page:
    """Resources in the order of their own counters, then what is in view of those on the page."""
    if cursor or limit >= LOOKED_AT:
        page = WORST.page(_violating_resources(filters), cursor=cursor, limit=limit)
    else:
        page = WORST.page_of(worst_resources(filters), limit=limit)
    ids = [row["id"] for row in page.rows]
    rows = {row["resource_id"]: row for row in _counts(filters, "resource_id", ids)}
    subjects = _subjects(BY_WORKLOAD, ids)
    counted = [rows[key] for key in ids if key in rows and key in subjects]
    return replace(page, rows=_groups(filters, "resource_id", counted, subjects))


def worst_resources(filters: Filters) -> list[dict[str, Any]]:
    """The 200 worst live resources that have an open violation in view, as maps. One query for a view."""
    return filters.once(
        "worst resources", lambda: list(WORST.page(_violating_resources(filters), limit=LOOKED_AT).rows)
    )


def _violating_resources(filters: Filters) -> QuerySet[Any]:
    found = with_violations(resources_in_view(filters).filter(open_count__gt=0), filters)
    return found.values("id", "group", "kind", "namespace", "name", "cluster_id", "worst_severity", "open_count")


def _counted(filters: Filters, by: str, cursor: str | None, limit: int) -> Page | None:
    """Groups counted from the violations themselves."""
    key = GROUPINGS[by]
    few = violations().matching(filters).order_by().values_list("id", flat=True)[: MOST_GROUPED + 1]
    ids = list(few)
    if len(ids) > MOST_GROUPED:
        return None
    rows = violations().filter(id__in=ids).order_by().values(key).annotate(**_SUMS)
    return _page_of(filters, by, list(rows), cursor, limit)


_SUMS = {
    "worst": Max("severity"),
    "violation_count": Count("id"),
    "resource_count": Count("resource_id", distinct=True),
    "fixable_count": Count("id", filter=Q(fix__isnull=False)),
}


def _counts(filters: Filters, key: str, keys: Collection[int]) -> list[dict[str, Any]]:
    found = violations().filter(**{f"{key}__in": keys}).matching(filters)
    return list(found.order_by().values(key).annotate(**_SUMS))


def _page_of(filters: Filters, by: str, rows: list[dict[str, Any]], cursor: str | None, limit: int) -> Page:
    key = GROUPINGS[by]
    order = Keyset((("-worst", int), ("-violation_count", int), (f"-{key}", int)))
    page = order.page_of(rows, cursor=cursor, limit=limit)
    subjects = _subjects(by, [row[key] for row in page.rows])
    return replace(page, rows=_groups(filters, key, page.rows, subjects))


def _groups(filters: Filters, key: str, rows: Collection[dict[str, Any]], subjects: dict[int, Any]) -> list[Group]:
    shown = _top_of_each(violations().matching(filters), filters, key, [row[key] for row in rows])
    return [
        Group(
            subject=subjects[row[key]],
            violation_count=row["violation_count"],
            resource_count=row["resource_count"],
            fixable_count=row["fixable_count"],
            worst=Severity(row["worst"]),
            violations=tuple(shown[row[key]]),
        )
        for row in rows
        if row[key] in subjects
    ]


def _subjects(by: str, keys: list[int]) -> dict[int, Any]:
    if by == BY_POLICY:
        return Policy.objects.in_bulk(keys)
    resources = Resource.objects.select_related("cluster", "team")
    return resources.only("kind", "namespace", "name", "cluster__name", "team__name").in_bulk(keys)


def _top_of_each(
    matching: ViolationQuerySet, filters: Filters, key: str, keys: list[int]
) -> dict[int, list[Violation]]:
    """The worst few of each group: found group by group, so that large groups are not ranked to their end."""
    if not keys:
        return {}
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
