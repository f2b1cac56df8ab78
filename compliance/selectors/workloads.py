"""Resources with their verdicts: the worst first, and everything about one of them."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from clusters.models import Resource
from common.errors import NotFound
from compliance.models import Policy, Severity, Violation
from compliance.posture import Posture, total

from .directory import Directory
from .filters import Filters, within
from .keyset import Keyset, Page
from .violations import ViolationQuerySet, violations

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
ORDERINGS = {
    "worst": Keyset((("-worst_severity", int), ("-open_count", int), ("id", int))),
    "-open_count": Keyset((("-open_count", int), ("-worst_severity", int), ("id", int))),
    "name": Keyset((("name", str), ("namespace", str), ("id", int))),
    "-changed_at": Keyset((("-changed_at", datetime), ("-id", int))),
}
LIST_LEFT_OUT = ("manifest", "labels")


def resources(filters: Filters, *, kinds: tuple[str, ...] = ()) -> QuerySet[Resource]:
    """Resources of today in view; a filter on violations keeps those that have such an open one."""
    found = Resource.objects.filter(deleted_at=None).select_related("cluster", "team").defer(*LIST_LEFT_OUT)
    if kinds:
        found = found.filter(kind__in=kinds)
    found = found.filter(within(filters))
    if filters.namespace is not None:
        found = found.filter(namespace=filters.namespace)
    if filters.team_ids is not None:
        found = found.filter(team_id__in=filters.team_ids)
    if filters.q:
        found = found.filter(name__icontains=filters.q)
    if filters.severities or filters.policy_ids is not None:
        found = found.filter(Exists(_open_violations(filters)))
    return found


def _open_violations(filters: Filters) -> QuerySet[Violation]:
    found = violations().open().filter(resource=OuterRef("pk"))
    if filters.severities:
        found = found.filter(severity__in=filters.severities)
    if filters.policy_ids is not None:
        found = found.filter(policy_id__in=filters.policy_ids)
    return found


def resource_page(
    filters: Filters,
    *,
    kinds: tuple[str, ...] = (),
    order: Keyset = ORDERINGS["worst"],
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """A page of resources, by default the worst first. One query. Raises InvalidCursor."""
    return order.page(resources(filters, kinds=kinds), cursor=cursor, limit=limit)


@dataclass(frozen=True, slots=True)
class ResourceCounts:
    """How many resources are in view, how many have something open, and how many violations that is."""

    total: int
    violating: int
    open_violations: int


def resource_counts(filters: Filters, *, kinds: tuple[str, ...] = ()) -> ResourceCounts:
    """Of today, from the counts that the resources carry. One query."""
    counted = (
        resources(filters, kinds=kinds)
        .order_by()
        .aggregate(
            total=Count("id"),
            violating=Count("id", filter=Q(open_count__gt=0)),
            open_violations=Sum("open_count"),
        )
    )
    return ResourceCounts(counted["total"], counted["violating"], counted["open_violations"] or 0)


def kind_counts(filters: Filters) -> dict[str, int]:
    """Kinds that exist in view with how many of each, most first. One query."""
    rows = resources(filters).order_by().values_list("kind").annotate(number=Count("id"))
    return dict(rows.order_by("-number", "kind"))


def namespace_counts(filters: Filters, *, kinds: tuple[str, ...] = ()) -> dict[str, int]:
    """Namespaces with how many resources in view each holds. One query."""
    found = resources(filters.without("namespace"), kinds=kinds).order_by()
    return dict(found.values_list("namespace").annotate(number=Count("id")))


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
