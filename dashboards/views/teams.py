"""Settings of teams: what each owns, and who is in it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.errors import PlumblineError
from compliance.selectors.keyset import Keyset
from compliance.services.teams import reassign_teams
from dashboards.access import OrganizationRequest, organization_view
from dashboards.views.settings import BY_EMAIL, PAGE_SIZE, back_to, page_from, refused, searched
from organizations.permissions import Capability, can
from organizations.selectors.teams import MOST_CANDIDATES, candidates_for, people_of, team_by_id, team_rows, teams_like
from organizations.services.teams import (
    add_team_member,
    create_team,
    delete_team,
    remove_team_member,
    update_team,
)

BY_NAME = Keyset((("name", str), ("slug", str)))


@require_safe
@organization_view()
def teams_view(request: OrganizationRequest) -> HttpResponse:
    return _teams(request)


@require_POST
@organization_view(needs=Capability.MANAGE_TEAMS)
def create_team_view(request: OrganizationRequest) -> HttpResponse:
    form = {"name": request.POST.get("name", ""), "namespaces": request.POST.get("namespaces", "")}
    try:
        with transaction.atomic():
            team = create_team(name=form["name"], namespaces=_namespaces(form["namespaces"]), actor=request.user)
            reassign_teams()
    except PlumblineError as error:
        return _teams(request, form=form, error=error.detail, status=error.status)
    messages.success(request, f"The team {team.name} is there. Add its members.")
    return back_to(request, "settings_team", team.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def team_view(request: OrganizationRequest, **where: Any) -> HttpResponse:
    return (_update if request.method == "POST" else _team)(request, **where)


@organization_view()
def _team(request: OrganizationRequest, team_id: UUID) -> HttpResponse:
    team = team_by_id(team_id)
    text = searched(request)
    is_manager = can(request.membership.role, Capability.MANAGE_TEAMS)
    people = people_of(team)
    page, is_restarted = page_from(request, BY_EMAIL, people)
    context = {
        "team": team,
        "text": text,
        "people": page.rows,
        "people_count": people.count(),
        "next_cursor": page.next,
        "is_restarted": is_restarted,
        "candidates": candidates_for(team, text) if is_manager else [],
        "most_candidates": MOST_CANDIDATES,
        "is_manager": is_manager,
    }
    return render(request, "settings/team.html", context)


@organization_view(needs=Capability.MANAGE_TEAMS)
def _update(request: OrganizationRequest, team_id: UUID) -> HttpResponse:
    try:
        with transaction.atomic():
            team = update_team(
                team_id=team_id,
                name=request.POST.get("name", ""),
                namespaces=_namespaces(request.POST.get("namespaces", "")),
                actor=request.user,
            )
            reassign_teams()
    except PlumblineError as error:
        return refused(request, error, "settings_team", team_id)
    messages.success(request, f"The team {team.name} is saved.")
    return back_to(request, "settings_team", team_id)


@require_POST
@organization_view(needs=Capability.MANAGE_TEAMS)
def delete_team_view(request: OrganizationRequest, team_id: UUID) -> HttpResponse:
    with transaction.atomic():
        reassign_teams(leaving=team_id)
        delete_team(team_id=team_id, actor=request.user)
    messages.success(request, "The team is deleted; what it owned belongs to no team now.")
    return back_to(request, "settings_teams")


@require_POST
@organization_view(needs=Capability.MANAGE_TEAMS)
def add_team_member_view(request: OrganizationRequest, team_id: UUID) -> HttpResponse:
    try:
        user = add_team_member(team_id=team_id, email=request.POST.get("email", ""), actor=request.user)
    except PlumblineError as error:
        return refused(request, error, "settings_team", team_id)
    messages.success(request, f"{user} is in the team.")
    return back_to(request, "settings_team", team_id)


@require_POST
@organization_view(needs=Capability.MANAGE_TEAMS)
def remove_team_member_view(request: OrganizationRequest, team_id: UUID, user_id: UUID) -> HttpResponse:
    user = remove_team_member(team_id=team_id, user_id=user_id, actor=request.user)
    messages.success(request, f"{user} is no longer in the team.")
    return back_to(request, "settings_team", team_id)


def _teams(request: OrganizationRequest, status: int = 200, **context: Any) -> HttpResponse:
    text = searched(request)
    team_count = teams_like().count()
    page, is_restarted = page_from(request, BY_NAME, teams_like(text))
    context |= {
        "tab": "settings_teams",
        "text": text,
        "team_count": team_count,
        "offers_search": bool(text) or team_count > PAGE_SIZE,
        "rows": team_rows(page.rows),
        "next_cursor": page.next,
        "is_restarted": is_restarted,
        "is_manager": can(request.membership.role, Capability.MANAGE_TEAMS),
    }
    return render(request, "settings/teams.html", context, status=status)


def _namespaces(text: str) -> list[str]:
    """Namespaces as people write lists of them: with commas, spaces or lines between."""
    return text.replace(",", " ").split()
