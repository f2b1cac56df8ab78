"""The page and the list of ingestion health: what arrives, waits, was refused, is missing; and parked reports."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clusters.models import Cluster, IntakeDay, Report, ReportQueue
from common.clock import now, today
from organizations.models import AuditEvent, Organization, User
from organizations.scope import organization_scope
from organizations.services.tokens import issue_api_token
from tests.compliance.reports import accept, at, report
from tests.factories import make_cluster

PAGE_QUERIES = 18
LIST_QUERIES = 12


@pytest.fixture
def page(client: Client, olivia: User, acme: Organization) -> Client:
    client.force_login(olivia)
    return client


@pytest.fixture
def bearer(olivia: User, acme: Organization) -> dict[str, str]:
    with organization_scope(acme.pk):
        _, secret = issue_api_token(user=olivia, name="script", actor=olivia)
    return {"Authorization": f"Bearer {secret}"}


def url() -> str:
    return reverse("ingestion", args=["acme"])


def count_day(cluster: Cluster, outcome: str, count: int, days_ago: int = 0, detail: str = "") -> None:
    IntakeDay.objects.create(
        organization_id=cluster.organization_id,
        cluster=cluster,
        day=today() - timedelta(days=days_ago),
        outcome=outcome,
        count=count,
        last_at=now(),
        last_detail=detail,
    )


def park(cluster: Cluster, error: str = "ZstdError: cut short") -> Report:
    stored = accept(cluster, report(scanned_at=at(0)))
    Report.objects.filter(pk=stored.pk).update(status="parked", error=error, attempt_count=1)
    return stored


@pytest.fixture
def cluster(acme_scope: Organization) -> Cluster:
    made = make_cluster("production")
    Cluster.objects.update(agent_name="plumbline-cli", agent_version="0.1.0")
    return made


def test_without_a_cluster_the_page_says_so(page: Client) -> None:
    assert "No cluster is registered yet." in page.get(url()).content.decode()


def test_a_cluster_without_trouble_is_said_to_be_well(page: Client, cluster: Cluster) -> None:
    count_day(cluster, "accepted", 7)
    html = page.get(url()).content.decode()
    assert "All 1 cluster report as they should." in html
    assert "plumbline-cli" in html
    assert ">7<" in html


def test_each_trouble_is_shown(page: Client, cluster: Cluster) -> None:
    Cluster.objects.update(
        last_scanned_at=now() - timedelta(days=3),
        clock_skew_seconds=-900,
        unreported_resource_count=12,
        unreadable_resource_count=2,
    )
    park(cluster)
    accept(cluster, report(scanned_at=at(1)))
    ReportQueue.objects.update(waiting_since=now() - timedelta(minutes=20))
    count_day(cluster, "schema", 3, detail="The report does not follow its schema: see fields.")
    count_day(cluster, "schema", 2, days_ago=1)
    count_day(cluster, "bad_time", 9, days_ago=2)
    html = page.get(url()).content.decode()
    assert "ZstdError: cut short" in html
    assert "Clock 15\u202fmin behind" in html
    assert "10 cut off, 2 unreadable" in html
    assert "5 × schema" in html
    assert "follow its schema" in html
    assert "bad_time" not in html
    assert "20 min ago" in html
    assert "Silent" in html
    assert "1 of 1 cluster</strong> needs a look" in html


def test_the_worst_comes_first(page: Client, cluster: Cluster) -> None:
    make_cluster("alpha")
    park(cluster)
    html = page.get(url()).content.decode()
    assert html.index(">production<") < html.index(">alpha<")


def test_a_scope_narrows_clusters_and_parked_reports(page: Client, cluster: Cluster) -> None:
    make_cluster("alpha")
    park(cluster)
    html = page.get(f"{url()}?cluster=alpha").content.decode()
    assert ">alpha<" in html
    assert "ZstdError" not in html


@pytest.mark.parametrize(("name", "count"), [("olivia", 1), ("sam", 1), ("pat", 1), ("dev", 0), ("audrey", 0)])
def test_buttons_are_for_those_who_may(
    client: Client, cluster: Cluster, request: pytest.FixtureRequest, name: str, count: int
) -> None:
    park(cluster)
    client.force_login(request.getfixturevalue(name))
    html = client.get(url()).content.decode()
    assert html.count("Try again") == count
    assert html.count("Dismiss report") == count
    assert "ZstdError" in html


def test_trying_again_puts_the_report_back_and_returns_here(page: Client, cluster: Cluster, servers: Any) -> None:
    parked = park(cluster)
    answer = page.post(reverse("report_retry", args=["acme", cluster.pk, parked.pk]), {"from": "ingestion"})
    assert answer["Location"] == url()
    assert Report.objects.get().status == "accepted"


def test_dismissing_drops_the_report_and_returns_here(page: Client, cluster: Cluster, olivia: User) -> None:
    parked = park(cluster)
    dismiss = reverse("report_dismiss", args=["acme", cluster.pk, parked.pk])
    assert page.post(dismiss, {"from": "ingestion"})["Location"] == url()
    stored = Report.objects.get()
    assert (stored.status, stored.body, stored.error) == ("dismissed", None, "ZstdError: cut short")
    assert AuditEvent.objects.get(verb="report.dismissed").actor == olivia
    assert "ZstdError" not in page.get(url()).content.decode()
    html = page.post(dismiss, follow=True).content.decode()
    assert "Only a parked report can be dismissed; this one is dismissed." in html
    assert "then dismissed: it was not merged" in html


def test_a_report_of_another_cluster_is_not_dismissed_through_this_one(page: Client, cluster: Cluster) -> None:
    parked = park(make_cluster("other"))
    assert page.post(reverse("report_dismiss", args=["acme", cluster.pk, parked.pk])).status_code == 404


def test_the_page_costs_the_same_with_one_cluster_and_with_fifty(
    page: Client, acme: Organization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    page.get(url())  # the first page remembers the organization in the session
    for number in range(50):
        with organization_scope(acme.pk):
            made = make_cluster(f"cluster-{number}")
            park(made)
            count_day(made, "accepted", 1)
            count_day(made, "schema", 1)
        if number in (0, 49):
            with django_assert_num_queries(PAGE_QUERIES):
                assert page.get(url()).status_code == 200


def test_the_list_of_the_api_says_the_same(client: Client, cluster: Cluster, bearer: dict[str, str]) -> None:
    park(cluster)
    count_day(cluster, "accepted", 7, days_ago=1)
    count_day(cluster, "schema", 3, detail="See fields.")
    row = client.get(reverse("api_ingestion", args=["acme"]), headers=bearer).json()["results"][0]
    assert (row["cluster"], row["troubles"], row["parked_count"]) == ("production", ["parked", "refused"], 1)
    assert row["reports_by_day"] == [*[0] * 12, 7, 0]
    assert [(r["code"], r["count"], r["last_detail"]) for r in row["refusals"]] == [("schema", 3, "See fields.")]


def test_the_list_costs_the_same_with_one_cluster_and_with_fifty(
    client: Client, acme: Organization, bearer: dict[str, str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get(reverse("api_ingestion", args=["acme"]), headers=bearer)  # a token's first use is written down
    for number in range(50):
        with organization_scope(acme.pk):
            made = make_cluster(f"cluster-{number}")
            count_day(made, "schema", 1)
        if number in (0, 49):
            with django_assert_num_queries(LIST_QUERIES):
                assert client.get(reverse("api_ingestion", args=["acme"]), headers=bearer).status_code == 200


def test_dismissing_by_the_api(client: Client, cluster: Cluster, bearer: dict[str, str]) -> None:
    dismiss = reverse("api_report_dismiss", args=["acme", park(cluster).pk])
    assert client.post(dismiss, headers=bearer).json()["status"] == "dismissed"
    again = client.post(dismiss, headers=bearer)
    assert (again.status_code, again.json()["code"]) == (409, "report_not_parked")
