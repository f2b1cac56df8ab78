"""Posture: how safe is it, is it getting better, and where is it hot."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from compliance.selectors.directory import Directory
from compliance.selectors.filters import CLUSTER_SCOPED, SCOPE_PARAMETERS, Filters, parse_filters
from compliance.selectors.history import History, joined_clusters, posture_timeline
from compliance.selectors.posture import Cell, HeatGrid, Place, heat, heat_grid, hottest_places, most_violated
from dashboards.access import OrganizationRequest, organization_view
from dashboards.charts import policies as policy_charts
from dashboards.charts import posture as posture_charts
from dashboards.templatetags.words import percent

RANGES = (7, 30, 90)
DEFAULT_RANGE = 30
WEEKLY_FROM = 60
# Rollups know neither severity nor policy, so these do not narrow posture.
NOT_APPLIED = {"severity", "policy", "standard", "category", "q", "status"}


@dataclass(frozen=True)
class PostureView:
    """A request for posture, understood: what is in view, and how far back."""

    request: OrganizationRequest
    directory: Directory
    filters: Filters
    days: int
    problems: dict[str, str]

    @property
    def slug(self) -> str:
        return self.request.organization.slug

    @property
    def since(self) -> str:
        return f"in {self.days} days"

    @property
    def query(self) -> str:
        """This view's query string, for its charts and for links to other lengths of time."""
        return self.filters.query(without=NOT_APPLIED, range=str(self.days))

    def fix_url(self, *, without: tuple[str, ...] = (), **changes: str) -> str:
        """The list of violations behind a mark."""
        query = self.filters.query(without=(*NOT_APPLIED, *without), **changes)
        return reverse("fix", args=[self.slug]) + (f"?{query}" if query else "")


def understood(request: OrganizationRequest) -> PostureView:
    """Read scope and range from the URL; what cannot be used is ignored and told."""
    directory = Directory(request.user)
    filters = parse_filters(request.GET, directory)
    problems = dict(filters.problems)
    text = request.GET.get("range", "")
    days = int(text) if text in {str(days) for days in RANGES} else DEFAULT_RANGE
    if text and text != str(days):
        problems["range"] = f"One of {', '.join(map(str, RANGES))} days."
    ignored = sorted({name for name, _ in filters.values} & NOT_APPLIED)
    problems |= dict.fromkeys(ignored, "Posture is not narrowed by it.")
    return PostureView(request, directory, filters, days, problems)


@require_GET
@organization_view()
def posture_view(request: OrganizationRequest) -> HttpResponse:
    view = understood(request)
    timeline = posture_timeline(view.filters, days=view.days)
    history = timeline.whole()
    found = heat(view.filters)
    hottest = hottest_places(view.filters)
    return render(
        request,
        "posture/posture.html",
        {
            "view": view,
            "history": history,
            "hottest": [_place_row(view, place) for place in hottest],
            "most_open": max((place.open.all for place in hottest), default=0),
            "grid": _grid(view, heat_grid(view.filters, found)),
            "environments": _multiples(view, timeline.by_environment(), "environment", str.capitalize),
            "namespaces": found.namespaces,
            "ranges": [(days, view.filters.query(without=NOT_APPLIED, range=str(days))) for days in RANGES],
            "chips": _chips(view),
            "critical_url": view.fix_url(severity="critical"),
            "flow_note": "Per week" if view.days >= WEEKLY_FROM else "Per day",
            "posture_label": f"Posture, {percent(history.last.posture.coverage)} covered",
            **_numbers(history),
        },
    )


@require_GET
@organization_view()
def posture_teams_view(request: OrganizationRequest) -> HttpResponse:
    """The small multiples of teams, loaded after the page: they read a row per team and day."""
    view = understood(request)
    timeline = posture_timeline(view.filters, days=view.days, by_team=True)
    named = {view.directory.teams_by_id[k].slug if k else "": h for k, h in timeline.by_team().items()}
    teams = {team.slug: team.name for team in view.directory.teams.values()}
    multiples = _multiples(view, named, "team", lambda slug: teams.get(slug, "No team"))
    return render(request, "posture/_multiples.html", {"multiples": multiples, "view": view})


@require_GET
@organization_view()
def posture_chart_view(request: OrganizationRequest, name: str) -> HttpResponse:
    """The figure of one chart with its table twin, as JSON."""
    draw = CHARTS.get(name)
    if draw is None:
        return JsonResponse({"detail": "No such chart.", "code": "not_found", "fields": {}}, status=404)
    return JsonResponse(draw(understood(request)))


