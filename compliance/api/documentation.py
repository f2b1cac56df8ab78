"""What the OpenAPI document says beyond the views themselves: parameters, envelopes, errors, credentials."""

from collections.abc import Callable, Iterable
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers

from clusters.models import Environment, ReportStatus
from compliance.selectors.filters import LIBRARY, OWN, SEVERITY_WORDS, STATUSES

from .pagination import DEFAULT_LIMIT, MAX_LIMIT


class ApiTokenScheme(OpenApiAuthenticationExtension):
    """How a program signs in: `Authorization: Bearer plb_…`."""

    target_class = "organizations.api.authentication.ApiTokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API token, plb_…; acts as its user."}


class AgentTokenScheme(OpenApiAuthenticationExtension):
    """How an agent signs its reports."""

    target_class = "clusters.api.authentication.AgentTokenAuthentication"
    name = "agentToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A cluster's own token, shown once."}


class ErrorSerializer(serializers.Serializer):
    """The one shape of every error."""

    detail = serializers.CharField(help_text="A sentence that says what to mend.")
    code = serializers.CharField(help_text="A stable word for programs.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.CharField(), help_text="Per input, what is wrong with it."
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        return {name: self._declared_fields[name] for name in ("detail", "code", "fields")}


def _parameter(name: str, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name=name, description=description, location=OpenApiParameter.QUERY, **more)


PARAMETERS = {
    "cluster": _parameter("cluster", "Name of a cluster; repeat for several.", many=True, type=str),
    "environment": _parameter("environment", "Of the cluster.", enum=Environment.values),
    "namespace": _parameter("namespace", "A namespace; `-` for what lies in none."),
    "team": _parameter("team", "Slug of a team, or `mine`."),
    "severity": _parameter("severity", "Repeat for several.", many=True, type=str, enum=list(SEVERITY_WORDS)),
    "policy": _parameter("policy", "Slug of a policy."),
    "standard": _parameter("standard", "Slug of a standard: its policies."),
    "category": _parameter("category", "Category of policies."),
    "origin": _parameter("origin", "Of the policy: the library, or the organization's own.", enum=[LIBRARY, OWN]),
    "q": _parameter("q", "Part of a name, of a resource or a policy."),
    "status": _parameter("status", "Of the violation; open when left out.", enum=STATUSES),
    "as_of": _parameter("as_of", "As it stood at the end of this day (UTC).", type=OpenApiTypes.DATE),
    "kind": _parameter("kind", "Kubernetes kind, such as Deployment."),
    "ordering": _parameter("ordering", "Order of the list."),
    "days": _parameter("days", "How many days, 1 to 730; 90 when left out.", type=OpenApiTypes.INT),
    "report_status": _parameter("report_status", "Of the report.", enum=ReportStatus.values),
    "cursor": _parameter("cursor", "From `next` or `previous` of an earlier page."),
    "limit": _parameter(
        "limit", f"Rows a page, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} when left out.", type=OpenApiTypes.INT
    ),
}

REFUSALS = {
    400: "A parameter or a field cannot be used: see fields.",
    401: "No credentials, or ones that are not valid.",
    403: "The role lacks the capability.",
    404: "No such thing in an organization of yours.",
}


def page_of(serializer: type[serializers.Serializer]) -> Any:
    """The envelope of a list, for the document."""
    name = serializer.__name__.removesuffix("Serializer")
    return inline_serializer(
        name=f"{name}Page",
        fields={
            "results": serializer(many=True),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
        },
    )


def operation(
    operation_id: str,
    *,
    summary: str,
    tag: str,
    answers: Any,
    parameters: Iterable[str] = (),
    request: Any = None,
    status: int = 200,
    also: Iterable[int] = (),
) -> Callable[..., Any]:
    """Document one method of a view. The errors that every view may give are added; `also` are further ones."""
    responses: dict[int, Any] = {status: answers}
    responses.update(dict.fromkeys((*REFUSALS, *also), ErrorSerializer))
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        tags=[tag],
        parameters=[PARAMETERS[name] for name in parameters],
        request=request,
        responses=responses,
    )
