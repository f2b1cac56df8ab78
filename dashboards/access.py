"""The one way into an organization's pages: who asks, whether he belongs, what he may do, and the scope."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect
from structlog.contextvars import bind_contextvars

from organizations.models import Membership, Organization, User
from organizations.permissions import Capability, can
from organizations.scope import organization_scope, streamed_in_scope
from organizations.selectors.memberships import membership_in

LAST_ORGANIZATION = "organization"  # in the session: where `/` leads to


class OrganizationRequest(HttpRequest):
    """What a view behind `organization_view` gets: its user is a member of its organization."""

    user: User
    organization: Organization
    membership: Membership


class View(Protocol):
    def __call__(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase: ...


def organization_view(needs: Capability = Capability.VIEW) -> Callable[[View], View]:
    """Wrap a view of `/o/<slug:slug>/…`; the view itself is called without the slug.

    Anonymous visitors are sent to sign in and come back; strangers and wrong slugs get 404; members
    without the capability get 403. The view and its template run in the organization's scope.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: OrganizationRequest, *args: Any, slug: str, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_sign_in(request)
            membership = membership_in(request.user, slug)
            if membership is None:
                raise Http404("No such organization, or you are not a member of it.")
            request.organization, request.membership = membership.organization, membership
            bind_contextvars(user_id=str(request.user.pk), organization_id=str(membership.organization_id))
            if not can(membership.role, needs):
                raise PermissionDenied(f"Your role, {membership.get_role_display()}, does not include this.")
            if request.session.get(LAST_ORGANIZATION) != slug:
                request.session[LAST_ORGANIZATION] = slug
            with organization_scope(membership.organization_id):
                return _finished(view(request, *args, **kwargs), membership.organization_id)

        wrapped.needs = needs  # type: ignore[attr-defined]
        return wrapped

    return decorate


def signed_in_view(view: View) -> View:
    """Wrap a view outside any organization that needs somebody signed in."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if request.user.is_authenticated else to_sign_in(request)

    return wrapped


def to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Off to sign in and back again; an htmx request takes the whole page there, not just its fragment."""
    if request.headers.get("HX-Request"):
        page = redirect_to_login(safe_path(request, request.headers.get("HX-Current-URL", "")))
        return HttpResponseClientRedirect(page.url)
    # What was posted cannot be replayed.
    return redirect_to_login(request.get_full_path() if request.method in {"GET", "HEAD"} else "/")


def safe_path(request: HttpRequest, url: str) -> str:
    """`url` if it leads to a place of ours, else `/`: nobody is sent elsewhere by a link to the sign-in."""
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_ours else "/"


def _finished(response: HttpResponseBase, organization_id: UUID) -> HttpResponseBase:
    """A response whose queries have all been made, or will be made in scope when it streams."""
    if isinstance(response, StreamingHttpResponse):
        content: Any = response.streaming_content
        response.streaming_content = streamed_in_scope(content, organization_id)
    elif hasattr(response, "render") and callable(response.render):
        response = response.render()
    return response

