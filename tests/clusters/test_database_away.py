"""While the database is away, senders are told to come back, and nothing pretends to be taken in."""

from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, OperationalError, connection
from django.test import Client

from clusters.models import Report
from clusters.services.backlogs import forget_total
from common.database import DIRECTORY_SETTING, ORGANIZATION_SETTING
from common.metrics import REGISTRY
from organizations.models import Organization, User
from organizations.scope import organization_scope
from organizations.services.tokens import issue_api_token
from tests.clusters.conftest import Sender
from tests.compliance.reports import at, report


def gone(*_: Any) -> None:
    raise OperationalError("server closed the connection unexpectedly")


def gone_in_mid_answer(*_: Any) -> None:
    raise DatabaseError("server closed the connection unexpectedly") from psycopg2.DatabaseError()


class GoneAsAScopeEnds:
    """Fails when the value of a session's setting is put back."""

    def __init__(self, setting: str) -> None:
        self.setting = setting

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, *more: Any) -> Any:
        if sql.startswith("SELECT set_config") and params[0] == self.setting:
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, params, *more)


def failures(error: str) -> float:
    return REGISTRY.get_sample_value("plumbline_database_errors_total", {"error": error}) or 0.0


@pytest.mark.parametrize(
    ("away", "error"), [(gone, "OperationalError"), (gone_in_mid_answer, "DatabaseError")], ids=["gone", "mid-answer"]
)
def test_a_sender_is_told_when_to_come_back(
    agent: Sender, caplog: pytest.LogCaptureFixture, away: Callable[..., None], error: str
) -> None:
    before = failures(error)
    with connection.execute_wrapper(away):
        answer = agent.post(report(scanned_at=at(0)))
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "database_unavailable", "5")
    assert set(answer.json()) == {"detail", "code", "fields"}
    assert failures(error) == before + 1
    assert "The database gave out." in caplog.text
    assert agent.post(report(scanned_at=at(0))).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_a_report_that_was_committed_is_acknowledged_whatever_ends_then(agent: Sender, acme: Organization) -> None:
    with connection.execute_wrapper(GoneAsAScopeEnds(ORGANIZATION_SETTING)):
        assert agent.post(report(scanned_at=at(0))).status_code == 202
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [ORGANIZATION_SETTING])
        assert not cursor.fetchone()[0]
    with organization_scope(acme.pk):
        assert Report.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_goes_on_in_a_session_that_lacks_the_scope(agent: Sender, acme: Organization) -> None:
    forget_total()
    with connection.execute_wrapper(GoneAsAScopeEnds(DIRECTORY_SETTING)):
        answer = agent.post(report(scanned_at=at(0)))
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    with organization_scope(acme.pk):
        assert Report.objects.count() == 0


def test_a_program_that_reads_is_told_so_too(client: Client, olivia: User, acme: Organization) -> None:
    with organization_scope(acme.pk):
        _, secret = issue_api_token(user=olivia, name="script", actor=olivia)
    with connection.execute_wrapper(gone):
        answer = client.get("/api/v1/organizations/acme/clusters", headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
