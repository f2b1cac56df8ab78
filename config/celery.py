"""The Celery application: `celery -A config worker`, `celery -A config beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("plumbline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _refuse_unbound_role(**_: Any) -> None:
    from organizations.roles import refuse_unbound_role  # needs the settings

    refuse_unbound_role()
