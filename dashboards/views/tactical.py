"""What is to be fixed, and one violation with all that it takes to mend it."""

import json
import shlex
from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from common.errors import NotFound
from compliance.models import Severity, Violation
from compliance.selectors.directory import Directory
from compliance.selectors.facets import Facets, violation_facets
from compliance.selectors.filters import ANY_STATUS, MY_TEAMS, Filters, parse_filters
from compliance.selectors.fixes import violation_diff
from compliance.selectors.groups import BY_POLICY, BY_WORKLOAD, GROUPINGS, group_page
from compliance.selectors.keyset import Page
from compliance.selectors.suggestions import best_fixes
from compliance.selectors.violations import same_problem_elsewhere, violation_detail, violation_page
from dashboards.access import OrganizationRequest, organization_view
from dashboards.filter_bars import by_word, violation_bar
from dashboards.fragments import render_part
from dashboards.manifests import line_of, manifest_text
from dashboards.paging import page_or_first
from organizations.models import Role
from organizations.permissions import Capability, can

UNGROUPED = "none"
GROUP_LABELS = {BY_WORKLOAD: "By workload", BY_POLICY: "By policy", UNGROUPED: "Ungrouped"}
SUGGESTIONS = 3
NUMBERS = {1: "one", 2: "two", 3: "three"}


@require_safe
@organization_view()
def fix(request: OrganizationRequest) -> HttpResponse:
    """The violations in view, by workload unless asked otherwise; for a developer, those of his teams."""
    directory = Directory(request.user)
    is_developer = request.membership.role == Role.DEVELOPER
    filters = parse_filters(request.GET, directory, default_team=MY_TEAMS if is_developer else "")
    by = request.GET.get("group", "")
    by = by if by in GROUP_LABELS else BY_WORKLOAD
    facets = violation_facets(filters, directory)
    suggestions = best_fixes(filters, limit=SUGGESTIONS)
    kept_group = "" if by == BY_WORKLOAD else f"group={by}"
    page, is_restarted = _page(filters, by, request.GET.get("cursor"))
    is_ungrouped = page is None
    if page is None:
        by = UNGROUPED
        page, is_restarted = _page(filters, by, request.GET.get("cursor"))
    context = {
        "filters": filters,
        "facets": facets,
        "by": by,
        "groupings": [
            {
                "value": value,
                "label": label,
                "url": f"?{filters.query(group=value)}",
                "is_current": value == by,
            }
            for value, label in GROUP_LABELS.items()
        ],
        "bar": violation_bar(filters, facets, directory, extra=kept_group),
        "severities": by_word(shown_severities(filters, facets)),
        "is_empty": facets.violation_count == 0,
        "count_words": count_words(filters, facets),
        "page": page,
        "is_restarted": is_restarted,
        "is_ungrouped": is_ungrouped,
        "next_cursor": page.next,
        "suggestions": suggestions,
        "suggested_count": sum(s.violation_count for s in suggestions),
        "suggestion_words": NUMBERS.get(len(suggestions), ""),
        "places": places(filters, facets),
        "has_clusters": directory.has_clusters,
        "can_register": can(request.membership.role, Capability.MANAGE_CLUSTERS),
        "everyone_url": f"?{filters.query(team='all')}" if filters.is_mine else "",
    }
    return render_part(request, "fix/page.html", {"results": "fix/_fragment.html"}, context)


def _page(filters: Filters, by: str, cursor: str | None) -> tuple[Page | None, bool]:
    """The page asked for; the first one, and True, when the cursor is not one of this list; None for a page of groups
    when too much is in view to be grouped.
    """

    def read(at: str | None) -> Page | None:
        return group_page(filters, by, cursor=at) if by in GROUPINGS else violation_page(filters, cursor=at)

    return page_or_first(read, cursor)


def shown_severities(filters: Filters, facets: Facets) -> dict[int, int]:
    """How many of each severity are in view; none while they are too many to count."""
    found = facets.severities or {}
    return {s: n for s, n in found.items() if not filters.severities or s in filters.severities}


