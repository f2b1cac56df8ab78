"""The base of every API view under `/api/v1/organizations/<slug:slug>/…`."""

from contextlib import ExitStack
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView
from structlog.contextvars import bind_contextvars

from organizations.api.throttling import CallerThrottle
from organizations.models import ApiToken, Membership, Organization
from organizations.permissions import Capability, can
from organizations.scope import organization_scope, streamed_in_scope
from organizations.selectors.memberships import membership_in


class OrganizationAPIView(APIView):
    """Runs in the organization's scope, for its members only; handlers are called without the slug.

    `needs` is one capability for all methods, or one per method name. No credentials: 401; not a member, a
    wrong slug, or a token of another organization: 404; the capability lacking: 403. Handlers get
    the slug as usual, and find `self.organization` and `self.membership`.
    """

    needs: ClassVar[Capability | dict[str, Capability]] = Capability.VIEW
    throttle_classes = (CallerThrottle,)

    organization: Organization
    membership: Membership
    _scope: ExitStack

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self._scope:
            response = super().dispatch(request, *args, **kwargs)
            if isinstance(response, StreamingHttpResponse):
                content: Any = response.streaming_content
                response.streaming_content = streamed_in_scope(content, self.organization.pk)
                return response
            # Rendered here, while the scope is open, and not by Django after it has closed.
            return response.render() if hasattr(response, "render") else response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        slug = kwargs.get("slug") or ""
        membership = membership_in(request.user, slug)
        token = request.auth
        if membership is None or (
            isinstance(token, ApiToken) and token.organization_id != membership.organization_id
        ):
            raise Http404
        self.organization, self.membership = membership.organization, membership
        bind_contextvars(user_id=str(request.user.pk), organization_id=str(membership.organization_id))
        capability = self._needed(request)
        if not can(membership.role, capability):
            raise PermissionDenied(
                f"Your role, {membership.get_role_display()}, lacks the capability {capability.value}."
            )
        self._scope.enter_context(organization_scope(membership.organization_id))

    def _needed(self, request: Request) -> Capability:
        if isinstance(self.needs, Capability):
            return self.needs
        method = {"HEAD": "GET"}.get(request.method or "", request.method or "")
        if method in self.needs:
            return self.needs[method]
        if method == "OPTIONS" or not hasattr(self, method.lower()):
            return Capability.VIEW  # answered with 405 by the framework
        raise ImproperlyConfigured(f"{type(self).__name__} says no capability for {method}.")
