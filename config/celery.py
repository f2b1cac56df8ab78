"""The Celery application: `celery -A config worker`, `celery -A config beat`."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import (
    setup_logging,
    task_failure,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_ready,
)
from structlog.contextvars import bind_contextvars, clear_contextvars

from common.tracing import configure_tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("plumbline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _refuse_unbound_role(**_: Any) -> None:
    from organizations.roles import refuse_unbound_role  # needs the settings

    refuse_unbound_role()


@setup_logging.connect
def _log_as_the_web_does(**_: Any) -> None:
    """Celery leaves logging alone when somebody is connected here."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
    logging.captureWarnings(True)


@worker_process_init.connect
def _trace(**_: Any) -> None:
    configure_tracing("plumbline-worker")


@worker_ready.connect
def _serve_metrics(**_: Any) -> None:
    from config.worker_metrics import serve_metrics  # needs the settings

    serve_metrics()


@task_prerun.connect
def _bind_task(task_id: str, task: Any, **_: Any) -> None:
    clear_contextvars()
    bind_contextvars(task=task.name, task_id=task_id)


@task_postrun.connect
def _unbind_task(**_: Any) -> None:
    clear_contextvars()


@task_failure.connect
def _count_database_errors(exception: BaseException, **_: Any) -> None:
    from common.database import gave_out  # needs the settings
    from common.metrics import DATABASE_ERRORS

    if gave_out(exception):
        DATABASE_ERRORS.labels(type(exception).__name__).inc()
