"""Policies, the library's and one's own, and standards to read, with what they found in view."""

from rest_framework.request import Request
from rest_framework.response import Response

from compliance.selectors.directory import Directory
from compliance.selectors.filters import SCOPE_PARAMETERS, strict_filters
from compliance.selectors.policies import policy_row, policy_rows
from compliance.selectors.standards import StandardRow, standard_row, standard_rows
from organizations.api.views import OrganizationAPIView

from .documentation import operation, page_of
from .library_serializers import (
    PolicyDetailSerializer,
    PolicySerializer,
    StandardDetailSerializer,
    StandardSerializer,
)
from .pagination import LIST_PARAMETERS, cursor_of, limit_of, page_response, refuse_unknown, slice_page


class PolicyList(OrganizationAPIView):
    accepted = (*SCOPE_PARAMETERS, "severity", "standard", "category", "origin", "q", "as_of", *LIST_PARAMETERS)

    @operation(
        "policies_list",
        summary="Policies by slug, with verdicts per resource",
        tag="policies",
        answers=page_of(PolicySerializer),
        parameters=accepted,
    )
    def get(self, request: Request, slug: str) -> Response:
        refuse_unknown(request, self.accepted)
        directory = Directory(request.user)
        rows = policy_rows(strict_filters(request.query_params, directory), directory)
        rows.sort(key=lambda row: row.policy.slug)
        page = slice_page(
            rows, key=lambda row: row.policy.slug, cursor=cursor_of(request), limit=limit_of(request)
        )
        return page_response(request, page, PolicySerializer(page.rows, many=True).data)


class PolicyDetail(OrganizationAPIView):
    accepted = SCOPE_PARAMETERS

    @operation(
        "policies_read",
        summary="One policy as written, with its verdicts in view",
        tag="policies",
        answers=PolicyDetailSerializer,
        parameters=accepted,
    )
    def get(self, request: Request, slug: str, policy: str) -> Response:
        refuse_unknown(request, self.accepted)
        directory = Directory(request.user)
        filters = strict_filters(request.query_params, directory)
        return Response(PolicyDetailSerializer(policy_row(policy, filters)).data)


class StandardList(OrganizationAPIView):
    accepted = (*SCOPE_PARAMETERS, "as_of", *LIST_PARAMETERS)

    @operation(
        "standards_list",
        summary="Standards by slug, with their posture and controls counted",
        tag="standards",
        answers=page_of(StandardSerializer),
        parameters=accepted,
    )
    def get(self, request: Request, slug: str) -> Response:
        refuse_unknown(request, self.accepted)
        directory = Directory(request.user)
        rows = standard_rows(strict_filters(request.query_params, directory), directory)
        rows.sort(key=_standard_slug)
        page = slice_page(rows, key=_standard_slug, cursor=cursor_of(request), limit=limit_of(request))
        return page_response(request, page, StandardSerializer(page.rows, many=True).data)


class StandardDetail(OrganizationAPIView):
    accepted = (*SCOPE_PARAMETERS, "as_of")

    @operation(
        "standards_read",
        summary="One standard, control by control",
        tag="standards",
        answers=StandardDetailSerializer,
        parameters=accepted,
    )
    def get(self, request: Request, slug: str, standard: str) -> Response:
        refuse_unknown(request, self.accepted)
        directory = Directory(request.user)
        row = standard_row(standard, strict_filters(request.query_params, directory), directory)
        return Response(StandardDetailSerializer(row).data)


def _standard_slug(row: StandardRow) -> str:
    return row.standard.slug
