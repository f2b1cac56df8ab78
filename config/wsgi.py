import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from organizations.roles import refuse_unbound_role  # noqa: E402 - needs the settings

refuse_unbound_role()
