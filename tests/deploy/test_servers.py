"""The embedded servers that the tests themselves run on."""

import pytest
from django.core.cache import cache
from django.db import connection


@pytest.mark.django_db
def test_the_application_role_cannot_step_over_row_level_security():
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("plumbline_app", False, False)


@pytest.mark.django_db
def test_the_application_role_owns_no_table():
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert cursor.fetchall() == [("plumbline_owner",)]


@pytest.mark.django_db(transaction=True)
def test_transactional_tests_can_empty_the_tables():
    from organizations.models import User

    User.objects.create_user(email="olivia@acme.example", password="a-password-of-some-length")
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_redis_answers_behind_its_password(servers):
    cache.set("plumb", "line")
    assert cache.get("plumb") == "line"
    assert "@127.0.0.1:" in servers.environment["REDIS_URL"]
