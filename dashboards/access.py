"""The one way into an organization's pages: who asks, whether he belongs, what he may do, and the scope."""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, Protocol
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse

from organizations.models import Membership, Organization, User
from organizations.permissions import Capability, can
from organizations.scope import organization_scope
from organizations.selectors.memberships import membership_in


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
                return redirect_to_login(_return_path(request))
            membership = membership_in(request.user, slug)
            if membership is None:
                raise Http404("No such organization, or you are not a member of it.")
            request.organization, request.membership = membership.organization, membership
            if not can(membership.role, needs):
                raise PermissionDenied(f"Your role, {membership.get_role_display()}, does not include this.")
            with organization_scope(membership.organization_id):
                return _finished(view(request, *args, **kwargs), membership.organization_id)

        wrapped.needs = needs  # type: ignore[attr-defined]
        return wrapped

    return decorate


def _return_path(request: HttpRequest) -> str:
    """Where to come back to: a form that was posted cannot be replayed, so its page is the better place."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    return "/"


def _finished(response: HttpResponseBase, organization_id: UUID) -> HttpResponseBase:
    """A response whose queries have all been made, or will be made in scope when it streams."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = _in_scope(response.streaming_content, organization_id)  # type: ignore[arg-type]
    elif hasattr(response, "render") and callable(response.render):
        response = response.render()
    return response


def _in_scope(parts: Iterable[bytes], organization_id: UUID) -> Iterator[bytes]:
    with organization_scope(organization_id):
        yield from parts
