"""For load balancers and `make up`: is the process up, and can it do its work?"""

import logging
from collections.abc import Callable
from functools import cache

from django.core.cache import cache as redis_cache
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from organizations.roles import application_role_problem

logger = logging.getLogger(__name__)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return JsonResponse({"status": "up"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 `ready`; 200 `degraded` while only Redis is away; 503 `unavailable` without what every request needs.

    Reports are taken in and pages are shown without Redis: to take all web processes out of the balancer with it
    would turn a lost queue into an outage.
    """
    problems = {}
    for name, check in CHECKS.items():
        try:
            problem = check()
        except Exception:  # the point is to report any failure, in words that give nothing away
            logger.exception("readiness: %s", name)
            problem = "unreachable"
        if problem:
            problems[name] = problem
    is_up = not set(problems) - DISPENSABLE
    status = ("degraded" if problems else "ready") if is_up else "unavailable"
    return JsonResponse({"status": status, "problems": problems}, status=200 if is_up else 503)


def _database() -> str:
    """Reachable, by a role that row-level security binds, and open for writing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool")
        is_read_only = cursor.fetchone()[0]
    return "read-only" if is_read_only else application_role_problem()


def _migrations() -> str:
    applied = set(MigrationRecorder(connection).applied_migrations())
    waiting = _known_migrations() - applied
    return f"{len(waiting)} not applied" if waiting else ""


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Those of the code: read from disk once, for a process does not change its code."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def _redis() -> str:
    redis_cache.get("readyz")
    return ""


CHECKS: dict[str, Callable[[], str]] = {"database": _database, "migrations": _migrations, "redis": _redis}
DISPENSABLE = {"redis"}