def _trend(view: PostureView) -> dict[str, Any]:
    timeline = posture_timeline(view.filters, days=view.days)
    history = replace(timeline.whole(), joined=joined_clusters(view.filters, timeline.start, timeline.end))
    return posture_charts.trend(history, day_url=view.fix_url(as_of="__day__").replace("__day__", "{day}"))


def _flow(view: PostureView) -> dict[str, Any]:
    history = posture_timeline(view.filters, days=view.days).whole()
    return posture_charts.flow(history, weekly=view.days >= WEEKLY_FROM, url=view.fix_url())


def _policies(view: PostureView) -> dict[str, Any]:
    rows = most_violated(view.filters, view.directory)
    url = view.fix_url(policy="__policy__").replace("__policy__", "{policy}")
    return policy_charts.most_violated(rows, policy_url=url)


CHARTS: dict[str, Callable[[PostureView], dict[str, Any]]] = {
    "trend": _trend,
    "flow": _flow,
    "policies": _policies,
}


def _numbers(history: History) -> dict[str, Any]:
    """The figures at the head of the page, each with its change since the range began."""
    first, last = history.first_known, history.last
    is_whole = first is history.days[0]
    return {
        "since": f"in {len(history.days)} days" if is_whole else f"since {first.day:%-d %b}",
        "score": last.posture.score,
        "coverage": last.posture.coverage,
        "gained": history.gained(),
        "points_word": "point" if abs(history.gained() or 0) == 1 else "points",
        "open_count": last.open.all,
        "open_change": last.open.all - first.open.all,
        "open_points": [day.open.all for day in history.days],
        "critical_count": last.open.critical,
        "critical_change": last.open.critical - first.open.critical,
        "critical_points": [day.open.critical for day in history.days],
        "opened_count": sum(day.opened_count for day in history.days),
        "resolved_count": sum(day.resolved_count for day in history.days),
    }


def _place_row(view: PostureView, place: Place) -> dict[str, Any]:
    url = view.fix_url(
        without=("environment",),
        cluster=place.cluster.name,
        namespace=place.namespace_parameter,
        team=place.team.slug if place.team else "",
    )
    return {"place": place, "url": url, "counts": place.open.by_word()}


def _grid(view: PostureView, grid: HeatGrid) -> dict[str, Any]:
    """The heat grid with the list of violations behind each cell."""
    return {
        "clusters": grid.clusters,
        "left_out": left_out(grid),
        "rows": [
            {"namespace": row.namespace, "cells": [cell and _heat_cell(view, cell) for cell in row.cells]}
            for row in grid.rows
        ],
    }


def left_out(grid: HeatGrid) -> str:
    """What the grid does not show, in words: `284 calmer namespaces and 988 clusters left out`."""
    named = ((grid.left_out_count, "namespace"), (grid.left_out_cluster_count, "cluster"))
    parts = [f"{number:,} {noun}{'' if number == 1 else 's'}" for number, noun in named if number]
    return f"{' and '.join(parts)} that are calmer left out" if parts else ""


def _heat_cell(view: PostureView, cell: Cell) -> dict[str, Any]:
    url = view.fix_url(
        without=("environment",), cluster=cell.cluster.name, namespace=cell.namespace or CLUSTER_SCOPED
    )
    return {
        "posture": cell.posture,
        "warmth": cell.warmth,
        "open": cell.open,
        "cluster": cell.cluster,
        "namespace": cell.namespace,
        "url": url,
    }


def _multiples(
    view: PostureView, histories: dict[str, History], parameter: str, label: Callable[[str], str]
) -> list[dict[str, Any]]:
    """One small panel per group on one common scale, the lowest score first."""
    known = [point for history in histories.values() for point in history.points if point is not None]
    low = math.floor(min(known, default=0) * 10) / 10
    panels = [
        {
            "label": label(key),
            "posture": history.last.posture,
            "points": history.points,
            "low": low,
            "gained": history.gained(),
            "open": history.last.open,
            "url": _narrowed_url(view, parameter, key) if key else "",
        }
        for key, history in histories.items()
        if any(day.posture.applicable or day.open.all for day in history.days)
    ]
    return sorted(panels, key=lambda p: (p["posture"].score is None, p["posture"].score or 0, p["label"]))


def _narrowed_url(view: PostureView, parameter: str, value: str) -> str:
    query = view.filters.query(without=NOT_APPLIED, range=str(view.days), **{parameter: value})
    return f"{reverse('posture', args=[view.slug])}?{query}"


def _chips(view: PostureView) -> list[dict[str, str]]:
    """What narrows the view, each with the page's URL without it."""
    return [
        {
            "label": name.replace("_", " "),
            "value": value,
            "url": f"?{view.filters.query_without_value(name, value)}&range={view.days}",
        }
        for name, value in view.filters.values
        if name in (*SCOPE_PARAMETERS, "as_of") and value
    ]
