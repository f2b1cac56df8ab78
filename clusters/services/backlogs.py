"""Back-pressure: a report is refused before its body is read, while too many wait to be merged."""

import secrets
import time
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from clusters.models import Cluster, ReportQueue
from common.errors import TooManyRequests, Unavailable
from organizations.scope import directory_scope, organization_scope

_KNOWN_FOR_SECONDS = 1.0
_WAIT_SECONDS = 20
_SPREAD_SECONDS = 20


@dataclass(frozen=True)
class Backlog:
    """What waits in all queues together: reports, their bytes as kept, and the age of the oldest in seconds."""

    waiting_count: int = 0
    waiting_bytes: int = 0
    cluster_count: int = 0
    oldest_seconds: float = 0.0


def refuse_over_backlog(cluster_id: UUID) -> None:
    """Two indexed look-ups, one of them once a second. Raises TooManyRequests (backlog_of_cluster) and
    Unavailable (backlog_of_service), each with a time to wait that differs from sender to sender.
    """
    total = _recent_total()
    if total.waiting_count >= settings.REPORT_BACKLOG_TOTAL or (
        total.waiting_bytes >= settings.REPORT_BACKLOG_TOTAL_BYTES
    ):
        raise Unavailable(
            "The server has more reports waiting than it takes in. Keep this one, and send it again later.",
            code="backlog_of_service",
            retry_after=_wait(),
        )
    queue = ReportQueue.objects.filter(cluster_id=cluster_id).only("waiting_count", "waiting_bytes").first()
    if queue is not None and (
        queue.waiting_count >= settings.REPORT_BACKLOG_PER_CLUSTER
        or queue.waiting_bytes >= settings.REPORT_BACKLOG_PER_CLUSTER_BYTES
    ):
        raise TooManyRequests(
            f"{queue.waiting_count} reports of this cluster wait to be merged, which is as many as are kept. "
            "Keep this one, and send it again later.",
            code="backlog_of_cluster",
            retry_after=_wait(),
        )


def total_backlog() -> Backlog:
    """Counted now, over all organizations. One query over the queues that are not empty."""
    with directory_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(waiting_count), 0), coalesce(sum(waiting_bytes), 0), count(*),"
            " coalesce(extract(epoch FROM clock_timestamp() - min(waiting_since)), 0)"
            " FROM clusters_reportqueue WHERE waiting_count > 0"
        )
        count, size, clusters, oldest = cursor.fetchone()
    return Backlog(int(count), int(size), int(clusters), max(0.0, float(oldest)))


def parked_total() -> int:
    """Reports parked in all organizations. One query."""
    with directory_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(parked_count), 0) FROM clusters_reportqueue")
        return int(cursor.fetchone()[0])


@dataclass(frozen=True)
class LongQueue:
    """A cluster whose reports wait or are parked, by names; `oldest_seconds` is 0 when none waits."""

    organization: str
    cluster: str
    cluster_id: UUID
    waiting_count: int
    waiting_bytes: int
    parked_count: int
    oldest_seconds: float


def longest_queues(*, most: int) -> list[LongQueue]:
    """Over all organizations, for whoever runs the service. One query, and one for each cluster listed."""
    with directory_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.id, o.slug, q.cluster_id, waiting_count, waiting_bytes, parked_count,"
            " coalesce(extract(epoch FROM clock_timestamp() - waiting_since), 0)"
            " FROM clusters_reportqueue q JOIN organizations_organization o ON o.id = q.organization_id"
            " WHERE waiting_count > 0 OR parked_count > 0"
            " ORDER BY waiting_count DESC, parked_count DESC, o.slug LIMIT %s",
            [most],
        )
        rows = cursor.fetchall()
    found = []
    for organization_id, slug, cluster_id, waiting, size, parked, oldest in rows:
        with organization_scope(organization_id):
            name = Cluster.objects.values_list("name", flat=True).get(pk=cluster_id)
        found.append(LongQueue(slug, name, cluster_id, waiting, size, parked, float(oldest)))
    return found


@dataclass
class _Recent:
    """The last total and when it was counted: a process asks once a second, however many reports come in."""

    value: Backlog = Backlog()
    counted_at: float = float("-inf")


_recent = _Recent()


def _recent_total() -> Backlog:
    if time.monotonic() - _recent.counted_at >= _KNOWN_FOR_SECONDS:
        _recent.value, _recent.counted_at = total_backlog(), time.monotonic()
    return _recent.value


def forget_total() -> None:
    """Count anew at the next report."""
    _recent.counted_at = float("-inf")


def _wait() -> int:
    """Seconds; spread, so that those who were sent away together do not come back together."""
    return _WAIT_SECONDS + secrets.randbelow(_SPREAD_SECONDS)
