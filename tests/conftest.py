"""Fixtures for every test: the servers and the database, both real and both started only when asked for."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.servers import TestServers, test_servers

pytest_plugins = ["tests.cast"]


def pytest_configure() -> None:
    """Pages under test link to the sources of their static files: nothing has been collected and hashed."""
    from django.conf import settings

    settings.STATIC_ROOT = settings.BASE_DIR / "static"
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


@pytest.fixture(scope="session")
def servers() -> TestServers:
    """PostgreSQL and Redis, running. For tests that need Redis or a process of their own, but no ORM."""
    test_servers.start()
    return test_servers


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Replace pytest-django's: the schema belongs to the owner's role, the tests run as the application's."""
    from django.db import connections

    test_servers.create_database()
    yield
    with django_db_blocker.unblock():
        connections.close_all()
