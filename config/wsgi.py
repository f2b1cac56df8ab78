"""The web application, in each of gunicorn's workers."""

import os

from django.core.wsgi import get_wsgi_application

from common.tracing import configure_tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
configure_tracing("plumbline-web")  # before Django reads the list of middleware
application = get_wsgi_application()

from organizations.roles import refuse_unbound_role  # noqa: E402 - needs the settings

refuse_unbound_role()
