"""For Prometheus: how the service does. Sums over everybody, never a word of anybody's."""

import logging
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from clusters.services.backlogs import parked_total, total_backlog
from common.exposition import CONTENT_TYPE, Fixed, Gauges, may_read, render
from common.network import client_address
from organizations.api.errors import error_response
from plumbline import __version__

logger = logging.getLogger(__name__)

_ASKED_EVERY_SECONDS = 5.0
_QUEUE = "celery"


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Text in Prometheus' format; 403 for those who may not read it (common.exposition.may_read)."""
    is_forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    may = may_read(
        token=settings.METRICS_TOKEN,
        authorization=request.headers.get("Authorization", ""),
        address=client_address(request),
        is_forwarded=is_forwarded and not settings.TRUSTED_PROXY_COUNT,
    )
    if not may:
        detail = "Metrics are for the bearer of METRICS_TOKEN, or without one for private addresses, without a proxy."
        return error_response(403, detail, "permission_denied")
    return HttpResponse(render(Fixed(_asked())), content_type=CONTENT_TYPE)


@dataclass
class _Answers:
    """What the servers said last, and when: several scrapers cost no more than one."""

    gauges: list[Gauges] = field(default_factory=list)
    asked_at: float = float("-inf")


_answers = _Answers()


def _asked() -> list[Gauges]:
    if time.monotonic() - _answers.asked_at < _ASKED_EVERY_SECONDS:
        return _answers.gauges
    gauges: list[Gauges] = []
    is_up: dict[tuple[str, ...], float] = {}
    for source, ask in SOURCES.items():
        try:
            gauges += ask()
            is_up[(source,)] = 1
        except Exception as error:  # a server that is away is what one wants to read here
            logger.warning("Metrics are scraped without %s: %s", source, type(error).__name__)
            is_up[(source,)] = 0
    gauges.append(("plumbline_source_up", "Whether the server that was asked has answered.", ("source",), is_up))
    build = {(__version__, platform.python_version()): 1.0}
    gauges.append(("plumbline_build_info", "Versions of what runs here.", ("version", "python"), build))
    _answers.gauges, _answers.asked_at = gauges, time.monotonic()
    return gauges


def _postgresql() -> list[Gauges]:
    backlog = total_backlog()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(state, 'other'), count(*), current_setting('max_connections')::int"
            " FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1"
        )
        rows = cursor.fetchall()
    if not rows:
        raise DatabaseError("pg_stat_activity does not even show this connection.")
    states: dict[tuple[str, ...], float] = {(state.replace(" ", "_"),): count for state, count, _ in rows}
    return [
        _gauge("plumbline_reports_waiting", "Reports accepted and not yet settled.", backlog.waiting_count),
        _gauge("plumbline_reports_waiting_bytes", "Their bodies as kept, compressed.", backlog.waiting_bytes),
        _gauge("plumbline_clusters_waiting", "Clusters that have reports waiting.", backlog.cluster_count),
        _gauge(
            "plumbline_oldest_report_waiting_seconds", "Age of the oldest of them; 0 for none.", backlog.oldest_seconds
        ),
        _gauge("plumbline_reports_parked", "Reports that could not be merged; their owners decide.", parked_total()),
        _gauge("plumbline_database_connections_limit", "PostgreSQL's max_connections.", rows[0][2]),
        ("plumbline_database_connections", "Connections to the database, by what they do.", ("state",), states),
    ]


def _redis() -> list[Gauges]:
    with redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=2, socket_connect_timeout=2) as client:
        length = client.llen(_QUEUE)
    return [_gauge("plumbline_queue_tasks", "Tasks that wait in the broker for a worker.", length)]


def _gauge(name: str, text: str, value: float) -> Gauges:
    return name, text, (), {(): value}


SOURCES: dict[str, Callable[[], list[Gauges]]] = {"postgresql": _postgresql, "redis": _redis}
