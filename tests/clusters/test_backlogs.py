"""Back-pressure: who is sent away, with what, and that his body is not even read."""

from typing import Any

import pytest
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries

from clusters.api.reports import ReportListView
from clusters.models import Report
from clusters.services import backlogs
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import REPORTS, Sender, sender_of
from tests.compliance.reports import at, report


@pytest.fixture(autouse=True)
def counted_anew() -> None:
    backlogs.forget_total()


def refusal(answer: Any) -> tuple[int, str]:
    assert set(answer.json()) == {"detail", "code", "fields"}
    assert 20 <= int(answer["Retry-After"]) < 40
    return answer.status_code, answer.json()["code"]


def test_a_cluster_with_too_many_reports_waiting_is_sent_away(agent: Sender, acme: Organization, settings: Any) -> None:
    settings.REPORT_BACKLOG_PER_CLUSTER = 2
    answers = [agent.post(report(scanned_at=at(minute))) for minute in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert refusal(answers[2]) == (429, "backlog_of_cluster")
    assert sender_of(acme, "other").post(report(scanned_at=at(0))).status_code == 202


def test_a_cluster_with_too_many_bytes_waiting_is_sent_away(agent: Sender, settings: Any) -> None:
    settings.REPORT_BACKLOG_PER_CLUSTER_BYTES = 1
    agent.post(report(scanned_at=at(0)))
    assert refusal(agent.post(report(scanned_at=at(1)))) == (429, "backlog_of_cluster")


@pytest.mark.parametrize("bound", ["REPORT_BACKLOG_TOTAL", "REPORT_BACKLOG_TOTAL_BYTES"])
def test_a_full_service_sends_everybody_away(
    agent: Sender, globex: Organization, settings: Any, bound: str
) -> None:
    setattr(settings, bound, 1)
    assert agent.post(report(scanned_at=at(0))).status_code == 202
    backlogs.forget_total()
    assert refusal(sender_of(globex).post(report(scanned_at=at(0)))) == (503, "backlog_of_service")


def test_what_was_refused_is_taken_once_there_is_room(agent: Sender, acme: Organization, settings: Any) -> None:
    settings.REPORT_BACKLOG_PER_CLUSTER = 1
    first, second = report(scanned_at=at(0)), report(scanned_at=at(1))
    agent.post(first)
    assert agent.post(second).status_code == 429
    with organization_scope(acme.pk):
        Report.objects.update(status="processed")
    assert agent.post(second).status_code == 202


def test_the_body_of_a_refused_report_is_not_read(agent: Sender, settings: Any) -> None:
    settings.REPORT_BACKLOG_PER_CLUSTER = 1
    agent.post(report(scanned_at=at(0)))

    class Unread:
        def read(self, size: int) -> bytes:
            raise AssertionError("nobody should read this")

    request = RequestFactory().generic("POST", REPORTS, HTTP_AUTHORIZATION=f"Bearer {agent.secret}")
    request.META["wsgi.input"] = Unread()
    request.META["CONTENT_LENGTH"] = "1000"
    assert ReportListView.as_view()(request).status_code == 429


def test_a_token_is_asked_for_before_anything_is_told_of_the_backlog(db: None, settings: Any) -> None:
    settings.REPORT_BACKLOG_TOTAL = 0
    assert Client().post(REPORTS, b"{}", content_type="application/json").status_code == 401


def test_checking_costs_one_query_and_another_once_a_second(
    agent: Sender, acme: Organization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with organization_scope(acme.pk):
        with django_assert_num_queries(4):  # two of them open and close the scope that sees all queues
            backlogs.refuse_over_backlog(agent.cluster.pk)
        with django_assert_num_queries(1):
            backlogs.refuse_over_backlog(agent.cluster.pk)
