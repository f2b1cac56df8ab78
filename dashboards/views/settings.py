"""Settings of an organization: its members, and one's own API tokens. What lists of settings have in common."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from common.errors import PlumblineError
from compliance.selectors.keyset import Keyset, Page
from dashboards.access import OrganizationRequest, organization_view
from dashboards.paging import page_or_first
from organizations.models import Role
from organizations.permissions import Capability, can
from organizations.selectors.invitations import open_invitations, pending_invitations
from organizations.selectors.members import api_tokens_of, member_numbers, member_rows, members_like
from organizations.services.invitations import invite_member, revoke_invitation
from organizations.services.members import change_role, remove_member
from organizations.services.tokens import issue_api_token, revoke_api_token
from organizations.tasks import send_invitation_task

PAGE_SIZE = 50
MAX_TEXT = 254
BY_EMAIL = Keyset((("email", str),))
NEWEST_FIRST = Keyset((("-created_at", datetime), ("-id", UUID)))


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
    return back_to(request, "settings")


@require_POST
@organization_view(needs=Capability.MANAGE_MEMBERS)
def change_role_view(request: OrganizationRequest, membership_id: UUID) -> HttpResponse:
    try:
        changed = change_role(membership_id=membership_id, role=request.POST.get("role", ""), actor=request.user)
    except PlumblineError as error:
        return refused(request, error, "settings")
    messages.success(request, f"{changed.user} is now {changed.get_role_display().lower()}.")
    return back_to(request, "settings")


@require_POST
@organization_view(needs=Capability.MANAGE_MEMBERS)
def remove_member_view(request: OrganizationRequest, membership_id: UUID) -> HttpResponse:
    try:
        remove_member(membership_id=membership_id, actor=request.user)
    except PlumblineError as error:
        return refused(request, error, "settings")
    messages.success(request, "The member is removed.")
    return redirect("home") if membership_id == request.membership.pk else back_to(request, "settings")


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
    return back_to(request, "settings_tokens")


def _members(request: OrganizationRequest, status: int = 200, **context: Any) -> HttpResponse:
    is_manager = can(request.membership.role, Capability.MANAGE_MEMBERS)
    text = searched(request)
    numbers = member_numbers()
    page, is_restarted = page_from(request, BY_EMAIL, members_like(text))
    context |= {
        "tab": "settings",
        "text": text,
        "numbers": numbers,
        "offers_search": bool(text) or numbers.member_count > PAGE_SIZE,
        "rows": member_rows(page.rows, numbers),
        "next_cursor": page.next,
        "is_restarted": is_restarted,
        "invitation_count": open_invitations().count() if is_manager else 0,
        "invitations": pending_invitations(text) if is_manager else [],
        "roles": Role.choices,
        "is_manager": is_manager,
    }
    return render(request, "settings/members.html", context, status=status)


def _tokens(request: OrganizationRequest, status: int = 200, **context: Any) -> HttpResponse:
    found = api_tokens_of(request.user)
    page, is_restarted = page_from(request, NEWEST_FIRST, found)
    context |= {
        "tab": "settings_tokens",
        "tokens": page.rows,
        "token_count": found.count(),
        "next_cursor": page.next,
        "is_restarted": is_restarted,
    }
    return render(request, "settings/tokens.html", context, status=status)


def searched(request: OrganizationRequest) -> str:
    """What a list is searched for."""
    return request.GET.get("q", "").replace("\x00", "").strip()[:MAX_TEXT]


def page_from(request: OrganizationRequest, order: Keyset, found: QuerySet[Any]) -> tuple[Page, bool]:
    """The page that the URL asks for; the first one, and True, when its cursor is not one of this list or nothing is
    left behind it.
    """

    def read(cursor: str | None) -> Page:
        return order.page(found, cursor=cursor, limit=PAGE_SIZE)

    cursor = request.GET.get("cursor")
    page, is_restarted = page_or_first(read, cursor)
    if page.rows or is_restarted or not cursor:
        return page, is_restarted
    return read(None), True


def back_to(request: OrganizationRequest, name: str, *more: Any) -> HttpResponseRedirect:
    """To a page of settings; to the same place in its list when the deed was done there."""
    url = reverse(name, args=[request.organization.slug, *more])
    try:
        origin = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "")
    except ValueError:  # whoever calls may write anything there
        return HttpResponseRedirect(url)
    return HttpResponseRedirect(f"{url}?{origin.query}" if origin.query and origin.path == url else url)


def refused(request: OrganizationRequest, error: PlumblineError, name: str, *more: Any) -> HttpResponse:
    """Back to the page with the reason, which also reaches htmx; what is not there stays a 404."""
    if error.status == 404:
        raise error
    messages.error(request, error.detail)
    return back_to(request, name, *more)
