"""Settings of an organization: its members, its teams, and one's own API tokens."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from common.errors import PlumblineError
from compliance.services.teams import reassign_teams
from dashboards.access import OrganizationRequest, organization_view
from organizations.models import Role
from organizations.permissions import Capability, can
from organizations.selectors.invitations import pending_invitations
from organizations.selectors.members import api_tokens_of, member_rows
from organizations.selectors.teams import team_rows
from organizations.services.invitations import invite_member, revoke_invitation
from organizations.services.members import change_role, remove_member
from organizations.services.teams import create_team, delete_team, set_team_members, update_team
from organizations.services.tokens import issue_api_token, revoke_api_token
from organizations.tasks import send_invitation_task


@require_safe
@organization_view()
def members_view(request: OrganizationRequest) -> HttpResponse:
    return _members(request)


@require_POST
@organization_view(needs=Capability.MANAGE_MEMBERS)
def invite_view(request: OrganizationRequest) -> HttpResponse:
    """Answers with the link itself, for it is to be had just this once."""
    form = {"email": request.POST.get("email", ""), "role": request.POST.get("role", "")}
    try:
        invitation, link = invite_member(email=form["email"], role=form["role"], actor=request.user)
    except PlumblineError as error:
        return _members(request, form=form, error=error.detail, status=error.status)
    transaction.on_commit(
        lambda: send_invitation_task.delay(str(request.organization.pk), str(invitation.pk), link),
        robust=True,  # without Redis the link on the page is all there is
    )
    return _members(request, invited=invitation, link=link)


@require_POST
@organization_view(needs=Capability.MANAGE_MEMBERS)
def revoke_invitation_view(request: OrganizationRequest, invitation_id: UUID) -> HttpResponse:
    revoke_invitation(invitation_id=invitation_id, actor=request.user)
    messages.success(request, "The invitation is revoked; its link is dead.")
    return _back(request, "settings")


@require_POST
@organization_view(needs=Capability.MANAGE_MEMBERS)
def change_role_view(request: OrganizationRequest, membership_id: UUID) -> HttpResponse:
    try:
        changed = change_role(
            membership_id=membership_id, role=request.POST.get("role", ""), actor=request.user
        )
    except PlumblineError as error:
        return _refused(request, error, "settings")
    messages.success(request, f"{changed.user} is now {changed.get_role_display().lower()}.")
    return _back(request, "settings")


@require_POST
@organization_view(needs=Capability.MANAGE_MEMBERS)
def remove_member_view(request: OrganizationRequest, membership_id: UUID) -> HttpResponse:
    try:
        remove_member(membership_id=membership_id, actor=request.user)
    except PlumblineError as error:
        return _refused(request, error, "settings")
    messages.success(request, "The member is removed.")
    return redirect("home") if membership_id == request.membership.pk else _back(request, "settings")


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
            team = create_team(
                name=form["name"], namespaces=_namespaces(form["namespaces"]), actor=request.user
            )
            reassign_teams()
    except PlumblineError as error:
        return _teams(request, form=form, error=error.detail, status=error.status)
    messages.success(request, f"The team {team.name} is there. Add its members.")
    return _back(request, "settings_teams")


@require_POST
@organization_view(needs=Capability.MANAGE_TEAMS)
def update_team_view(request: OrganizationRequest, team_id: UUID) -> HttpResponse:
    try:
        with transaction.atomic():
            team = update_team(
                team_id=team_id,
                name=request.POST.get("name", ""),
                namespaces=_namespaces(request.POST.get("namespaces", "")),
                actor=request.user,
            )
            set_team_members(
                team_id=team_id, user_ids=_ids(request.POST.getlist("member")), actor=request.user
            )
            reassign_teams()
    except PlumblineError as error:
        return _refused(request, error, "settings_teams")
    messages.success(request, f"The team {team.name} is saved.")
    return _back(request, "settings_teams")


@require_POST
@organization_view(needs=Capability.MANAGE_TEAMS)
def delete_team_view(request: OrganizationRequest, team_id: UUID) -> HttpResponse:
    with transaction.atomic():
        reassign_teams(leaving=team_id)
        delete_team(team_id=team_id, actor=request.user)
    messages.success(request, "The team is deleted; what it owned belongs to no team now.")
    return _back(request, "settings_teams")


@require_safe
@organization_view(needs=Capability.MANAGE_TOKENS)
def tokens_view(request: OrganizationRequest) -> HttpResponse:
    return _tokens(request)


@require_POST
@organization_view(needs=Capability.MANAGE_TOKENS)
def issue_token_view(request: OrganizationRequest) -> HttpResponse:
    """Answers with the token itself, for it is to be had just this once."""
    name = request.POST.get("name", "")
    try:
        token, secret = issue_api_token(user=request.user, name=name, actor=request.user)
    except PlumblineError as error:
        return _tokens(request, name=name, error=error.detail, status=error.status)
    return _tokens(request, issued=token, secret=secret)


@require_POST
@organization_view(needs=Capability.MANAGE_TOKENS)
def revoke_token_view(request: OrganizationRequest, token_id: UUID) -> HttpResponse:
    token = revoke_api_token(token_id=token_id, user=request.user)
    messages.success(request, f"{token.name} is revoked: what uses it gets 401 from now on.")
    return _back(request, "settings_tokens")


def _members(request: OrganizationRequest, status: int = 200, **context: Any) -> HttpResponse:
    is_manager = can(request.membership.role, Capability.MANAGE_MEMBERS)
    context |= {
        "tab": "settings",
        "rows": member_rows(),
        "invitations": pending_invitations() if is_manager else [],
        "roles": Role.choices,
        "is_manager": is_manager,
    }
    return render(request, "settings/members.html", context, status=status)


def _teams(request: OrganizationRequest, status: int = 200, **context: Any) -> HttpResponse:
    context |= {
        "tab": "settings_teams",
        "rows": team_rows(),
        "people": [row.membership.user for row in member_rows()],
        "is_manager": can(request.membership.role, Capability.MANAGE_TEAMS),
    }
    return render(request, "settings/teams.html", context, status=status)


def _tokens(request: OrganizationRequest, status: int = 200, **context: Any) -> HttpResponse:
    context |= {"tab": "settings_tokens", "tokens": api_tokens_of(request.user)}
    return render(request, "settings/tokens.html", context, status=status)


def _back(request: OrganizationRequest, name: str) -> HttpResponseRedirect:
    return redirect(name, slug=request.organization.slug)


def _refused(request: OrganizationRequest, error: PlumblineError, name: str) -> HttpResponse:
    """Back to the page with the reason, which also reaches htmx; what is not there stays a 404."""
    if error.status == 404:
        raise error
    messages.error(request, error.detail)
    return _back(request, name)


def _namespaces(text: str) -> list[str]:
    """Namespaces as people write lists of them: with commas, spaces or lines between."""
    return text.replace(",", " ").split()


def _ids(values: list[str]) -> list[UUID]:
    try:
        return [UUID(value) for value in values]
    except (ValueError, ValidationError) as error:
        raise PlumblineError("That is not a member.", fields={"member": "Not a member."}) from error
