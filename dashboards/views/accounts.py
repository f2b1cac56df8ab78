"""Signing in and out, passwords, one's own account, and taking up an invitation."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from kombu.exceptions import OperationalError

from common.clock import now
from common.errors import PlumblineError, TooManyRequests
from common.network import client_network
from dashboards.access import LAST_ORGANIZATION, safe_path, signed_in_view
from organizations.models import User
from organizations.selectors.memberships import memberships_of
from organizations.services.invitations import accept_as_new_user, accept_invitation, find_invitation
from organizations.services.sign_in import (
    DEVICE_COOKIE_AGE,
    Visitor,
    allow_password_reset,
    device_cookie,
    sign_in,
)
from organizations.services.users import rename_user, set_password, user_by_email, user_of_password_link
from organizations.tasks import send_password_link_task

DEVICE_COOKIE = "plumbline_device"
_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@signed_in_view
def home_view(request: HttpRequest) -> HttpResponse:
    """To the organization last seen, or the first by name; without any, to a page that says what to do."""
    slugs = [membership.organization.slug for membership in memberships_of(request.user)]
    if not slugs:
        return render(request, "accounts/no_organization.html")
    last = request.session.get(LAST_ORGANIZATION)
    return redirect("fix", slug=last if last in slugs else slugs[0])


@_form
@sensitive_post_parameters("password")
def sign_in_view(request: HttpRequest) -> HttpResponse:
    target = safe_path(request, request.POST.get("next") or request.GET.get("next", ""))
    if request.user.is_authenticated:
        return redirect(target)
    context: dict[str, Any] = {"next": target, "email": request.POST.get("email", "")}
    if request.method != "POST":
        return render(request, "accounts/sign_in.html", context)
    try:
        user = sign_in(
            email=context["email"][:254],
            password=request.POST.get("password", "")[:1024],
            visitor=_visitor(request),
        )
    except TooManyRequests as error:
        return _too_many(request, "accounts/sign_in.html", context, error)
    if user is None:
        context["error"] = "That e-mail address and password do not belong together."
        return render(request, "accounts/sign_in.html", context, status=400)
    return _signed_in(request, user, target)


@require_POST
def sign_out_view(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign_in")


@_form
def password_reset_view(request: HttpRequest) -> HttpResponse:
    """Asks for a link; answers the same, and as fast, whether or not there is such an account."""
    if request.method != "POST":
        return render(request, "accounts/password_reset.html")
    email = request.POST.get("email", "").strip()[:254]
    if "@" not in email:
        context = {"email": email, "error": "Give the e-mail address that you sign in with."}
        return render(request, "accounts/password_reset.html", context, status=400)
    try:
        allow_password_reset(email=email, visitor=_visitor(request))
    except TooManyRequests as error:
        return _too_many(request, "accounts/password_reset.html", {"email": email}, error)
    try:
        send_password_link_task.delay(email)
    except OperationalError:
        context = {"email": email, "error": "Mail cannot be sent at the moment. Try again in a few minutes."}
        return render(request, "accounts/password_reset.html", context, status=503)
    context = {"email": email, "minutes": settings.PASSWORD_RESET_TIMEOUT // 60}
    return render(request, "accounts/password_reset_sent.html", context)


@_form
@sensitive_post_parameters()
def password_reset_confirm_view(request: HttpRequest, identity: str, token: str) -> HttpResponse:
    user = user_of_password_link(identity, token)
    if user is None:
        return render(request, "accounts/password_reset_dead.html", status=404)
    if request.method != "POST":
        return render(request, "accounts/password_reset_confirm.html", {"user_email": user.email})
    try:
        set_password(user=user, password=_new_password(request))
    except PlumblineError as error:
        context = {"user_email": user.email, "error": error.detail}
        return render(request, "accounts/password_reset_confirm.html", context, status=400)
    messages.success(request, "Your password is changed. Sign in with it; other sessions have ended.")
    return redirect("sign_in")


@_form
@sensitive_post_parameters("password", "password_again")
def invitation_view(request: HttpRequest, token: str) -> HttpResponse:
    """An offer of membership: join with the account invited, or make that account here."""
    offer = find_invitation(token)
    invited, user = offer.invitation.email, request.user
    context: dict[str, Any] = {
        "invitation": offer.invitation,
        "organization_name": offer.organization.name,
        "has_account": user_by_email(invited) is not None,
        "is_invited": user.is_authenticated and user.email.lower() == invited,
        "sign_in_url": f"{reverse('sign_in')}?next={request.path}",
        "name": request.POST.get("name", ""),
    }
    if request.method != "POST":
        return render(request, "accounts/invitation.html", context)
    try:
        if user.is_authenticated:
            organization = accept_invitation(secret=token, user=user)
        else:
            user, organization = accept_as_new_user(
                secret=token, name=context["name"], password=_new_password(request)
            )
    except PlumblineError as error:
        context["error"] = error.detail
        return render(request, "accounts/invitation.html", context, status=error.status)
    messages.success(request, f"You are now a member of {organization.name}.")
    target = reverse("fix", args=[organization.slug])
    return redirect(target) if request.user.is_authenticated else _signed_in(request, user, target)


@_form
@signed_in_view
def account_view(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        try:
            rename_user(user=request.user, name=request.POST.get("name", ""))
        except PlumblineError as error:
            return _account(request, name_error=error.detail, status=400)
        messages.success(request, "Your name is saved.")
        return redirect("account")
    return _account(request)


@require_POST
@sensitive_post_parameters()
@signed_in_view
def account_password_view(request: HttpRequest) -> HttpResponse:
    """Another password, given the present one. This session goes on; all others end."""
    user = request.user
    try:
        if not sign_in(
            email=user.email, password=request.POST.get("present", "")[:1024], visitor=_visitor(request)
        ):
            raise PlumblineError("Your present password is a different one.", fields={"present": "Wrong."})
        set_password(user=user, password=_new_password(request))
    except PlumblineError as error:
        return _account(request, password_error=error.detail, status=error.status)
    update_session_auth_hash(request, user)
    messages.success(request, "Your password is changed. Sessions on other devices have ended.")
    return redirect("account")


def _account(request: HttpRequest, status: int = 200, **context: Any) -> HttpResponse:
    context["memberships"] = memberships_of(request.user)
    return render(request, "accounts/account.html", context, status=status)


def _signed_in(request: HttpRequest, user: User, target: str) -> HttpResponse:
    """Begin a session under a new key, and let the browser be known as this user's."""
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    response = redirect(target)
    response.set_cookie(
        DEVICE_COOKIE,
        device_cookie(user),
        max_age=DEVICE_COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _visitor(request: HttpRequest) -> Visitor:
    return Visitor(network=client_network(request), device=request.COOKIES.get(DEVICE_COOKIE, ""))


def _new_password(request: HttpRequest) -> str:
    password = request.POST.get("password", "")
    if password != request.POST.get("password_again", ""):
        raise PlumblineError(
            "The two passwords are not the same.", fields={"password_again": "Not the same."}
        )
    if len(password) > 1024:
        raise PlumblineError("A password has at most 1,024 characters.", fields={"password": "Too long."})
    return password


def _too_many(
    request: HttpRequest, template: str, context: dict[str, Any], error: TooManyRequests
) -> HttpResponse:
    """The form again, with when it may be used again."""
    again = now() + timedelta(seconds=error.retry_after)
    minutes = -(-error.retry_after // 60)
    context["error"] = f"{error.detail} Try again in {minutes} min, at {again:%H:%M} UTC."
    response = render(request, template, context, status=429)
    response["Retry-After"] = str(error.retry_after)
    return response
