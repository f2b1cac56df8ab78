"""The agents' API: a report in, a receipt out."""

from contextlib import ExitStack
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

from clusters.models import AgentToken, ReportStatus
from clusters.services.intake import Receipt, accept_report, receipt_of
from clusters.services.intake.bodies import Limits, Readable, read_body
from clusters.services.throttling import count_request
from common.errors import PlumblineError
from organizations.scope import organization_scope

from .authentication import AgentTokenAuthentication


class LengthRequired(PlumblineError):
    status = 411
    code = "length_required"


class LinksSerializer(serializers.Serializer):
    self = serializers.URLField(help_text="Where the state of this report can be asked for.")


class ReceiptSerializer(serializers.Serializer):
    """What a sender is told of its report."""

    id = serializers.UUIDField(help_text="The server's id of the report.")
    report_id = serializers.UUIDField(help_text="The sender's own id.")
    status = serializers.ChoiceField(choices=ReportStatus.choices)
    received_at = serializers.DateTimeField()
    scanned_at = serializers.DateTimeField()
    processed_at = serializers.DateTimeField(allow_null=True)
    opened_count = serializers.IntegerField(help_text="Violations it opened or reopened.")
    resolved_count = serializers.IntegerField(help_text="Violations it resolved.")
    error = serializers.CharField(allow_blank=True, help_text="Why it was parked; empty otherwise.")
    links = LinksSerializer()


ERRORS = {
    400: OpenApiResponse(OpenApiTypes.OBJECT, "The body cannot be read: cut short, corrupt, not JSON."),
    401: OpenApiResponse(OpenApiTypes.OBJECT, "No token, an unknown one, or a revoked one."),
    409: OpenApiResponse(OpenApiTypes.OBJECT, "The id was used for another report."),
    413: OpenApiResponse(OpenApiTypes.OBJECT, "Over the limit, as sent or once expanded."),
    415: OpenApiResponse(OpenApiTypes.OBJECT, "A Content-Encoding other than identity, gzip or zstd."),
    422: OpenApiResponse(OpenApiTypes.OBJECT, "JSON, but not a report that can be merged; see fields."),
    429: OpenApiResponse(OpenApiTypes.OBJECT, "Too many requests; see Retry-After."),
}


class AgentAPIView(APIView):
    """Runs in the scope of the organization whose cluster the token belongs to."""

    authentication_classes = (AgentTokenAuthentication,)
    permission_classes = ()
    parser_classes = ()

    cluster_id: UUID
    _scope: ExitStack

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self._scope:
            response = super().dispatch(request, *args, **kwargs)
            return response.render() if hasattr(response, "render") else response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        token = request.auth
        if not isinstance(token, AgentToken):
            raise TypeError("The agents' API is for agents only.")
        self.cluster_id = token.cluster_id
        count_request(token.cluster_id)
        self._scope.enter_context(organization_scope(token.organization_id))

    def handle_exception(self, error: Exception) -> Response:
        response = super().handle_exception(error)
        if response.status_code == 401:
            response["WWW-Authenticate"] = AgentTokenAuthentication.CHALLENGE
        return response


class ReportListView(AgentAPIView):
    @extend_schema(
        operation_id="agent_report_create",
        summary="Post a report",
        description="The body follows plumbline/schemas/report-v1.json (docs/report-protocol.md). "
        "202 means that the report is committed; posting it again gives the first receipt.",
        request={"application/json": OpenApiTypes.OBJECT},
        responses={202: ReceiptSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        body = read_body(
            _wire(request),
            encoding=request.headers.get("Content-Encoding", ""),
            content_length=_content_length(request),
            limits=Limits(settings.REPORT_MAX_COMPRESSED_BYTES, settings.REPORT_MAX_EXPANDED_BYTES),
        )
        return _answer(request, accept_report(cluster_id=self.cluster_id, body=body), status=202)


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


def _content_length(request: Request) -> int | None:
    """The length announced, or None for a chunked body that the server reads to its end."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    if announced.isdecimal() and len(announced) < 20:
        return int(announced)
    if request.META.get("wsgi.input_terminated"):
        return None
    raise LengthRequired("Send a Content-Length, or Transfer-Encoding: chunked.")


def _wire(request: Request) -> Readable:
    """The stream under Django's own, which would end a chunked body before its first byte."""
    stream: Readable = request.META["wsgi.input"]
    return stream
