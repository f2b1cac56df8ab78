"""Policies with what they found, and one policy: what it asks, why, and where it fails."""

import json
from typing import Any

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from common.errors import NotFound
from compliance.models import Policy, Severity
from compliance.selectors.directory import Directory
from compliance.selectors.filters import Filters, parse_filters
from compliance.selectors.policies import (
    NOTHING,
    PolicyRow,
    policy_detail,
    policy_places,
    policy_rows,
    policy_trend,
)
from dashboards.access import OrganizationRequest, organization_view
from dashboards.filter_bars import (
    Choice,
    FilterBar,
    Select,
    chips,
    cluster_menu,
    environment_select,
    problem_sentences,
    severity_menu,
    standard_select,
    team_select,
)
from dashboards.fragments import render_part
from dashboards.views.tactical import controls

SORTS: dict[str, Any] = {
    "-failing": lambda row: (-row.counts.failed, -row.policy.severity, row.policy.slug),
    "failing": lambda row: (row.counts.failed, row.policy.severity, row.policy.slug),
    "-severity": lambda row: (-row.policy.severity, -row.counts.failed, row.policy.slug),
    "severity": lambda row: (row.policy.severity, row.counts.failed, row.policy.slug),
    "title": lambda row: row.policy.title.lower(),
    "-open": lambda row: (-row.open_count, row.policy.slug),
    "open": lambda row: (row.open_count, row.policy.slug),
}
DEFAULT_SORT = "-severity"
DAILY_BY_CLUSTER = "A past day is known by cluster: namespace and team do not narrow it."


@require_safe
@organization_view()
def policies(request: OrganizationRequest) -> HttpResponse:
    """All policies that the view selects, most failing first."""
    directory = Directory(request.user)
    filters = parse_filters(request.GET, directory)
    rows = policy_rows(filters, directory)
    sort = request.GET.get("sort", DEFAULT_SORT)
    if sort == "-title":
        rows.sort(key=SORTS["title"], reverse=True)
    else:
        rows.sort(key=SORTS.get(sort, SORTS[DEFAULT_SORT]))
    context = {
        "filters": filters,
        "bar": _bar(filters, directory),
        "rows": rows,
        "failing_count": sum(row.counts.failed > 0 for row in rows),
        "evaluated_count": sum(row.counts.posture.evaluated > 0 for row in rows),
        "open_count": sum(row.open_count for row in rows),
        "kept": filters.query(without=("policy", "severity", "category", "q")),
        "sort": sort if sort in SORTS or sort == "-title" else DEFAULT_SORT,
    }
    return render_part(request, "policies/page.html", {"results": "policies/_fragment.html"}, context)


def _bar(filters: Filters, directory: Directory) -> FilterBar:
    categories = tuple(Choice(c, c, None, c == filters.category) for c in directory.categories)
    problems = list(problem_sentences(filters))
    if filters.as_of and (filters.namespace is not None or filters.team_ids is not None):
        problems.append(DAILY_BY_CLUSTER)
    return FilterBar(
        menus=(severity_menu(filters), cluster_menu(filters, directory)),
        selects=(
            environment_select(filters, directory),
            team_select(filters, directory),
            Select("category", "Category", "All categories", categories),
            standard_select(filters, directory, None),
        ),
        chips=chips(filters),
        clear_url="?",
        problems=tuple(problems),
        searches="Policy",
    )


@require_safe
@organization_view()
def policy(request: OrganizationRequest, policy_slug: str) -> HttpResponse:
    """One policy as it is written, and where it fails."""
    try:
        found = policy_detail(policy_slug)
    except NotFound as error:
        raise Http404(error.detail) from None
    directory = Directory(request.user)
    filters = parse_filters(request.GET, directory)
    trend = policy_trend(found, filters)
    row = _row_of(found, filters, directory)
    places = policy_places(found, filters, directory)
    spec = found.document.get("spec", {})
    context = {
        "policy": found,
        "spec": spec,
        "severity": Severity(found.severity),
        "row": row,
        "places": [place for place in places if place.counts.failed or place.counts.errored],
        "holding": [place for place in places if not (place.counts.failed or place.counts.errored)],
        "trend": [failed for _, failed in trend],
        "trend_rows": _weekly(trend),
        "trend_delta": trend[-1][1] - trend[0][1] if len(trend) > 1 else None,
        "trend_since": f"in {(trend[-1][0] - trend[0][0]).days} days" if len(trend) > 1 else "",
        "controls": controls(spec),
        "standards": sorted(found.standards.all(), key=lambda standard: standard.title),
        "parameters": parameters(spec),
        "kinds": (spec.get("match") or {}).get("kinds") or [],
        "problems": problem_sentences(filters),
        "chips": chips(filters),
        "kept": filters.query(without=("policy", "severity", "category", "standard", "q", "status")),
    }
    return render_part(request, "policies/policy.html", {}, context)


def _row_of(found: Policy, filters: Filters, directory: Directory) -> PolicyRow:
    """The policy's own row, whatever else of the list the view would leave out."""
    rows = {row.policy.id: row for row in policy_rows(filters, directory)}
    return rows.get(found.id, PolicyRow(found, NOTHING, 0))


def _weekly(trend: list[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """The trend's twin in numbers: its last day and every seventh before it, newest first."""
    return trend[::-1][::7]


def parameters(spec: dict[str, Any]) -> list[dict[str, str]]:
    """The parameters of a policy with their meaning and what holds unless another value is given."""
    declared = (spec.get("parameters") or {}).get("schema", {}).get("properties", {})
    defaults = (spec.get("parameters") or {}).get("defaults", {})
    return [
        {
            "name": name,
            "description": schema.get("description", ""),
            "type": str(schema.get("type", "")),
            "default": json.dumps(defaults[name], ensure_ascii=False) if name in defaults else "",
        }
        for name, schema in declared.items()
    ]
