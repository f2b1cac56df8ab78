"""The cast: Acme with one person in each role, Globex with its owner. Fixtures for every test.

`acme_scope` and `globex_scope` put the organization in scope for the length of a test.
Requests by `client.force_login(olivia)` need no password; PASSWORD is everybody's for those that do.
"""

import functools
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.test import Client

from organizations.models import Membership, Organization, Role, User
from organizations.scope import organization_scope
from organizations.services.members import add_member
from organizations.services.organizations import create_organization

PASSWORD = "correct horse battery staple"


@functools.cache
def _password_hash() -> str:
    """One real argon2 hash for all: hashing is slow on purpose."""
    return make_password(PASSWORD)


def make_user(email: str, name: str) -> User:
    return User.objects.create(email=email, name=name, password=_password_hash())


def join(organization: Organization, user: User, role: Role) -> Membership:
    with organization_scope(organization.pk):
        return add_member(user=user, role=role, actor=None)


def fill_members(organization: Organization, count: int) -> None:
    """So many developers: user-00@acme.example and on."""
    for number in range(count):
        join(organization, make_user(f"user-{number:02}@acme.example", f"Number {number}"), Role.DEVELOPER)


@pytest.fixture
def olivia(db: None) -> User:
    return make_user("olivia@acme.example", "Olivia Owner")


@pytest.fixture
def as_olivia(client: Client, acme: Organization, olivia: User) -> Client:
    """The browser of Acme's owner, who has signed in."""
    client.force_login(olivia)
    return client


@pytest.fixture
def acme(olivia: User) -> Organization:
    return create_organization(slug="acme", name="Acme", owner=olivia)


@pytest.fixture
def sam(acme: Organization) -> User:
    user = make_user("sam@acme.example", "Sam Security")
    join(acme, user, Role.SECURITY_LEAD)
    return user


@pytest.fixture
def pat(acme: Organization) -> User:
    user = make_user("pat@acme.example", "Pat Platform")
    join(acme, user, Role.PLATFORM_ENGINEER)
    return user


@pytest.fixture
def dev(acme: Organization) -> User:
    user = make_user("dev@acme.example", "Dev Developer")
    join(acme, user, Role.DEVELOPER)
    return user


@pytest.fixture
def audrey(acme: Organization) -> User:
    user = make_user("audrey@acme.example", "Audrey Auditor")
    join(acme, user, Role.AUDITOR)
    return user


@pytest.fixture
def mallory(db: None) -> User:
    return make_user("mallory@globex.example", "Mallory Owner")


@pytest.fixture
def globex(mallory: User) -> Organization:
    return create_organization(slug="globex", name="Globex", owner=mallory)


@pytest.fixture
def acme_scope(acme: Organization) -> Iterator[Organization]:
    with organization_scope(acme.pk):
        yield acme


@pytest.fixture
def globex_scope(globex: Organization) -> Iterator[Organization]:
    with organization_scope(globex.pk):
        yield globex


@pytest.fixture
def fresh_limits(servers: object) -> None:
    """Nobody has tried anything yet: Redis is empty."""
    cache.clear()
