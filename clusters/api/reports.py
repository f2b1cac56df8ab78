"""The agents' API: a report in, a receipt out."""

import logging
from contextlib import ExitStack
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from structlog.contextvars import bind_contextvars

from clusters.models import AgentToken, ReportStatus
from clusters.services.backlogs import refuse_over_backlog
from clusters.services.intake import Receipt, accept_report, receipt_of
from clusters.services.intake.bodies import Limits, Readable, receive_body
from clusters.services.intake.days import note_refusal
from clusters.services.intake.receipts import INCOMPLETE
from clusters.services.throttling import count_request
from common.clock import now
from common.errors import PlumblineError
from common.metrics import REPORT_BYTES, REPORTS_REFUSED
from organizations.scope import organization_scope

from .authentication import AgentTokenAuthentication

logger = logging.getLogger(__name__)

RECEIPT_STATUSES = [*ReportStatus.choices, (INCOMPLETE, "Incomplete")]


class LengthRequired(PlumblineError):
    status = 411
    code = "length_required"


class LinksSerializer(serializers.Serializer):
    self = serializers.URLField(help_text="Where the state of this report can be asked for.")


class ReceiptSerializer(serializers.Serializer):
    """What a sender is told of its report."""

    id = serializers.UUIDField(allow_null=True, help_text="The server's id of the report; null while parts lack.")
    report_id = serializers.UUIDField(help_text="The sender's own id.")
    status = serializers.ChoiceField(choices=RECEIPT_STATUSES)
    received_at = serializers.DateTimeField()
    scanned_at = serializers.DateTimeField()
    processed_at = serializers.DateTimeField(allow_null=True)
    opened_count = serializers.IntegerField(help_text="Violations it opened or reopened.")
    resolved_count = serializers.IntegerField(help_text="Violations it resolved.")
    error = serializers.CharField(allow_blank=True, help_text="Why it was parked; empty otherwise.")
    clock_skew_seconds = serializers.FloatField(
        allow_null=True, help_text="By how much the sender's clock is ahead of ours, if that is known."
    )
    part_count = serializers.IntegerField(help_text="Parts that are in.")
    missing = serializers.ListField(
        child=serializers.IntegerField(), help_text="Numbers of parts that are not, once the closing part is."
    )
    known_count = serializers.IntegerField(help_text="Resources named by their digest alone.")
    unknown_count = serializers.IntegerField(help_text="Those of them whose digest is not ours, once it is processed.")
    unknown = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(allow_blank=True)),
        help_text="Their group, kind, namespace and name; at most 1,000 of them.",
    )
    wanted = serializers.ChoiceField(
        choices=[("", "Nothing"), ("resources", "Those of `unknown` in full"), ("snapshot", "A complete snapshot")],
        allow_blank=True,
        help_text="What the sender should send next.",
    )
    links = LinksSerializer()


ERRORS = {
    400: OpenApiResponse(OpenApiTypes.OBJECT, "The body cannot be read: cut short, corrupt, not JSON."),
    401: OpenApiResponse(OpenApiTypes.OBJECT, "No token, an unknown one, or a revoked one."),
    409: OpenApiResponse(OpenApiTypes.OBJECT, "The id, part or sequence number was used for another report."),
    413: OpenApiResponse(OpenApiTypes.OBJECT, "Over the limit, as sent or once expanded."),
    415: OpenApiResponse(OpenApiTypes.OBJECT, "A Content-Encoding other than identity, gzip or zstd."),
    422: OpenApiResponse(OpenApiTypes.OBJECT, "JSON, but not a report that can be merged; see fields."),
    429: OpenApiResponse(
        OpenApiTypes.OBJECT, "Too many requests, or too many reports of the cluster waiting; see Retry-After."
    ),
    503: OpenApiResponse(OpenApiTypes.OBJECT, "Too many reports waiting on the whole server; see Retry-After."),
}


