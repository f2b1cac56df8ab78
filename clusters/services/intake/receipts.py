"""Making a report durable, once: the receipt is given after the commit, and again for a repetition."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import zstandard
from celery import current_app
from django.db import IntegrityError, transaction
from structlog.contextvars import bind_contextvars

from clusters.models import Cluster, Report
from common.clock import now
from common.errors import Conflict, NotFound
from common.metrics import BROKER_ERRORS, REPORTS_ACCEPTED, REPORTS_REPEATED
from common.tracing import current_traceparent
from organizations.scope import current_organization_id

from .days import ACCEPTED, count_outcome
from .documents import collector_paused, parse_document
from .validation import ReportHead, judge

logger = logging.getLogger(__name__)

PROCESS_TASK = "compliance.process_reports"
ZSTD_LEVEL = 3


@dataclass(frozen=True)
class Receipt:
    """What the sender is told of a report: `error` is '' unless it was parked."""

    id: UUID
    report_id: UUID
    status: str
    received_at: datetime
    scanned_at: datetime
    processed_at: datetime | None
    error: str
    opened_count: int
    resolved_count: int

    @classmethod
    def of(cls, report: Report) -> "Receipt":
        return cls(**{name: getattr(report, name) for name in cls.__dataclass_fields__})


def accept_report(*, cluster_id: UUID, body: bytes, clock_skew: float | None = None) -> Receipt:
    """Commit a report of the cluster and have it processed. The same body again gets the first receipt.

    `clock_skew`: seconds by which the sender's clock is ahead of ours, if that is known.
    Must not run inside a transaction: when this returns, the report is durable. Raises PlumblineError (400),
    Unprocessable (422), and Conflict when the id was used for another body.
    """
    digest = hashlib.sha256(body).hexdigest()
    with collector_paused():
        head = judge(parse_document(body))
    return commit_report(cluster_id=cluster_id, head=head, body=body, digest=digest, clock_skew=clock_skew)


def commit_report(
    *, cluster_id: UUID, head: ReportHead, body: bytes, digest: str, clock_skew: float | None = None, source: str = ""
) -> Receipt:
    """Commit a body that was judged, and have it processed. `digest` is that of what was sent, from which the body
    may have been made; `source` is the other engine whose results it holds.
    """
    bind_contextvars(report_id=str(head.report_id))
    known = _find(cluster_id, head.report_id)
    stored = _store(cluster_id, head, body, digest, clock_skew, source) if known is None else None
    known = known or stored or _find(cluster_id, head.report_id)
    if known is None:
        raise NotFound("The cluster was deleted while its report came in.")
    if known.body_digest != digest:
        raise Conflict(
            "Another report was sent under this id. Give every report an id of its own.",
            code="report_id_reused",
            fields={"id": "Used before, for a different report."},
        )
    if stored is None:
        REPORTS_REPEATED.inc()
    else:
        _announce(stored)
    return Receipt.of(known)


def receipt_of(*, cluster_id: UUID, report_id: UUID) -> Receipt:
    """The receipt of a report that the cluster has sent. Raises NotFound."""
    report = _find(cluster_id, report_id)
    if report is None:
        raise NotFound("This cluster has sent no report of that id.")
    return Receipt.of(report)


def _find(cluster_id: UUID, report_id: UUID) -> Report | None:
    return Report.objects.filter(cluster_id=cluster_id, report_id=report_id).defer("body").first()


def _store(
    cluster_id: UUID, head: ReportHead, body: bytes, digest: str, clock_skew: float | None, source: str
) -> Report | None:
    """Insert; None when another request did so for the same report a moment ago, or the cluster is gone.

    The cluster comes first and its queue after it, by the trigger: in that order merging locks them, too.
    """
    received_at, kept = now(), zstandard.compress(body, ZSTD_LEVEL)
    try:
        with transaction.atomic(durable=True):
            Cluster.objects.filter(pk=cluster_id).update(
                last_received_at=received_at, clock_skew_seconds=clock_skew
            )
            report = Report.objects.create(
                organization_id=current_organization_id(),
                cluster_id=cluster_id,
                report_id=head.report_id,
                kind=head.kind,
                source=source,
                scanned_at=head.scanned_at,
                received_at=received_at,
                body=kept,
                body_digest=digest,
                body_bytes=len(body),
                resource_count=head.resource_count,
                result_count=head.result_count,
                trace_parent=current_traceparent(),
            )
            count_outcome(cluster_id=cluster_id, outcome=ACCEPTED)
    except IntegrityError:
        return None
    return report


def _announce(report: Report) -> None:
    """Once it is committed: count it, log it, wake a worker."""
    REPORTS_ACCEPTED.labels(report.kind).inc()
    logger.info(
        "Report accepted.",
        extra={
            "kind": report.kind,
            "bytes": report.body_bytes,
            "resource_count": report.resource_count,
            "result_count": report.result_count,
        },
    )
    request_processing()


def request_processing() -> None:
    """Wake a worker: reports are waiting. A broker that is down is logged, for the sweeper asks again.

    By the task's name, for the task belongs to a layer above this one.
    """
    try:
        current_app.send_task(PROCESS_TASK, retry=False, ignore_result=True)
    except Exception:
        # Whatever the broker's client raises, the report is committed and must be acknowledged.
        BROKER_ERRORS.inc()
        logger.warning("The broker took no task; the sweeper will ask again.", exc_info=True)
