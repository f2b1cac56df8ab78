"""Whose turn it is: one report of the organization that has waited longest for a worker, then the next one's.

An organization that sends much, or slow reports, delays the others by one report of its own for each worker.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now
from structlog.contextvars import bound_contextvars

from clusters.models import ReportQueue
from clusters.services.intake.receipts import request_processing
from organizations.scope import directory_scope, organization_scope

from .locks import let_go, try_lock
from .processing import process_next_report, recount

BUDGET_SECONDS = 60.0
OVERDUE_SECONDS = 30
_MOST_CANDIDATES = 200  # more than there are workers: each may hold one of them

_CLAIMS = 0x706C756D  # the advisory lock that lets one worker choose at a time

# Materialized, for else the planner asks when an organization was served for each of its clusters that waits.
_CANDIDATES = """
WITH waiting AS MATERIALIZED (
    SELECT DISTINCT organization_id FROM clusters_reportqueue WHERE waiting_count > 0
), line AS MATERIALIZED (
    SELECT organization_id, (
        SELECT max(served_at) FROM clusters_reportqueue q WHERE q.organization_id = waiting.organization_id
    ) AS served_at
    FROM waiting
)
SELECT queue.organization_id, queue.cluster_id
FROM line JOIN clusters_reportqueue queue USING (organization_id)
WHERE queue.waiting_count > 0
ORDER BY line.served_at NULLS FIRST, queue.organization_id, queue.served_at NULLS FIRST, queue.waiting_since
LIMIT %s
"""


@dataclass(frozen=True)
class Turn:
    """A cluster that this session holds the lock of."""

    organization_id: UUID
    cluster_id: UUID


def process_waiting_reports(*, budget_seconds: float = BUDGET_SECONDS) -> int:
    """Take turns until nothing waits that no other worker has in hand; returns how many reports were settled.

    When the budget is used up, another task is asked for, which goes on.
    """
    give_up_at = time.monotonic() + budget_seconds
    settled_count = 0
    while (turn := _claim()) is not None:
        try:
            settled_count += _serve(turn)
        finally:
            let_go(turn.cluster_id)
        if time.monotonic() > give_up_at:
            request_processing()
            break
    return settled_count


def overdue_cluster_count() -> int:
    """Clusters, of all organizations, whose oldest report has waited for more than 30 seconds."""
    with directory_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM clusters_reportqueue WHERE waiting_count > 0"
            " AND waiting_since < clock_timestamp() - make_interval(secs => %s)",
            [OVERDUE_SECONDS],
        )
        return int(cursor.fetchone()[0])


def _claim() -> Turn | None:
    """Choose and lock a cluster, and send its organization to the end of the line."""
    with transaction.atomic():
        with directory_scope(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIMS])
            cursor.execute(_CANDIDATES, [_MOST_CANDIDATES])
            candidates = [Turn(*row) for row in cursor.fetchall()]
        turn = next((candidate for candidate in candidates if try_lock(candidate.cluster_id)), None)
        if turn is not None:
            with organization_scope(turn.organization_id):
                ReportQueue.objects.filter(cluster_id=turn.cluster_id).update(served_at=Now())
    return turn


def _serve(turn: Turn) -> int:
    context = {"organization_id": str(turn.organization_id), "cluster_id": str(turn.cluster_id)}
    with organization_scope(turn.organization_id), bound_contextvars(**context):
        if process_next_report(cluster_id=turn.cluster_id):
            return 1
        recount(cluster_id=turn.cluster_id)
        return 0
