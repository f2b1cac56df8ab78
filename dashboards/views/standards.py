"""Standards, and one standard control by control."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from common.errors import NotFound
from compliance.selectors.directory import Directory
from compliance.selectors.filters import Filters, parse_filters
from compliance.selectors.standards import standard_row, standard_rows
from dashboards.access import OrganizationRequest, organization_view
from dashboards.filter_bars import (
    FilterBar,
    chips,
    cluster_menu,
    environment_select,
    problem_sentences,
    team_select,
)
from dashboards.fragments import render_part

OF_THE_SCOPE = ("policy", "standard", "severity", "category", "origin", "q", "status")
STATES = {
    "failing": ("Failing", "high", "warning"),
    "passing": ("Passing", "good", "resolved"),
    "partial": ("Passing in part", "good", "resolved"),
    "incomplete": ("Incomplete", "notice", "clock"),
    "no_data": ("No data", "neutral", "empty"),
}


@require_safe
@organization_view()
def standards(request: OrganizationRequest) -> HttpResponse:
    directory = Directory(request.user)
    filters = parse_filters(request.GET, directory)
    rows = standard_rows(filters, directory)
    context = {
        "filters": filters,
        "bar": _bar(filters, directory),
        "rows": rows,
        "failing_count": sum(row.failing_count > 0 for row in rows),
        "kept": filters.query(without=OF_THE_SCOPE),
    }
    return render_part(request, "standards/page.html", {}, context)


@require_safe
@organization_view()
def standard(request: OrganizationRequest, standard_slug: str) -> HttpResponse:
    directory = Directory(request.user)
    filters = parse_filters(request.GET, directory)
    try:
        row = standard_row(standard_slug, filters, directory)
    except NotFound as error:
        raise Http404(error.detail) from None
    context = {
        "filters": filters,
        "bar": _bar(filters, directory),
        "row": row,
        "standard": row.standard,
        "spec": row.standard.document.get("spec", {}),
        "controls": [(control, *STATES[control.state]) for control in row.controls if control.is_automated],
        "manual_controls": [control for control in row.controls if not control.is_automated],
        "kept": filters.query(without=OF_THE_SCOPE),
    }
    return render_part(request, "standards/standard.html", {}, context)


def _bar(filters: Filters, directory: Directory) -> FilterBar:
    return FilterBar(
        menus=(cluster_menu(filters),),
        selects=(environment_select(filters, directory), team_select(filters, directory)),
        chips=chips(filters),
        clear_url="?",
        problems=problem_sentences(filters),
    )
