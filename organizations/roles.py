"""The database role that the application runs as: row-level security binds it, or nothing starts."""

import logging
import sys
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import connection
from django.db.utils import OperationalError

logger = logging.getLogger(__name__)

BOOT_ERROR = 3  # gunicorn takes this status of a worker for "do not try again"


def application_role_problem() -> str:
    """Why the connection's role must not serve requests, or ''. May raise OperationalError."""
    name, is_super, bypasses = _role()
    if is_super:
        return f"role {name} is a superuser, whom row-level security does not bind"
    if bypasses:
        return f"role {name} has BYPASSRLS: row-level security does not bind it"
    return ""


def _role() -> tuple[str, bool, bool]:
    """Name, SUPERUSER and BYPASSRLS of the role that queries run as."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        return cursor.fetchone()


def check_application_role(
    app_configs: Sequence[Any] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """System check E001 (tag `database`). Exempts the OWNER_COMMANDS of the settings."""
    if not databases or "default" not in databases or set(sys.argv[1:2]) & settings.OWNER_COMMANDS:
        return []
    problem = application_role_problem()
    if not problem:
        return []
    return [
        Error(
            f"The application must not run like this: {problem}.",
            hint="Let DATABASE_URL name a role without SUPERUSER and BYPASSRLS.",
            id="organizations.E001",
        )
    ]


def refuse_unbound_role() -> None:
    """For web and worker processes, at their start: end the process if row-level security does not bind it.

    A database that cannot be reached yet is no reason to end: /readyz says so until it can be.
    """
    try:
        problem = application_role_problem()
    except OperationalError:
        return
    finally:
        connection.close()
    if problem:
        logger.critical("Plumbline does not start: %s. Let DATABASE_URL name another role.", problem)
        sys.exit(BOOT_ERROR)