class AgentAPIView(APIView):
    """Runs in the scope of the organization whose cluster the token belongs to."""

    authentication_classes = (AgentTokenAuthentication,)
    permission_classes = ()
    parser_classes = ()

    cluster_id: UUID
    organization_id: UUID | None = None  # until the token is known
    arrived_at: datetime
    _scope: ExitStack

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.arrived_at = now()
        with ExitStack() as self._scope:
            response = super().dispatch(request, *args, **kwargs)
            return response.render() if hasattr(response, "render") else response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        token = request.auth
        if not isinstance(token, AgentToken):
            raise TypeError("The agents' API is for agents only.")
        self.cluster_id, self.organization_id = token.cluster_id, token.organization_id
        bind_contextvars(organization_id=str(token.organization_id), cluster_id=str(token.cluster_id))
        count_request(token.cluster_id)
        self._scope.enter_context(organization_scope(token.organization_id))

    def handle_exception(self, error: Exception) -> Response:
        response = super().handle_exception(error)
        if response.status_code == 401:
            response["WWW-Authenticate"] = AgentTokenAuthentication.CHALLENGE
        return response


class RefusalsCountedView(AgentAPIView):
    """Takes reports in: what it refuses is counted, and shown to the cluster's owner."""

    def handle_exception(self, error: Exception) -> Response:
        """Count what is refused, and keep it for the cluster's owner where the cluster is known."""
        code, detail = (error.code, error.detail) if isinstance(error, PlumblineError) else ("server_error", "")
        if self.request.method == "POST":
            REPORTS_REFUSED.labels(code).inc()
            if self.organization_id is not None:
                note_refusal(
                    organization_id=self.organization_id, cluster_id=self.cluster_id, code=code, detail=detail
                )
            logger.info("Report refused: %s", detail or type(error).__name__, extra={"code": code})
        return super().handle_exception(error)

    def clock_skew(self, request: Request) -> float | None:
        """Seconds by which the sender's clock is ahead, by its Date header; None when it sent none that can be read."""
        try:
            sent_at = parsedate_to_datetime(request.headers.get("Date", ""))
        except ValueError:
            return None
        return (sent_at - self.arrived_at).total_seconds() if sent_at.tzinfo else None


class ReportListView(RefusalsCountedView):
    @extend_schema(
        operation_id="agent_report_create",
        summary="Post a report",
        description="The body follows plumbline/schemas/report-v1.json (docs/report-protocol.md). "
        "202 means that the report is committed; posting it again gives the first receipt.",
        request={"application/json": OpenApiTypes.OBJECT},
        responses={202: ReceiptSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        refuse_over_backlog(self.cluster_id)
        wire = Counted(request.META["wsgi.input"])
        body = receive_body(
            wire,
            encoding=request.headers.get("Content-Encoding", ""),
            content_length=content_length(request),
            limits=Limits(settings.REPORT_MAX_COMPRESSED_BYTES, settings.REPORT_MAX_EXPANDED_BYTES),
        )
        REPORT_BYTES.labels("sent").inc(wire.count)
        try:
            receipt = accept_report(cluster_id=self.cluster_id, body=body, clock_skew=self.clock_skew(request))
        finally:
            REPORT_BYTES.labels("expanded").inc(body.expanded)
        return _answer(request, receipt, status=202)


class ReportView(AgentAPIView):
    @extend_schema(
        operation_id="agent_report_retrieve",
        summary="What became of a report",
        responses={200: ReceiptSerializer, 401: ERRORS[401], 404: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, report_id: UUID) -> Response:
        return _answer(request, receipt_of(cluster_id=self.cluster_id, report_id=report_id), status=200)


def _answer(request: Request, receipt: Receipt, *, status: int) -> Response:
    where = reverse("agent_report", kwargs={"report_id": receipt.report_id})
    data = {name: getattr(receipt, name) for name in ReceiptSerializer._declared_fields if name != "links"}
    data["links"] = {"self": request.build_absolute_uri(where)}
    return Response(ReceiptSerializer(data).data, status=status)


def content_length(request: Request) -> int | None:
    """The length announced, or None for a chunked body that the server reads to its end."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    if announced.isdecimal() and len(announced) < 20:
        return int(announced)
    if request.META.get("wsgi.input_terminated"):
        return None
    raise LengthRequired("Send a Content-Length, or Transfer-Encoding: chunked.")


class Counted:
    """The stream under Django's own, which would end a chunked body before its first byte; counts what is read."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int, /) -> bytes:
        piece = self._stream.read(size)
        self.count += len(piece)
        return piece