def count_words(filters: Filters, facets: Facets) -> str:
    """How many violations are in view, in words: `1,204 violations`; `many resolved violations` when uncounted."""
    noun = "violation" if filters.status in ("open", ANY_STATUS) else f"{filters.status} violation"
    if facets.violation_count is None:
        return f"many {noun}s"
    return counted(facets.violation_count, noun)


def places(filters: Filters, facets: Facets) -> str:
    """Where the violations in view lie, in words: `12 namespaces of 3 clusters`; '' where the filters say it all."""
    namespaces = sum(1 for name in facets.namespaces or () if name) if filters.namespace is None else 0
    is_anywhere = filters.cluster_ids is None and not filters.environment
    clusters = len(facets.clusters or ()) if is_anywhere else 0
    parts = ((namespaces, "namespace"), (clusters, "cluster"))
    return " of ".join(counted(number, noun) for number, noun in parts if number)


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@require_safe
@organization_view()
def violation(request: OrganizationRequest, violation_id: int) -> HttpResponse:
    """One violation, as a page of its own or as the drawer's content."""
    try:
        found = violation_detail(violation_id)
    except NotFound as error:
        raise Http404(error.detail) from None
    context = violation_context(found, request.organization.slug)
    parts = {"drawer-body": "violations/_detail.html"}
    return render_part(request, "violations/page.html", parts, context)


def violation_context(found: Violation, slug: str) -> dict[str, Any]:
    resource, spec = found.resource, found.policy.document.get("spec", {})
    text = manifest_text(resource.manifest) if resource.manifest else ""
    others, other_resources = same_problem_elsewhere(found)
    return {
        "violation": found,
        "resource": resource,
        "spec": spec,
        "severity": Severity(found.severity),
        "found_json": json.dumps(found.found, ensure_ascii=False, indent=2),
        "diff": violation_diff(found),
        "patch_json": json.dumps(found.fix, ensure_ascii=False) if found.fix else "",
        "kubectl": kubectl_patch(found) if found.fix else "",
        "manifest": text,
        "marked": line_of(text, found.path) if text else None,
        "events": list(events(found)),
        "controls": controls(spec),
        "standards": sorted(found.policy.standards.all(), key=lambda s: s.title),
        "other_count": others,
        "other_resource_count": other_resources,
        "elsewhere_url": f"{reverse('fix', args=[slug])}?policy={found.policy.slug}&team=all",
    }


def controls(spec: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Frameworks with the ids of their controls that a policy speaks for."""
    return [(name, [str(i) for i in ids]) for name, ids in (spec.get("controls") or {}).items()]


def kubectl_patch(found: Violation) -> str:
    """A command that mends the running object; the file in the repository remains to be mended."""
    resource = found.resource
    kind = f"{resource.kind.lower()}.{resource.group}" if resource.group else resource.kind.lower()
    namespace = f" --namespace {shlex.quote(resource.namespace)}" if resource.namespace else ""
    patch = shlex.quote(json.dumps(found.fix, ensure_ascii=False))
    return f"kubectl patch {shlex.quote(f'{kind}/{resource.name}')}{namespace} --type=json --patch={patch}"


def events(found: Violation) -> Iterable[dict[str, Any]]:
    """The violation's life, newest first, for the timeline."""
    reasons = {"passed": "Evaluated and passed", "deleted": "The resource was deleted"}
    intervals = sorted(found.intervals.all(), key=lambda interval: interval.opened_at)
    for number in range(len(intervals) - 1, -1, -1):
        interval = intervals[number]
        if interval.close_reason in reasons:
            text, detail = "Resolved", reasons[interval.close_reason]
            yield {"at": interval.closed_at, "text": text, "tone": "good", "detail": detail}
        if interval.exception:
            text, tone = f"Excepted by {interval.exception}", "notice"
        else:
            text, tone = ("Reopened" if number else "Opened"), "high"
        yield {"at": interval.opened_at, "text": text, "tone": tone, "detail": "" if number else "First seen"}
