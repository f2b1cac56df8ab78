from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from organizations.models import Organization, User
from tests.fleet import Fleet, make_fleet

Ask = Callable[..., Any]
HERE = "/api/v1/organizations/acme"


@pytest.fixture
def fleet(acme_scope: Organization) -> Fleet:
    return make_fleet()


@pytest.fixture
def ask(client: Client, olivia: User) -> Ask:
    """Ask as the owner and get the JSON; `status` is what must come back."""
    client.force_login(olivia)

    def get(path: str, *, status: int = 200) -> Any:
        response = client.get(path if path.startswith(("http", "/")) else f"{HERE}/{path}")
        assert response.status_code == status, response.content
        return response.json()

    return get
