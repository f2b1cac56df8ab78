"""Policies with what they found, and one policy: what it asks, why, and where it fails."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from common.errors import NotFound
from compliance.models import PolicyFormat, Severity
from compliance.posture import Posture, total
from compliance.selectors.directory import Directory
from compliance.selectors.filters import LIBRARY, OWN, Filters, parse_filters
from compliance.selectors.links import linked_policies
from compliance.selectors.policies import PolicyRow, policy_places, policy_row, policy_rows, policy_trend
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
from organizations.permissions import Capability, can

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
OF_THE_LIST = ("policy", "severity", "category", "origin", "q")
DAILY_BY_CLUSTER = "A past day is known by cluster: namespace and team do not narrow it."


@dataclass(frozen=True)
class CategoryGroup:
    """The policies of one category, in the order of the list."""

    name: str
    rows: list[PolicyRow]

    @property
    def failing_count(self) -> int:
        return sum(row.counts.failed > 0 for row in self.rows)

    @property
    def posture(self) -> Posture:
        """Each check weighted by its policy's severity, as in every posture."""
        return total(row.posture for row in self.rows)

    @property
    def heat(self) -> int:
        """Failing resources, each by the weight of its policy."""
        return sum(row.counts.failed * row.policy.weight for row in self.rows)


@require_safe
@organization_view()
def policies(request: OrganizationRequest) -> HttpResponse:
    """All policies that the view selects: by category, the one that fails most first, or as one list when sorted."""
    directory = Directory(request.user)
    filters = parse_filters(request.GET, directory)
    rows = policy_rows(filters, directory)
    sort = request.GET.get("sort", "")
    if sort == "-title":
        rows.sort(key=SORTS["title"], reverse=True)
    else:
        rows.sort(key=SORTS.get(sort, SORTS[DEFAULT_SORT]))
    is_sorted = sort in SORTS or sort == "-title"
    context = {
        "filters": filters,
        "bar": _bar(filters, directory),
        "rows": rows,
        "groups": [CategoryGroup("", rows)] if is_sorted and rows else by_category(rows),
        "failing_count": sum(row.counts.failed > 0 for row in rows),
        "evaluated_count": sum(row.counts.posture.evaluated > 0 for row in rows),
        "open_count": sum(row.open_count for row in rows),
        "kept": filters.query(without=OF_THE_LIST),
        "sort": sort if is_sorted else "",
        "may_manage": can(request.membership.role, Capability.MANAGE_POLICIES),
        "has_own": any(policy.is_own for policy in directory.policies.values()),
    }
    return render_part(request, "policies/page.html", {"results": "policies/_fragment.html"}, context)


def by_category(rows: list[PolicyRow]) -> list[CategoryGroup]:
    """The rows in groups: where most fails first, then by name."""
    groups: dict[str, list[PolicyRow]] = {}
    for row in rows:
        groups.setdefault(row.policy.category, []).append(row)
    found = [CategoryGroup(name, members) for name, members in groups.items()]
    return sorted(found, key=lambda group: (-group.heat, group.name))


def _bar(filters: Filters, directory: Directory) -> FilterBar:
    problems = list(problem_sentences(filters))
    if filters.as_of and (filters.namespace is not None or filters.team_ids is not None):
        problems.append(DAILY_BY_CLUSTER)
    return FilterBar(
        menus=(severity_menu(filters), cluster_menu(filters)),
        selects=(
            environment_select(filters, directory),
            team_select(filters, directory),
            _category_select(filters, directory),
            standard_select(filters, directory, None),
            _origin_select(filters, directory),
        ),
        chips=chips(filters),
        clear_url="?",
        problems=tuple(problems),
        searches="Policy",
    )


def _category_select(filters: Filters, directory: Directory) -> Select:
    """Categories with how many policies each has, retired ones left out."""
    counts = Counter(policy.category for policy in directory.policies.values() if policy.retired_at is None)
    choices = (Choice(name, name, counts[name], name == filters.category) for name in directory.categories)
    return Select("category", "Category", "All categories", tuple(choices))


def _origin_select(filters: Filters, directory: Directory) -> Select:
    counts = Counter(policy.is_own for policy in directory.policies.values() if policy.retired_at is None)
    choices = (
        Choice(LIBRARY, "Library", counts[False], filters.origin == LIBRARY),
        Choice(OWN, "Your own", counts[True], filters.origin == OWN),
    )
    return Select("origin", "Origin", "Any origin", choices)


@require_safe
@organization_view()
def policy(request: OrganizationRequest, policy_slug: str) -> HttpResponse:
    """One policy as it is written, and where it fails."""
    directory = Directory(request.user)
    filters = parse_filters(request.GET, directory)
    try:
        row = policy_row(policy_slug, filters)
    except NotFound as error:
        raise Http404(error.detail) from None
    found = row.policy
    trend = policy_trend(found, filters)
    places = policy_places(found, filters)
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
        "linked": linked_policies(found),
        "standards": sorted(found.standards.all(), key=lambda standard: standard.title),
        "parameters": parameters(spec),
        "kinds": (spec.get("match") or {}).get("kinds") or [],
        "is_rego": not found.engine.startswith("CEL"),
        "is_foreign": found.format != PolicyFormat.PLUMBLINE,
        "may_manage": can(request.membership.role, Capability.MANAGE_POLICIES),
        "problems": problem_sentences(filters),
        "chips": chips(filters),
        "kept": filters.query(without=(*OF_THE_LIST, "standard", "status")),
    }
    return render_part(request, "policies/policy.html", {}, context)


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
