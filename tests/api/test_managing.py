"""What the API changes: clusters, their tokens, and reports to be tried again."""

from typing import Any

import pytest
from django.test import Client

from clusters.models import AgentToken, Cluster, ReportStatus
from organizations.models import AuditEvent, Organization, User
from tests.api.conftest import HERE
from tests.factories import make_report
from tests.fleet import Fleet

NEW = {"name": "frankfurt", "environment": "production"}


def post(client: Client, user: User, path: str, body: Any = None) -> Any:
    client.force_login(user)
    return client.post(f"{HERE}/{path}", body or {}, content_type="application/json")


def test_a_cluster_is_registered_with_a_token_shown_once(
    client: Client, pat: User, acme_scope: Organization
) -> None:
    response = post(client, pat, "clusters", NEW)
    assert response.status_code == 201
    secret = response.json()["token"]
    cluster_id = response.json()["cluster"]["id"]
    listed = client.get(f"{HERE}/clusters/{cluster_id}/tokens").json()["results"]
    assert secret.startswith(listed[0]["prefix"])
    assert secret not in str(listed)
    assert list(AuditEvent.objects.order_by("id").values_list("verb", flat=True))[-2:] == [
        "cluster.registered",
        "agent_token.issued",
    ]


def test_a_developer_registers_nothing(client: Client, dev: User, acme_scope: Organization) -> None:
    assert post(client, dev, "clusters", NEW).status_code == 403
    assert not Cluster.objects.exists()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "environment"}),
        ({"name": "Not A Name", "environment": "production"}, {"name"}),
        ({"name": "a\u0000b", "environment": "production"}, {"name"}),
        ({"name": "fine", "environment": "moon"}, {"environment"}),
        ({"name": ["x"], "environment": {}}, {"name", "environment"}),
    ],
)
def test_bad_clusters_are_refused_by_field(
    client: Client, olivia: User, acme_scope: Organization, body: Any, fields: set[str]
) -> None:
    response = post(client, olivia, "clusters", body)
    assert response.status_code == 400
    assert set(response.json()["fields"]) == fields
    assert not Cluster.objects.exists()


def test_a_name_that_is_taken_conflicts_and_issues_no_token(
    client: Client, olivia: User, fleet: Fleet
) -> None:
    response = post(client, olivia, "clusters", {"name": "staging", "environment": "staging"})
    assert (response.status_code, response.json()["code"]) == (409, "cluster_exists")
    assert not AgentToken.objects.exists()


def test_a_token_is_revoked_by_its_own_cluster_only(client: Client, olivia: User, fleet: Fleet) -> None:
    issued = post(client, olivia, f"clusters/{fleet.staging.id}/tokens").json()
    wrong = client.delete(f"{HERE}/clusters/{fleet.production.id}/tokens/{issued['id']}")
    assert wrong.status_code == 404
    assert AgentToken.objects.get().revoked_at is None
    right = client.delete(f"{HERE}/clusters/{fleet.staging.id}/tokens/{issued['id']}")
    assert (right.status_code, right.content) == (204, b"")
    assert AgentToken.objects.get().revoked_at is not None


def test_a_parked_report_is_tried_again(client: Client, sam: User, fleet: Fleet) -> None:
    report = make_report(fleet.production, ReportStatus.PARKED, body=b"x")
    response = post(client, sam, f"reports/{report.id}/retry")
    assert (response.status_code, response.json()["status"]) == (202, "accepted")
    report.refresh_from_db()
    assert (report.status, report.error, report.attempt_count) == ("accepted", "", 0)
    assert AuditEvent.objects.filter(verb="report.retried", actor=sam).count() == 1


@pytest.mark.parametrize(("status", "body"), [("processed", b"x"), ("accepted", b"x"), ("parked", None)])
def test_other_reports_are_not_tried_again(
    client: Client, olivia: User, fleet: Fleet, status: str, body: bytes | None
) -> None:
    report = make_report(fleet.production, status, body=body)
    response = post(client, olivia, f"reports/{report.id}/retry")
    assert (response.status_code, response.json()["code"]) == (409, "report_not_parked")


def test_a_developer_retries_nothing(client: Client, dev: User, fleet: Fleet) -> None:
    report = make_report(fleet.production, ReportStatus.PARKED, body=b"x")
    assert post(client, dev, f"reports/{report.id}/retry").status_code == 403


def test_a_session_without_its_csrf_token_changes_nothing(olivia: User, acme_scope: Organization) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(olivia)
    assert client.post(f"{HERE}/clusters", NEW, content_type="application/json").status_code == 403
    assert not Cluster.objects.exists()


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "null"])
def test_bodies_that_are_no_object_are_refused(
    client: Client, olivia: User, acme_scope: Organization, body: str
) -> None:
    client.force_login(olivia)
    response = client.post(f"{HERE}/clusters", body, content_type="application/json")
    assert response.status_code == 400
    assert set(response.json()) == {"detail", "code", "fields"}
