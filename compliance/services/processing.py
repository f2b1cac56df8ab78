"""A cluster's accepted reports, in order; what cannot be merged is parked, and the next goes on."""

import logging
import time
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import Count, F, Min, Q
from structlog.contextvars import bound_contextvars

from clusters.models import Report, ReportQueue, ReportStatus
from common.clock import now
from common.database import gave_out
from common.metrics import (
    MERGED_RESOURCES,
    MERGED_RESULTS,
    REPORT_LAG_SECONDS,
    REPORT_MERGE_SECONDS,
    REPORTS_SETTLED,
)
from common.tracing import continued_trace
from compliance.services.merging import MergeOutcome, merge_report, want_snapshot

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
MAX_ERROR = 2000


def process_next_report(*, cluster_id: UUID) -> bool:
    """Merge or park the cluster's next report, by (scanned_at, received_at); False when none waits.

    The caller holds the cluster's lock and is in its organization's scope.
    """
    report = _next_report(cluster_id)
    if report is None:
        return False
    with bound_contextvars(report_id=str(report.report_id)):
        _settle(report)
    return True


def recount(*, cluster_id: UUID) -> None:
    """Count the cluster's queue anew, should it have said that something waits when nothing does."""
    counts = Report.objects.filter(cluster_id=cluster_id).aggregate(
        waiting=Count("id", filter=Q(status=ReportStatus.ACCEPTED)),
        parked=Count("id", filter=Q(status=ReportStatus.PARKED)),
        since=Min("received_at", filter=Q(status=ReportStatus.ACCEPTED)),
    )
    if not counts["waiting"]:
        ReportQueue.objects.filter(cluster_id=cluster_id).update(
            waiting_count=0, waiting_bytes=0, waiting_since=None, parked_count=counts["parked"]
        )


def _next_report(cluster_id: UUID) -> Report | None:
    waiting = Report.objects.filter(cluster_id=cluster_id, status=ReportStatus.ACCEPTED).defer("body")
    return waiting.order_by("scanned_at", "received_at", "id").first()


def _settle(report: Report) -> None:
    """Merge or park. The attempt is committed first, so that a report which kills its worker gives
    itself away.
    """
    if report.attempt_count >= MAX_ATTEMPTS:
        _park(report, f"The worker ended {MAX_ATTEMPTS} times while merging this report.")
        return
    Report.objects.filter(pk=report.pk).update(attempt_count=F("attempt_count") + 1)
    started = time.perf_counter()
    try:
        with continued_trace("merge report", report.trace_parent):
            outcome = merge_report(report)
    except Exception as error:
        if gave_out(error) or isinstance(error, MemoryError | SoftTimeLimitExceeded):
            REPORTS_SETTLED.labels("interrupted").inc()
            raise  # the database or the machine gave out: the sweeper has it tried again, MAX_ATTEMPTS times
        logger.exception("Report parked.", extra={"attempt": report.attempt_count + 1})
        _park(report, f"{type(error).__name__}: {error}")
    else:
        _record(report, outcome, time.perf_counter() - started)


def _record(report: Report, outcome: MergeOutcome, seconds: float) -> None:
    REPORTS_SETTLED.labels(outcome.status.value).inc()
    REPORT_LAG_SECONDS.observe(max(0.0, (now() - report.received_at).total_seconds()))
    if outcome.status == ReportStatus.PROCESSED:
        REPORT_MERGE_SECONDS.observe(seconds)
        MERGED_RESOURCES.inc(report.resource_count)
        MERGED_RESULTS.inc(report.result_count)
    logger.info(
        "Report settled.",
        extra={
            "outcome": outcome.status.value,
            "kind": report.kind,
            "duration_ms": round(seconds * 1000, 1),
            "bytes": report.body_bytes,
            "resource_count": report.resource_count,
            "result_count": report.result_count,
            "opened_count": outcome.opened_count,
            "resolved_count": outcome.resolved_count,
        },
    )


def _park(report: Report, reason: str) -> None:
    Report.objects.filter(pk=report.pk).update(
        status=ReportStatus.PARKED, error=reason[:MAX_ERROR].replace("\x00", ""), processed_at=now()
    )
    if report.kind == "delta" and not report.source:
        want_snapshot(report)
    REPORTS_SETTLED.labels(ReportStatus.PARKED.value).inc()
