"""The web application, in each of gunicorn's workers."""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from common.tracing import configure_tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
configure_tracing("plumbline-web")  # before Django reads the list of middleware
application = get_wsgi_application()

from organizations.roles import refuse_unbound_role  # noqa: E402 - needs the settings

refuse_unbound_role()

# What the program consists of is read now, views included, and stays: without this, every so many requests the
# collector walks through all of it for 70 ms and more.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
