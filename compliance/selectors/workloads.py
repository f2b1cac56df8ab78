"""Resources with their verdicts: the worst first, and everything about one of them."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from clusters.models import Resource
from common.errors import NotFound
from compliance.models import Policy, Severity, Violation, ViolationStatus
from compliance.posture import Posture, total
from organizations.scope import current_organization_id

from .directory import Directory
from .facets import MOST_COUNTED, namespace_names
from .filters import Filters, within
from .keyset import Keyset, Page
from .violations import ViolationQuerySet, among, holds, named_resources, resource_ids, violations

WORKLOAD_KINDS = (
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "PodTemplate",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
)
WORST = Keyset((("-worst_severity", int), ("-open_count", int), ("id", int)))
ORDERINGS = {
    "worst": WORST,
    "-open_count": Keyset((("-open_count", int), ("-worst_severity", int), ("id", int))),
    "name": Keyset((("name", str), ("namespace", str), ("id", int))),
    "-changed_at": Keyset((("-changed_at", datetime), ("-id", int))),
}
LIST_LEFT_OUT = ("manifest", "labels")


def resources_in_view(filters: Filters, *, kinds: tuple[str, ...] = ()) -> QuerySet[Resource]:
    """Resources of today in the places in view, with what a row of a list shows."""
    found = Resource.objects.filter(deleted_at=None).select_related("cluster", "team").defer(*LIST_LEFT_OUT)
    if kinds:
        found = found.filter(kind__in=kinds)
    found = found.filter(within(filters))
    if filters.namespace is not None:
        found = found.filter(namespace=filters.namespace)
    if filters.team_ids is not None:
        found = found.filter(team_id__in=filters.team_ids)
    return found


def resources(filters: Filters, *, kinds: tuple[str, ...] = ()) -> QuerySet[Resource]:
    """Resources of today in view; a filter on violations keeps those that have such an open one."""
    found = resources_in_view(filters, kinds=kinds)
    if filters.q:
        ids = named_resources(filters)
        found = found.filter(holds("name", filters.q) if ids is None else Q(id__in=among(ids)))
    return with_violations(found, replace(filters, q="", as_of=None, status=ViolationStatus.OPEN))


def with_violations(found: QuerySet[Resource], filters: Filters) -> QuerySet[Resource]:
    """Those of the resources that have an open violation of the severities, policies and text in view.

    Of few, their ids are looked up first; where most have one, the first in order are soon found without.
    """
    if filters.q and named_resources(filters) is None:
        return _with_common_text(found, filters)
    if filters.policy_ids is None and not filters.q:
        return found.filter(_has_severity(filters)) if filters.severities else found
    ids = resource_ids(filters)
    if ids is not None:
        return found.filter(id__in=among(ids))
    return found.filter(Exists(violations().matching(filters).filter(resource=OuterRef("pk"))))


def _with_common_text(found: QuerySet[Resource], filters: Filters) -> QuerySet[Resource]:
    """Those of so common a name, or with a violation of a policy whose slug holds the text too."""
    named = holds("name", filters.q)
    if filters.q_policy_ids:
        found_so = violations().open().filter(resource=OuterRef("pk"), policy_id__in=filters.q_policy_ids)
        named |= Q(Exists(found_so))
    return with_violations(found.filter(named), replace(filters, q="", q_policy_ids=()))


def _has_severity(filters: Filters) -> Q:
    """Whether one of its open violations is of these severities; whether the worst is critical, it says itself."""
    if filters.severities == (Severity.CRITICAL,):
        return Q(worst_severity=Severity.CRITICAL)
    lookup = violations().open().filter(resource=OuterRef("pk"), severity__in=filters.severities)
    return Q(worst_severity__gte=min(filters.severities)) & Q(Exists(lookup))


def resource_page(
    filters: Filters,
    *,
    kinds: tuple[str, ...] = (),
    order: Keyset = WORST,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """A page of resources, by default the worst first. One query. Raises InvalidCursor."""
    return order.page(resources(filters, kinds=kinds), cursor=cursor, limit=limit)


@dataclass(frozen=True, slots=True)
class ResourceCounts:
    """How many resources are in view, how many have something open, and how many violations that is; None for all
    three when there are more than 5,000 resources.
    """

    total: int | None
    violating: int | None
    open_violations: int | None


Rows = list[tuple[str, str, int]] | None  # (kind, namespace, open violations); None for more than 5,000


@dataclass(frozen=True, slots=True)
class Survey:
    """The resources in view, for the numbers beside a list of them; `anywhere` whatever their namespace."""

    filters: Filters
    anywhere: Rows
    in_view: Rows

    def kinds(self) -> dict[str, int | None]:
        """Kinds that exist in view with how many of each, most first; of too many resources, the organization's
        kinds without numbers, in one query.
        """
        if self.in_view is None:
            return dict.fromkeys(_known_kinds())
        counted = Counter(kind for kind, _, _ in self.in_view)
        return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))

    def namespaces(self, kinds: tuple[str, ...]) -> dict[str, int | None]:
        """Namespaces with how many resources of these kinds (() for all) each holds; of too many, those with anything
        open, without numbers, in one query.
        """
        if self.anywhere is None:
            return dict.fromkeys(namespace_names(replace(self.filters, as_of=None)))
        return dict(Counter(namespace for kind, namespace, _ in self.anywhere if not kinds or kind in kinds))

    def counts(self, kinds: tuple[str, ...]) -> ResourceCounts:
        """Of resources of these kinds (() for all)."""
        if self.in_view is None:
            return ResourceCounts(None, None, None)
        opens = [number for kind, _, number in self.in_view if not kinds or kind in kinds]
        return ResourceCounts(len(opens), sum(number > 0 for number in opens), sum(opens))


def survey(filters: Filters) -> Survey:
    """Of today, from the counts that the resources carry. At most two queries."""
    anywhere = _few(filters.without("namespace"))
    if filters.namespace is None:
        return Survey(filters, anywhere, anywhere)
    if anywhere is None:
        return Survey(filters, None, _few(filters))
    return Survey(filters, anywhere, [row for row in anywhere if row[1] == filters.namespace])


def _few(filters: Filters) -> Rows:
    found = resources(filters).order_by().values_list("kind", "namespace", "open_count")
    rows = list(found[: MOST_COUNTED + 1])
    return None if len(rows) > MOST_COUNTED else rows


# From one kind to the next by the index: as many steps as there are kinds, however many resources.
_KINDS = """
WITH RECURSIVE kinds AS (
    (SELECT kind FROM clusters_resource WHERE organization_id = %(organization)s AND deleted_at IS NULL
     ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (SELECT r.kind FROM clusters_resource r WHERE r.organization_id = %(organization)s AND r.deleted_at IS NULL
        AND r.kind > kinds.kind ORDER BY r.kind LIMIT 1)
    FROM kinds WHERE kinds.kind IS NOT NULL
)
SELECT kind FROM kinds WHERE kind IS NOT NULL LIMIT 200
"""


def _known_kinds() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_KINDS, {"organization": current_organization_id()})
        return [kind for (kind,) in cursor.fetchall()]


def resource_detail(resource_id: int) -> Resource:
    """One resource with its manifest; also one that is gone, for its history stays. Raises NotFound."""
    found = Resource.objects.select_related("cluster", "team").filter(id=resource_id).first()
    if found is None:
        raise NotFound("No such resource.")
    return found


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Policies by what each said of one resource, and the posture that comes of it."""

    passed: tuple[Policy, ...]
    failed: tuple[Policy, ...]
    errored: tuple[Policy, ...]
    skipped: tuple[Policy, ...]

    @property
    def posture(self) -> Posture:
        return total(
            Posture(**{verdict: policy.weight})
            for verdict in ("passed", "failed", "errored", "skipped")
            for policy in getattr(self, verdict)
        )


def verdicts(resource: Resource, directory: Directory) -> Verdicts:
    """The verdicts on a resource with the policies' names, by severity and title."""

    def named(ids: list[int]) -> tuple[Policy, ...]:
        known = [directory.policies_by_id[i] for i in ids if i in directory.policies_by_id]
        return tuple(sorted(known, key=lambda policy: (-policy.severity, policy.title)))

    return Verdicts(
        passed=named(resource.passed),
        failed=named(resource.failed),
        errored=named(resource.errored),
        skipped=named(resource.skipped),
    )


@dataclass(frozen=True, slots=True)
class PolicyFindings:
    """What one policy found wrong in one resource."""

    policy: Policy
    violations: tuple[Violation, ...]

    @property
    def severity(self) -> Severity:
        return Severity(self.policy.severity)


def open_by_policy(resource: Resource) -> list[PolicyFindings]:
    """The open violations of a resource, by policy, worst first. One query."""
    found: ViolationQuerySet = violations().open().filter(resource=resource).select_related("policy")
    grouped: dict[int, list[Violation]] = {}
    for violation in found.order_by("-severity", "policy_id", "line", "id"):
        violation.resource = resource
        grouped.setdefault(violation.policy_id, []).append(violation)
    return [PolicyFindings(policy=vs[0].policy, violations=tuple(vs)) for vs in grouped.values()]


def resource_history(resource: Resource, *, limit: int = 40) -> list[Violation]:
    """The violations of a resource that opened or closed last, open ones included, with their intervals."""
    found = violations().filter(resource=resource).select_related("policy")
    found = found.defer("policy__document", "policy__sources", "policy__tests")
    return list(found.prefetch_related("intervals").order_by("-opened_at", "-id")[:limit])
