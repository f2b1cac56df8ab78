"""Violations: which are to be fixed, in what order, and what one of them is about."""

from datetime import datetime
from typing import Any, Self

from django.db.models import Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import StrIndex, Upper
from django.db.models.lookups import GreaterThan

from clusters.models import Resource
from common.errors import NotFound
from compliance.models import Severity, Violation, ViolationInterval, ViolationStatus
from organizations.models import OwnedQuerySet
from organizations.scope import current_organization_id

from .counts import open_by_policy
from .filters import ANY_STATUS, Filters, within
from .keyset import Keyset, Page

MOST_NAMED, MOST_LISTED = 1_000, 5_000
WORST_FIRST = Keyset((("-severity", int), ("-opened_at", datetime), ("-id", int)))
WORST_SEEN_LAST_FIRST = Keyset((("-severity", int), ("-first_seen_at", datetime), ("-id", int)))
_LIST_COLUMNS = (
    *(field.name for field in Violation._meta.concrete_fields),
    *(f"resource__{name}" for name in ("group", "version", "kind", "namespace", "name")),
    *("policy__slug", "policy__title", "cluster__name", "team__slug", "team__name"),
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
        """Those that were open at an instant, whatever became of them since. None was so before it was first seen (by
        that, the lists of a past day are in order) or after it was resolved for good: few intervals are looked at.
        """
        alive = Q(resolved_at=None) | Q(resolved_at__gte=instant)
        return self.filter(Exists(_standing_at(instant)), alive, first_seen_at__lt=instant)

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
            found = found.filter(_like(filters))
        return found

    def for_list(self, filters: Filters) -> Self:
        """With what a row of a list shows, and `standing_since`: when the interval in view began."""
        since: Any = F("opened_at")
        if filters.as_of_end:
            since = Subquery(_standing_at(filters.as_of_end).values("opened_at")[:1])
        return (
            self.select_related("resource", "policy", "cluster", "team")
            .only(*_LIST_COLUMNS)
            .annotate(standing_since=since)
        )

    def _of_status(self, status: str) -> Self:
        return self if status == ANY_STATUS else self.filter(status=status)


def violations() -> ViolationQuerySet:
    """All violations of the organization in scope. Raises OrganizationScopeMissing without one."""
    return ViolationQuerySet(Violation).filter(organization_id=current_organization_id())


def violation_page(filters: Filters, *, cursor: str | None = None, limit: int = 50) -> Page:
    """Violations in view, worst first, newest first among equals: by when they opened; on a past day and of those
    resolved, by when they were first seen. One query. Raises InvalidCursor.
    """
    found = violations().matching(filters).for_list(filters)
    is_now = filters.as_of is None and filters.status in (ViolationStatus.OPEN, ViolationStatus.EXCEPTED)
    return (WORST_FIRST if is_now else WORST_SEEN_LAST_FIRST).page(found, cursor=cursor, limit=limit)


def resource_ids(filters: Filters) -> list[int] | None:
    """Of the resources that have violations in view, while those are at most 5,000; else None. One query for a view."""

    def find() -> list[int] | None:
        found = violations().matching(filters).order_by().values_list("resource_id", flat=True)[: MOST_LISTED + 1]
        ids = list(found)
        return None if len(ids) > MOST_LISTED else sorted(set(ids))

    return filters.once("resource ids", find)


def among(ids: list[int]) -> RawSQL:
    """Ids for `__in`, as one parameter however many they are."""
    return RawSQL("SELECT unnest(%s::bigint[])", [ids])


def named_resources(filters: Filters) -> list[int] | None:
    """The ids of resources whose name holds the text, while those are at most 1,000; else None. One query for a view
    and all that are made of it.
    """
    is_now = filters.as_of is None and filters.status == ViolationStatus.OPEN
    key = ("named resources", is_now, filters.q)
    if key not in filters.known:
        named = Resource.objects.filter(name__icontains=filters.q)
        if is_now:
            named = named.filter(deleted_at=None)  # what is open now is open on these, and their names are in an index
        filters.known[key] = list(named.values_list("id", flat=True)[: MOST_NAMED + 1])
    ids = filters.known[key]
    return None if len(ids) > MOST_NAMED else ids


def holds(name: str, text: str) -> Q:
    """Names that hold a text that many hold. PostgreSQL takes LIKE for rare, and would sort all that it finds rather
    than go through the list in its order.
    """
    return Q(GreaterThan(StrIndex(Upper(F(name)), Upper(Value(text))), 0))


def _like(filters: Filters) -> Q:
    """Violations of resources with such a name or of policies with such a slug; of few resources by their ids."""
    ids = named_resources(filters)
    like = holds("resource__name", filters.q) if ids is None else Q(resource_id__in=among(ids))
    return like | Q(policy_id__in=filters.q_policy_ids) if filters.q_policy_ids else like


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
    """How many other violations of the same policy are open, and how many other resources fail it. Two queries."""
    counted = (open_by_policy(Filters(policy_ids=(violation.policy_id,))) or {}).get(violation.policy_id)
    if counted is None:
        return 0, 0
    is_open = violation.status == ViolationStatus.OPEN
    return counted.open - is_open, counted.resources - is_open


def _standing_at(instant: datetime) -> Any:
    stretches = ViolationInterval.objects.filter(violation=OuterRef("pk"), exception="", opened_at__lt=instant)
    return stretches.filter(
        Q(closed_at=None) | Q(closed_at__gte=instant)
    )
