"""Violations: which are to be fixed, in what order, and what one of them is about."""

from datetime import datetime
from typing import Any, Self

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery

from common.errors import NotFound
from compliance.models import Severity, Violation, ViolationInterval, ViolationStatus
from organizations.models import OwnedQuerySet
from organizations.scope import current_organization_id

from .filters import ANY_STATUS, Filters, within
from .keyset import Keyset, Page

WORST_FIRST = Keyset((("-severity", int), ("-opened_at", datetime), ("-id", int)))
LIST_COLUMNS_LEFT_OUT = (
    *("resource__manifest", "resource__passed", "resource__labels"),
    *("policy__document", "policy__sources", "policy__tests"),
)


class ViolationQuerySet(OwnedQuerySet):
    """Violations of the organization in scope, in the words of the glossary."""

    def open(self) -> Self:
        return self.filter(status=ViolationStatus.OPEN)

    def critical(self) -> Self:
        return self.filter(severity=Severity.CRITICAL)

    def fixable(self) -> Self:
        """Those that an automatic fix would close."""
        return self.filter(fix__isnull=False)

    def open_at(self, instant: datetime) -> Self:
        """Those that were open at an instant, whatever became of them since."""
        return self.filter(Exists(_standing_at(instant)))

    def matching(self, filters: Filters) -> Self:
        """Those that a view shows. Without a day they are of the status asked for, by default open."""
        found = self.open_at(filters.as_of_end) if filters.as_of_end else self._of_status(filters.status)
        found = found.filter(within(filters))
        if filters.namespace is not None:
            found = found.filter(namespace=filters.namespace)
        if filters.team_ids is not None:
            found = found.filter(team_id__in=filters.team_ids)
        if filters.severities:
            found = found.filter(severity__in=filters.severities)
        if filters.policy_ids is not None:
            found = found.filter(policy_id__in=filters.policy_ids)
        if filters.q:
            like = Q(resource__name__icontains=filters.q) | Q(policy_id__in=filters.q_policy_ids)
            found = found.filter(like)
        return found

    def for_list(self, filters: Filters) -> Self:
        """With what a row of a list shows, and `standing_since`: when the interval in view began."""
        since: Any = F("opened_at")
        if filters.as_of_end:
            since = Subquery(_standing_at(filters.as_of_end).values("opened_at")[:1])
        return (
            self.select_related("resource", "policy", "cluster", "team")
            .defer(*LIST_COLUMNS_LEFT_OUT)
            .annotate(standing_since=since)
        )

    def _of_status(self, status: str) -> Self:
        return self if status == ANY_STATUS else self.filter(status=status)


def violations() -> ViolationQuerySet:
    """All violations of the organization in scope. Raises OrganizationScopeMissing without one."""
    return ViolationQuerySet(Violation).filter(organization_id=current_organization_id())


def violation_page(filters: Filters, *, cursor: str | None = None, limit: int = 50) -> Page:
    """Violations in view, worst first, newest first among equals. One query. Raises InvalidCursor."""
    found = violations().matching(filters).for_list(filters)
    return WORST_FIRST.page(found, cursor=cursor, limit=limit)


def violation_detail(violation_id: int) -> Violation:
    """One violation with its resource, policy and intervals. Raises NotFound."""
    found = (
        violations()
        .filter(id=violation_id)
        .select_related("resource", "policy", "cluster", "team")
        .prefetch_related("intervals", "policy__standards")
        .first()
    )
    if found is None:
        raise NotFound("No such violation.")
    return found


def same_problem_elsewhere(violation: Violation) -> tuple[int, int]:
    """How many other violations of the same policy are open, and in how many resources they lie."""
    others = violations().open().filter(policy_id=violation.policy_id).exclude(id=violation.id)
    counted = others.aggregate(violations=Count("id"), resources=Count("resource_id", distinct=True))
    return counted["violations"], counted["resources"]


def _standing_at(instant: datetime) -> Any:
    stretches = ViolationInterval.objects.filter(violation=OuterRef("pk"), exception="", opened_at__lt=instant)
    return stretches.filter(
        Q(closed_at=None) | Q(closed_at__gte=instant)
    )
