"""Workloads, the worst first; and one resource with its verdicts, its fix, its manifest and its history."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from clusters.models import Resource
from common.clock import now
from common.errors import NotFound
from compliance.models import Violation
from compliance.posture import is_stale
from compliance.selectors.directory import Directory
from compliance.selectors.filters import MY_TEAMS, parse_filters
from compliance.selectors.fixes import combined_fix
from compliance.selectors.workloads import (
    ORDERINGS,
    WORKLOAD_KINDS,
    Survey,
    open_by_policy,
    resource_detail,
    resource_history,
    resource_page,
    survey,
    verdicts,
)
from dashboards.access import OrganizationRequest, organization_view
from dashboards.filter_bars import (
    Choice,
    FilterBar,
    Select,
    chips,
    cluster_menu,
    environment_select,
    namespace_select,
    policy_select,
    problem_sentences,
    severity_menu,
    team_select,
)
from dashboards.fragments import render_part
from dashboards.manifests import lines_of, manifest_text
from dashboards.paging import page_or_first
from organizations.models import Role

ORDERS = {
    "-worst": ORDERINGS["worst"],
    "worst": ORDERINGS["worst"].reversed(),
    "-open": ORDERINGS["-open_count"],
    "open": ORDERINGS["-open_count"].reversed(),
    "name": ORDERINGS["name"],
    "-name": ORDERINGS["name"].reversed(),
    "-changed": ORDERINGS["-changed_at"],
    "changed": ORDERINGS["-changed_at"].reversed(),
}
EVERY_KIND = "all"
EVENTS_SHOWN = 8


@require_safe
@organization_view()
def workloads(request: OrganizationRequest) -> HttpResponse:
    """What runs, the worst first; `kind=all` shows every resource."""
    directory = Directory(request.user)
    is_developer = request.membership.role == Role.DEVELOPER
    filters = parse_filters(request.GET, directory, default_team=MY_TEAMS if is_developer else "")
    surveyed = survey(filters)
    present = surveyed.kinds()
    kind = request.GET.get("kind", "")
    kind = kind if kind == EVERY_KIND or kind in present else ""
    kinds = () if kind == EVERY_KIND else (kind,) if kind else WORKLOAD_KINDS
    sort = request.GET.get("sort", "")
    sort = sort if sort in ORDERS else "-worst"
    page, is_restarted = page_or_first(
        lambda at: resource_page(filters, kinds=kinds, order=ORDERS[sort], cursor=at), request.GET.get("cursor")
    )
    context = {
        "filters": filters,
        "bar": _bar(surveyed, directory, present, kind, kinds),
        "counts": surveyed.counts(kinds),
        "noun": kind if kind not in ("", EVERY_KIND) else "resource" if kind else "workload",
        "page": page,
        "next_cursor": page.next,
        "is_restarted": is_restarted,
        "sort": sort,
        "has_clusters": directory.has_clusters,
        "most_open": max((row.open_count for row in page.rows), default=0),
    }
    return render_part(request, "workloads/page.html", {"results": "workloads/_fragment.html"}, context)


def _bar(
    surveyed: Survey,
    directory: Directory,
    present: dict[str, int | None],
    kind: str,
    kinds: tuple[str, ...],
) -> FilterBar:
    filters = surveyed.filters
    numbers = [number for number in present.values() if number is not None]
    kind_choices = [Choice(EVERY_KIND, "All kinds", sum(numbers) if numbers else None, kind == EVERY_KIND)]
    kind_choices += [Choice(name, name, number, name == kind) for name, number in present.items()]
    extra = f"kind={kind}" if kind else ""
    everything = "&".join(part for part in ("team=all" if filters.is_mine else "", extra) if part)
    return FilterBar(
        searches="Name",
        menus=(severity_menu(filters), cluster_menu(filters)),
        selects=(
            Select("kind", "Kind", "Workloads", tuple(kind_choices)),
            environment_select(filters, directory),
            namespace_select(filters, surveyed.namespaces(kinds)),
            team_select(filters, directory),
            policy_select(filters, directory),
        ),
        chips=chips(filters, extra=extra),
        clear_url=f"?{everything}",
        problems=(
            *problem_sentences(filters),
            *(
                ["As of was ignored. This list shows today; Fix and Policies go back."]
                if filters.as_of
                else []
            ),
        ),
    )


@require_safe
@organization_view()
def workload(request: OrganizationRequest, resource_id: int) -> HttpResponse:
    """One resource: any kind, also one that is gone."""
    try:
        resource = resource_detail(resource_id)
    except NotFound as error:
        raise Http404(error.detail) from None
    findings = open_by_policy(resource)
    open_violations = [violation for finding in findings for violation in finding.violations]
    text = manifest_text(resource.manifest) if resource.manifest else ""
    fix = combined_fix(resource, open_violations)
    found = verdicts(resource, Directory(request.user))
    marked = marks(text, open_violations)
    is_silent = is_stale(resource.cluster.last_scanned_at, now())
    happened = list(events(resource, request.organization.slug))
    context = {
        "resource": resource,
        "findings": findings,
        "open_count": len(open_violations),
        "verdicts": found,
        "posture": found.posture.as_stale() if is_silent else found.posture,
        "is_silent": is_silent,
        "verdict_lists": [
            ("Errors", found.errored, True),
            ("Passed", found.passed, False),
            ("Skipped", found.skipped, False),
        ],
        "fix": fix,
        "patch_json": json.dumps(fix.patch, ensure_ascii=False) if fix else "",
        "manifest": text,
        "marks": marked,
        "marked_lines": {mark["line"] for mark in marked},
        "events": happened[:EVENTS_SHOWN],
        "earlier_events": happened[EVENTS_SHOWN:],
    }
    return render_part(request, "workloads/workload.html", {}, context)


def marks(text: str, violations: list[Violation]) -> list[dict[str, Any]]:
    """The violations with their lines in the manifest's text, top to bottom."""
    if not text:
        return []
    lines = lines_of(text, [violation.path for violation in violations])
    found = [{"line": line, "violation": v} for line, v in zip(lines, violations, strict=True) if line]
    return sorted(found, key=lambda mark: mark["line"])


def events(resource: Resource, slug: str) -> Iterator[dict[str, Any]]:
    """What opened and closed on a resource, newest first, and when it was first seen."""
    happened: list[dict[str, Any]] = []
    for violation in resource_history(resource):
        url = reverse("violation", args=[slug, violation.id])
        for number, interval in enumerate(sorted(violation.intervals.all(), key=lambda i: i.opened_at)):
            word, tone = ("reopened" if number else "opened"), "high"
            if interval.exception:
                word, tone = f"excepted by {interval.exception}", "notice"
            happened.append(_event(interval.opened_at, f"{violation.policy.slug} {word}", tone, violation, url))
            if interval.close_reason in ("passed", "deleted"):
                word = "gone with the resource" if interval.close_reason == "deleted" else "resolved"
                text = f"{violation.policy.slug} {word}"
                happened.append(_event(interval.closed_at, text, "good", violation, url))
    if resource.deleted_at:
        happened.append({"at": resource.deleted_at, "text": "Deleted from the cluster", "tone": "notice"})
    happened.append({"at": resource.first_seen_at, "text": "First reported", "tone": "accent"})
    yield from sorted(happened, key=lambda event: event["at"], reverse=True)


def _event(at: Any, text: str, tone: str, violation: Violation, url: str) -> dict[str, Any]:
    return {"at": at, "text": text, "tone": tone, "detail": violation.message, "url": url}
