"""Violations to read: the list that the fix page shows, and one with its life and its fix."""

from rest_framework.request import Request
from rest_framework.response import Response

from compliance.selectors.directory import Directory
from compliance.selectors.filters import PARAMETERS, strict_filters
from compliance.selectors.fixes import violation_diff
from compliance.selectors.violations import violation_detail, violation_page
from organizations.api.views import OrganizationAPIView

from .documentation import operation, page_of
from .pagination import LIST_PARAMETERS, cursor_of, limit_of, page_response, refuse_unknown
from .serializers import ViolationDetailSerializer, ViolationSerializer


class ViolationList(OrganizationAPIView):
    accepted = (*PARAMETERS, *LIST_PARAMETERS)

    @operation(
        "violations_list",
        summary="Violations, worst first, newest first among equals",
        tag="violations",
        answers=page_of(ViolationSerializer),
        parameters=accepted,
    )
    def get(self, request: Request, slug: str) -> Response:
        refuse_unknown(request, self.accepted)
        filters = strict_filters(request.query_params, Directory(request.user))
        page = violation_page(filters, cursor=cursor_of(request), limit=limit_of(request))
        return page_response(request, page, ViolationSerializer(page.rows, many=True).data)


class ViolationDetail(OrganizationAPIView):
    @operation(
        "violations_read",
        summary="One violation: its intervals, the fix and its diff",
        tag="violations",
        answers=ViolationDetailSerializer,
    )
    def get(self, request: Request, slug: str, violation_id: int) -> Response:
        violation = violation_detail(violation_id)
        spec = violation.policy.document.get("spec", {})
        violation.why, violation.guidance = spec.get("why", ""), spec.get("guidance", "")
        violation.diff = violation_diff(violation)
        violation.intervals_in_order = sorted(violation.intervals.all(), key=lambda i: i.opened_at)
        return Response(ViolationDetailSerializer(violation).data)
