"""Accepted reports, one cluster at a time and in order; what cannot be merged is parked, and the next
goes on.
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, connection
from django.db.models import F

from clusters.models import Report, ReportStatus
from clusters.services.intake.receipts import request_processing
from common.clock import now
from compliance.services.merging import merge_report

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
BUDGET_SECONDS = 60.0
OVERDUE_AFTER = timedelta(seconds=30)
MAX_ERROR = 2000


def process_cluster_reports(*, cluster_id: UUID, budget_seconds: float = BUDGET_SECONDS) -> int:
    """Merge the cluster's waiting reports in the order of (scanned_at, received_at); returns how many were
    settled.

    Another worker on the same cluster makes this return 0 at once. When the budget is used up the rest is
    asked
    for again, so that a noisy cluster lets the others have their turn.
    """
    give_up_at = time.monotonic() + budget_seconds
    settled = 0
    while True:
        with cluster_lock(cluster_id) as is_ours:
            if not is_ours:
                return settled
            while report := _next_report(cluster_id):
                if time.monotonic() > give_up_at and settled:
                    request_processing(cluster_id=cluster_id)
                    return settled
                _settle(report)
                settled += 1
        # One that came in while we held the lock found it taken, and nobody else will look for it.
        if _next_report(cluster_id) is None:
            return settled


def overdue_clusters() -> list[UUID]:
    """Clusters, in the organization in scope, whose reports have waited for more than 30 seconds."""
    overdue = Report.objects.filter(status=ReportStatus.ACCEPTED, received_at__lt=now() - OVERDUE_AFTER)
    return list(overdue.order_by("cluster_id").values_list("cluster_id", flat=True).distinct())


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
    try:
        merge_report(report)
    except (OperationalError, InterfaceError, MemoryError, SoftTimeLimitExceeded):
        raise  # the database or the machine gave out: the sweeper has it tried again, MAX_ATTEMPTS times
    except Exception as error:
        logger.exception("Report %s of organization %s is parked.", report.pk, report.organization_id)
        _park(report, f"{type(error).__name__}: {error}")


def _park(report: Report, reason: str) -> None:
    Report.objects.filter(pk=report.pk).update(
        status=ReportStatus.PARKED, error=reason[:MAX_ERROR], processed_at=now()
    )


@contextmanager
def cluster_lock(cluster_id: UUID) -> Iterator[bool]:
    """Hold the cluster for this session, across transactions; PostgreSQL lets go when the session dies."""
    key = int.from_bytes(hashlib.sha256(b"reports:" + cluster_id.bytes).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
