"""The agents' API for results of other engines: their own documents in, a receipt for each engine out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.reports import ERRORS, Counted, ReceiptSerializer, RefusalsCountedView, content_length
from clusters.services.backlogs import refuse_over_backlog
from clusters.services.intake.bodies import Limits, read_body
from common.errors import PlumblineError
from common.metrics import REPORT_BYTES
from compliance.services.engines.reports import ResultsOutcome, accept_results, accept_sarif


class EngineReceiptSerializer(ReceiptSerializer):
    """What a sender is told of one engine's results."""

    engine = serializers.CharField(help_text="The engine, as it leads the ids of its policies.")
    resource_count = serializers.IntegerField(help_text="Objects, after those of one owner were folded.")
    result_count = serializers.IntegerField(help_text="Results in the documents.")
    missing_count = serializers.IntegerField(help_text="Results that the engine has, and did not list.")


class EngineReceiptsSerializer(serializers.Serializer):
    reports = EngineReceiptSerializer(many=True)
    ignored = serializers.ListField(child=serializers.CharField(), help_text="Documents that hold no results.")


_PARAMETERS = [
    OpenApiParameter("source", str, description="The engine of reports that name none."),
    OpenApiParameter(
        "complete", bool, description="The documents are all that their engines say of the cluster."
    ),
    OpenApiParameter("scanned_at", OpenApiTypes.DATETIME, description="When they were read; now, if not given."),
    OpenApiParameter(
        "Idempotency-Key", OpenApiTypes.UUID, OpenApiParameter.HEADER,
        description="The same body under the same key gets the first receipts again.",
    ),
]  # fmt: skip


class PolicyReportsView(RefusalsCountedView):
    @extend_schema(
        operation_id="agent_policy_reports_create",
        summary="Post results of other engines",
        description="PolicyReports, OpenReports or audited Gatekeeper constraints, as YAML or JSON, alone or in Lists: "
        "what `kubectl get polr -A -o yaml` prints (docs/other-engines.md). 202 means that they are committed.",
        parameters=_PARAMETERS,
        request={"application/yaml": OpenApiTypes.STR, "application/json": OpenApiTypes.OBJECT},
        responses={202: EngineReceiptsSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        refuse_over_backlog(self.cluster_id)
        body = body_of(request)
        outcome = accept_results(
            cluster_id=self.cluster_id,
            body=body,
            report_id=idempotency_key(request),
            scanned_at=instant_of(request),
            source=request.query_params.get("source", "")[:100],
            is_complete=flag_of(request, "complete"),
            clock_skew=self.clock_skew(request),
        )
        return answer(request, outcome)


class SarifView(RefusalsCountedView):
    @extend_schema(
        operation_id="agent_sarif_create",
        summary="Post a scanner's SARIF log",
        description="SARIF 2.1.0 of any scanner (docs/other-engines.md): rules become policies, results violations of "
        "the files that they lie in. 202 means that they are committed.",
        parameters=[
            OpenApiParameter("context", str, description="Whose files they are: a repository, say."),
            OpenApiParameter(
                "complete", bool, description="Every failure of the log's rules in the context is listed."
            ),
            *_PARAMETERS[2:],
        ],
        request={"application/sarif+json": OpenApiTypes.OBJECT, "application/json": OpenApiTypes.OBJECT},
        responses={202: EngineReceiptsSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        refuse_over_backlog(self.cluster_id)
        context = request.query_params.get("context", "")
        if len(context.encode()) > 253 or not context.isprintable():
            raise PlumblineError("The context is a name of at most 253 bytes.", fields={"context": "A shorter name."})
        outcome = accept_sarif(
            cluster_id=self.cluster_id,
            body=body_of(request),
            report_id=idempotency_key(request),
            scanned_at=instant_of(request),
            context=context,
            is_complete=flag_of(request, "complete"),
            clock_skew=self.clock_skew(request),
        )
        return answer(request, outcome)


def body_of(request: Request) -> bytes:
    """The expanded body, within the limits of reports."""
    wire = Counted(request.META["wsgi.input"])
    body = read_body(
        wire,
        encoding=request.headers.get("Content-Encoding", ""),
        content_length=content_length(request),
        limits=Limits(settings.REPORT_MAX_COMPRESSED_BYTES, settings.RESULTS_MAX_EXPANDED_BYTES),
    )
    REPORT_BYTES.labels("sent").inc(wire.count)
    REPORT_BYTES.labels("expanded").inc(len(body))
    return body


def idempotency_key(request: Request) -> UUID | None:
    given = request.headers.get("Idempotency-Key", "")
    try:
        return UUID(given) if given else None
    except ValueError as error:
        raise PlumblineError(
            "The Idempotency-Key is not a UUID.", fields={"Idempotency-Key": "A UUID of your choice."}
        ) from error


def instant_of(request: Request) -> datetime | None:
    """The query's scanned_at. Raises PlumblineError; what instants may be is judged with the report."""
    given = request.query_params.get("scanned_at", "")
    try:
        instant = datetime.fromisoformat(given.replace(" ", "+")) if given else None
    except ValueError:
        instant = None
    if given and (instant is None or instant.tzinfo is None):
        raise PlumblineError(
            "scanned_at is not an instant with its zone, as in RFC 3339.",
            code="bad_time",
            fields={"scanned_at": "e.g. 2026-11-23T10:00:00Z"},
        )
    return instant


def flag_of(request: Request, name: str) -> bool:
    given = request.query_params.get(name, "").lower()
    if given not in {"", "true", "false", "1", "0"}:
        raise PlumblineError(f"{name} is true or false.", fields={name: "true or false."})
    return given in {"true", "1"}


def answer(request: Request, outcome: ResultsOutcome) -> Response:
    reports: list[dict[str, Any]] = []
    for report, receipt in outcome.receipts:
        where = reverse("agent_report", kwargs={"report_id": receipt.report_id})
        data = {name: getattr(receipt, name) for name in ReceiptSerializer._declared_fields if name != "links"}
        truncated = report.body["truncated"]
        reports.append(
            {
                **data,
                "links": {"self": request.build_absolute_uri(where)},
                "engine": report.engine,
                "resource_count": len(report.body["resources"]),
                "result_count": report.result_count,
                "missing_count": truncated["resources_total"] - len(report.body["resources"]) if truncated else 0,
            }
        )
    return Response(EngineReceiptsSerializer({"reports": reports, "ignored": outcome.problems}).data, status=202)
