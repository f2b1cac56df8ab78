"""For load balancers and `make up`: is the process up, and can it do its work?"""

import logging
from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
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
    """200 when the database, its migrations and Redis are as needed; else 503 that names what is not."""
    problems = {}
    for name, check in CHECKS.items():
        try:
            problem = check()
        except Exception:  # the point is to report any failure, in words that give nothing away
            logger.exception("readiness: %s", name)
            problem = "unreachable"
        if problem:
            problems[name] = problem
    status = "unavailable" if problems else "ready"
    return JsonResponse({"status": status, "problems": problems}, status=503 if problems else 200)


def _database() -> str:
    return application_role_problem()


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(waiting)} not applied" if waiting else ""


def _redis() -> str:
    cache.get("readyz")
    return ""


CHECKS: dict[str, Callable[[], str]] = {"database": _database, "migrations": _migrations, "redis": _redis}
