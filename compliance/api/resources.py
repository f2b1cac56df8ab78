"""Resources to read, with the verdict of each policy on them."""

from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import PlumblineError
from compliance.selectors.directory import Directory
from compliance.selectors.filters import SCOPE_PARAMETERS, strict_filters
from compliance.selectors.workloads import ORDERINGS, resource_detail, resource_page, verdicts
from organizations.api.views import OrganizationAPIView

from .documentation import operation, page_of
from .pagination import (
    LIST_PARAMETERS,
    cursor_of,
    limit_of,
    ordering_of,
    page_response,
    refuse_unknown,
)
from .serializers import ResourceDetailSerializer, ResourceSerializer

MAX_KIND_LENGTH = 63


class ResourceList(OrganizationAPIView):
    accepted = (
        *SCOPE_PARAMETERS,
        "severity",
        "policy",
        "standard",
        "category",
        "q",
        "kind",
        "ordering",
        *LIST_PARAMETERS,
    )

    @operation(
        "resources_list",
        summary="Resources that exist today; filters on violations keep those that have such an open one",
        tag="resources",
        answers=page_of(ResourceSerializer),
        parameters=accepted,
    )
    def get(self, request: Request, slug: str) -> Response:
        refuse_unknown(request, self.accepted)
        page = resource_page(
            strict_filters(request.query_params, Directory(request.user)),
            kinds=_kinds(request),
            order=ORDERINGS[ordering_of(request, ORDERINGS, "worst")],
            cursor=cursor_of(request),
            limit=limit_of(request),
        )
        return page_response(request, page, ResourceSerializer(page.rows, many=True).data)


class ResourceDetail(OrganizationAPIView):
    @operation(
        "resources_read",
        summary="One resource with its manifest and verdicts, also when it is gone",
        tag="resources",
        answers=ResourceDetailSerializer,
    )
    def get(self, request: Request, slug: str, resource_id: int) -> Response:
        resource = resource_detail(resource_id)
        resource.verdicts = verdicts(resource, Directory(request.user))
        return Response(ResourceDetailSerializer(resource).data)


def _kinds(request: Request) -> tuple[str, ...]:
    kind = request.query_params.get("kind", "")
    if len(kind) > MAX_KIND_LENGTH or (kind and not kind.isalnum()):
        raise PlumblineError("The kind cannot be used.", fields={"kind": "A Kubernetes kind, as Deployment."})
    return (kind,) if kind else ()
