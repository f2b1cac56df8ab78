"""Numbered reports: gaps and repeats; clocks that are off; what the receipt asks for."""

import uuid
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from django.http import HttpResponse

from clusters.models import Report
from common.clock import now
from compliance.services.turns import process_waiting_reports
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import Sender
from tests.compliance.reports import at, report, resource

POLICIES = ("host-path", "host-network", "memory-limits")
SESSION = str(uuid.uuid4())


def numbered(sequence: int, minutes: float = 0, session: str = SESSION, **more: Any) -> dict[str, Any]:
    scanned_at = more.pop("scanned_at", at(minutes or sequence))
    numbers = {"id": session, "sequence": sequence}
    return report(resource(), scanned_at=scanned_at, policies=POLICIES, session=numbers, **more)


def delta(sequence: int, minutes: float = 0, **more: Any) -> dict[str, Any]:
    return numbered(sequence, minutes, kind="delta", **more)


def test_numbers_in_order_ask_for_nothing(agent: Sender) -> None:
    posted = [numbered(1), delta(2), delta(3)]
    assert [agent.post(document).json()["wanted"] for document in posted] == ["", "", ""]


@pytest.mark.parametrize("first", [delta(1), delta(4)], ids=["delta", "late start"])
def test_session_that_does_not_begin_with_a_snapshot_is_asked_for_one(agent: Sender, first: dict[str, Any]) -> None:
    assert agent.post(first).json()["wanted"] == "snapshot"


def test_gap_asks_for_a_snapshot_until_one_is_in(agent: Sender, acme: Organization) -> None:
    agent.post(numbered(1))
    answers = [agent.post(document).json()["wanted"] for document in (delta(3), delta(4), numbered(5), delta(6))]
    assert answers == ["snapshot", "snapshot", "", ""]
    with organization_scope(acme.pk):
        process_waiting_reports()
    assert agent.post(delta(7)).json()["wanted"] == ""


def test_repeat_gets_the_first_receipt(agent: Sender) -> None:
    first = numbered(1)
    assert agent.post(first).json() == agent.post(first).json()


def test_another_report_of_the_same_number_is_a_conflict(agent: Sender, acme: Organization) -> None:
    agent.post(numbered(1))
    answer = agent.post(numbered(1))
    assert (answer.status_code, answer.json()["code"]) == (409, "sequence_reused")
    with organization_scope(acme.pk):
        assert Report.objects.count() == 1


def test_late_number_is_taken_and_superseded_if_its_time_has_passed(agent: Sender, acme: Organization) -> None:
    agent.post(numbered(1))
    agent.post(delta(3, minutes=9))
    with organization_scope(acme.pk):
        process_waiting_reports()
    late = delta(2, minutes=5)
    assert agent.post(late).status_code == 202
    with organization_scope(acme.pk):
        process_waiting_reports()
    receipt = agent.status(late["id"]).json()
    assert (receipt["status"], receipt["wanted"]) == ("superseded", "snapshot")


def test_numbers_order_reports_where_a_clock_was_set_back(agent: Sender, acme: Organization) -> None:
    agent.post(numbered(1, minutes=10))
    receipt = agent.post(delta(2, minutes=3)).json()
    assert datetime.fromisoformat(receipt["scanned_at"]) == at(10) + timedelta(microseconds=1)
    with organization_scope(acme.pk):
        process_waiting_reports()
    assert agent.status(receipt["report_id"]).json()["status"] == "processed"


def test_sessions_do_not_share_numbers(agent: Sender) -> None:
    agent.post(numbered(1))
    assert agent.post(numbered(1, minutes=5, session=str(uuid.uuid4()))).json()["wanted"] == ""


def by(agent: Sender, document: dict[str, Any], clock: timedelta) -> HttpResponse:
    """Post with a Date from a clock that is off."""
    return agent.post_body(orjson.dumps(document), Date=format_datetime(now() + clock, usegmt=True))


@pytest.mark.parametrize("ahead", [timedelta(minutes=30), timedelta(hours=-3)], ids=["fast", "slow"])
def test_times_of_a_clock_that_is_off_are_set_right_by_its_date(agent: Sender, ahead: timedelta) -> None:
    scanned = now() - timedelta(minutes=2)
    receipt = by(agent, numbered(1, scanned_at=scanned + ahead), ahead).json()
    assert abs(datetime.fromisoformat(receipt["scanned_at"]) - scanned) < timedelta(seconds=30)
    assert abs(receipt["clock_skew_seconds"] - ahead.total_seconds()) < 30


def test_time_in_the_future_becomes_the_time_of_receipt(agent: Sender) -> None:
    receipt = agent.post(numbered(1, scanned_at=now() + timedelta(hours=2))).json()
    assert receipt["scanned_at"] == receipt["received_at"]
    assert receipt["clock_skew_seconds"] > 7000


@pytest.mark.parametrize("clock", [timedelta(seconds=20), timedelta(days=-400)], ids=["small", "beyond belief"])
def test_small_and_unbelievable_skews_move_nothing(agent: Sender, clock: timedelta) -> None:
    receipt = by(agent, numbered(1, minutes=3), clock).json()
    assert datetime.fromisoformat(receipt["scanned_at"]) == at(3)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_date_that_cannot_be_meant_is_ignored(agent: Sender, date: str) -> None:
    answer = agent.post_body(orjson.dumps(numbered(1, minutes=3)), Date=date)
    assert (answer.status_code, answer.json()["clock_skew_seconds"]) == (202, None)
    assert datetime.fromisoformat(answer.json()["scanned_at"]).astimezone(UTC) == at(3)
