"""Reports to follow: what became of each, and another try for those that are parked."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.models import Report, ReportStatus
from common.errors import NotFound, PlumblineError
from compliance.selectors.directory import Directory
from compliance.selectors.filters import strict_filters, within
from compliance.selectors.keyset import Keyset
from compliance.services.dismissals import dismiss_report
from compliance.services.retries import retry_report
from organizations.api.views import OrganizationAPIView
from organizations.permissions import Capability

from .documentation import operation, page_of
from .pagination import LIST_PARAMETERS, cursor_of, limit_of, page_response, refuse_unknown
from .serializers import ReportSerializer

NEWEST_FIRST = Keyset((("-received_at", datetime), ("-id", UUID)))


def _reports() -> QuerySet[Report]:
    return Report.objects.select_related("cluster").defer("body")


class ReportList(OrganizationAPIView):
    accepted = ("cluster", "environment", "report_status", *LIST_PARAMETERS)

    @operation(
        "reports_list",
        summary="Reports, the newest first",
        tag="reports",
        answers=page_of(ReportSerializer),
        parameters=accepted,
    )
    def get(self, request: Request, slug: str) -> Response:
        refuse_unknown(request, self.accepted)
        filters = strict_filters(request.query_params, Directory(request.user))
        found = _reports().filter(within(filters))
        if status := _status(request):
            found = found.filter(status=status)
        page = NEWEST_FIRST.page(found, cursor=cursor_of(request), limit=limit_of(request))
        return page_response(request, page, ReportSerializer(page.rows, many=True).data)


class ReportDetail(OrganizationAPIView):
    @operation("reports_read", summary="One report", tag="reports", answers=ReportSerializer)
    def get(self, request: Request, slug: str, report_id: UUID) -> Response:
        found = _reports().filter(pk=report_id).first()
        if found is None:
            raise NotFound("There is no such report.")
        return Response(ReportSerializer(found).data)


class ReportRetry(OrganizationAPIView):
    needs = {"POST": Capability.RETRY_REPORTS}

    @operation(
        "reports_retry",
        summary="Try a parked report again; 409 for any other",
        tag="reports",
        answers=ReportSerializer,
        status=202,
    )
    def post(self, request: Request, slug: str, report_id: UUID) -> Response:
        report = retry_report(report_id=report_id, actor=request.user)
        return Response(ReportSerializer(report).data, status=202)


class ReportDismissal(OrganizationAPIView):
    needs = {"POST": Capability.RETRY_REPORTS}

    @operation(
        "reports_dismiss",
        summary="Give a parked report up: its body is dropped for good; 409 for any other",
        tag="reports",
        answers=ReportSerializer,
    )
    def post(self, request: Request, slug: str, report_id: UUID) -> Response:
        report = dismiss_report(report_id=report_id, actor=request.user)
        return Response(ReportSerializer(report).data)


def _status(request: Request) -> str:
    status = request.query_params.get("report_status", "")
    if status and status not in ReportStatus.values:
        sentence = f"One of {', '.join(ReportStatus.values)}."
        raise PlumblineError("No report has such a status.", fields={"report_status": sentence})
    return status
