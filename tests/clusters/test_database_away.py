"""While the database is away, senders are told to come back, and nothing pretends to be taken in."""

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from common.metrics import REGISTRY
from organizations.models import Organization, User
from organizations.scope import organization_scope
from organizations.services.tokens import issue_api_token
from tests.clusters.conftest import Sender
from tests.compliance.reports import at, report


def gone(*_: Any) -> None:
    raise OperationalError("server closed the connection unexpectedly")


def failures() -> float:
    return REGISTRY.get_sample_value("plumbline_database_errors_total", {"error": "OperationalError"}) or 0.0


def test_a_sender_is_told_when_to_come_back(agent: Sender, caplog: pytest.LogCaptureFixture) -> None:
    before = failures()
    with connection.execute_wrapper(gone):
        answer = agent.post(report(scanned_at=at(0)))
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "database_unavailable", "5")
    assert set(answer.json()) == {"detail", "code", "fields"}
    assert failures() == before + 1
    assert "The database gave out." in caplog.text
    assert agent.post(report(scanned_at=at(0))).status_code == 202


def test_a_program_that_reads_is_told_so_too(client: Client, olivia: User, acme: Organization) -> None:
    with organization_scope(acme.pk):
        _, secret = issue_api_token(user=olivia, name="script", actor=olivia)
    with connection.execute_wrapper(gone):
        answer = client.get("/api/v1/organizations/acme/clusters", headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
