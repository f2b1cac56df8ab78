"""The read API: lists, their pages and filters, details, and what is refused."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from clusters.models import ReportStatus
from common.clock import now
from organizations.models import Organization, User
from organizations.services.tokens import issue_api_token
from tests.api.conftest import HERE, Ask
from tests.factories import UNPRIVILEGED_FIX, make_report, make_violation, make_workload
from tests.fleet import Fleet, count_verdicts, grow, visitor

LISTS = ["clusters", "resources", "violations", "policies", "standards", "reports"]
QUERIES = {
    "clusters": 1,
    "resources": 1,
    "violations": 1,
    "policies": 3,
    "standards": 6,
    "reports": 1,
}
SCOPE_QUERIES = 7


def test_a_token_acts_as_its_user_and_knows_its_organization_alone(
    client: Client, olivia: User, fleet: Fleet, acme: Organization
) -> None:
    _, secret = issue_api_token(user=olivia, name="laptop", actor=olivia)
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    assert client.get(f"{HERE}/violations", **bearer).status_code == 200
    mine = client.get("/api/v1/organizations", **bearer).json()
    assert mine == {"results": [{"slug": "acme", "name": "Acme", "role": "owner"}]}
    assert client.get("/api/v1/organizations/globex/violations", **bearer).status_code == 404
    assert client.get(f"{HERE}/violations", HTTP_AUTHORIZATION="Bearer plb_nonsense").status_code == 401
    assert client.get(f"{HERE}/violations").status_code == 401


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_is_a_list(ask: Ask, acme: Organization, name: str) -> None:
    assert set(ask(name)) == {"results", "next", "previous"}


@pytest.mark.parametrize("name", ["resources", "violations", "policies"])
def test_pages_hold_every_row_once_forwards_and_backwards(ask: Ask, fleet: Fleet, name: str) -> None:
    grow(fleet, 4)
    whole = ask(name)["results"]
    pages = [ask(f"{name}?limit=3")]
    while pages[-1]["next"]:
        pages.append(ask(pages[-1]["next"].removeprefix("http://testserver")))
    assert len(pages) == -(-len(whole) // 3)
    assert [row for page in pages for row in page["results"]] == whole
    back = [pages[-1]]
    while back[-1]["previous"]:
        back.append(ask(back[-1]["previous"].removeprefix("http://testserver")))
    assert [row for page in reversed(back) for row in page["results"]] == whole


def test_rows_that_come_in_meanwhile_shift_no_page(ask: Ask, fleet: Fleet) -> None:
    grow(fleet, 3)
    first = ask("violations?limit=2")
    make_violation(make_workload(fleet.production), fleet.privileged, opened_at=now())
    second = ask(first["next"].removeprefix("http://testserver"))
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert len(ids) == len(set(ids)) == 4


def test_filters_are_those_of_the_pages(ask: Ask, fleet: Fleet) -> None:
    grow(fleet, 4)
    found = ask(
        "violations?cluster=staging&severity=critical&severity=high&team=payments&policy=privileged-container"
    )
    assert [row["cluster"] for row in found["results"]] == ["staging"]
    assert len(ask("violations?status=all&q=workload-&category=images&standard=pss-baseline")["results"]) == 0
    assert len(ask("resources?severity=critical&kind=Deployment&ordering=name")["results"]) == 4


def test_a_past_day_and_what_was_resolved_can_be_asked_for(ask: Ask, fleet: Fleet) -> None:
    make_violation(
        make_workload(fleet.production),
        fleet.privileged,
        opened_at=now() - timedelta(days=9),
        resolved_at=now() - timedelta(days=2),
    )
    day = (now() - timedelta(days=5)).date()
    assert len(ask("violations")["results"]) == 0
    assert len(ask("violations?status=resolved")["results"]) == 1
    assert len(ask(f"violations?as_of={day}")["results"]) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cluster=nowhere", "cluster"),
        ("severity=3", "severity"),
        ("team=x", "team"),
        ("policy=x", "policy"),
        ("standard=x", "standard"),
        ("category=x", "category"),
        ("environment=x", "environment"),
        ("status=x", "status"),
        ("as_of=yesterday", "as_of"),
        ("as_of=2999-01-01", "as_of"),
        ("as_of=2026-01-01&status=resolved", "status"),
        ("q=%00", "q"),
        ("namespace=a%00b", "namespace"),
        (f"q={'x' * 300}", "q"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=99999999999999999999999", "limit"),
        ("limit=-1", "limit"),
        ("limit=%D9%A3", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=W10", "cursor"),
        ("cursor=WzAsOTk5OTk5OTk5OTk5OTk5OTk5OTk5OTksIjIwMjYtMDEtMDFUMDA6MDA6MDBaIiwxXQ", "cursor"),
        ("cursor=%F0%9F%92%A5", "cursor"),
        ("severtiy=high", "severtiy"),
    ],
)
def test_bad_values_are_refused_by_name(ask: Ask, fleet: Fleet, query: str, field: str) -> None:
    answer = ask(f"violations?{query}", status=400)
    assert set(answer) == {"detail", "code", "fields"}
    assert list(answer["fields"]) == [field]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("resources?ordering=manifest", "ordering"),
        ("resources?kind=De%00ployment", "kind"),
        ("resources?as_of=2026-01-01", "as_of"),
        ("reports?report_status=lost", "report_status"),
        ("posture/history?days=0", "days"),
        ("posture/history?days=10000", "days"),
        ("policies?cursor=x", "cursor"),
        ("clusters?q=x", "q"),
    ],
)
def test_other_lists_refuse_by_name_too(ask: Ask, fleet: Fleet, path: str, field: str) -> None:
    assert list(ask(path, status=400)["fields"]) == [field]


@pytest.mark.parametrize(
    "path",
    [
        "violations/0",
        "violations/99999999999999999999999",
        "resources/99999999999999999999999",
        "clusters/00000000-0000-0000-0000-000000000000",
        "reports/00000000-0000-0000-0000-000000000000",
        "policies/nothing",
        "standards/nothing",
    ],
)
def test_what_is_not_there_is_404_in_the_one_shape(ask: Ask, fleet: Fleet, path: str) -> None:
    answer = ask(path, status=404)
    assert (answer["code"], answer["fields"]) == ("not_found", {})


def test_a_violation_tells_its_life_and_its_fix(ask: Ask, fleet: Fleet) -> None:
    violation = make_violation(
        make_workload(fleet.production, "checkout", team=fleet.payments), fleet.privileged
    )
    found = ask(f"violations/{violation.id}")
    assert found["resource"] | {"id": 0} == {
        "id": 0,
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "checkout",
    }
    assert (found["severity"], found["team"], found["cluster"]) == ("critical", "payments", "production")
    assert (found["found"], found["fix"]) == (True, UNPRIVILEGED_FIX)
    assert "-              privileged: true\n+              privileged: false" in found["diff"].replace(
        "            privileged", "              privileged"
    )
    assert [interval["closed_at"] for interval in found["intervals"]] == [None]
    assert found["why"]


def test_a_resource_tells_its_verdicts_and_posture(ask: Ask, fleet: Fleet) -> None:
    workload = make_workload(fleet.production, passed=[fleet.latest.id], failed=[fleet.privileged.id])
    found = ask(f"resources/{workload.id}")
    assert found["verdicts"]["failed"] == ["privileged-container"]
    assert found["posture"]["score"] == pytest.approx(2 / 12)
    assert found["posture"]["coverage"] == 1
    assert (found["worst_severity"], found["team"]) == (None, None)


def test_policies_and_standards_count_what_is_in_view(ask: Ask, fleet: Fleet) -> None:
    count_verdicts(fleet)
    policies = {row["slug"]: row for row in ask("policies?cluster=staging")["results"]}
    assert policies["privileged-container"]["counts"] == {
        "passed": 4,
        "failed": 1,
        "errored": 0,
        "skipped": 0,
    }
    assert ask("policies/privileged-container")["counts"]["failed"] == 4
    assert ask("policies/privileged-container")["standards"] == ["pss-baseline"]
    standard = ask("standards/pss-baseline")
    assert [control["state"] for control in standard["controls"]] == ["failing", "manual"]
    assert (standard["control_count"], standard["automated_count"], standard["manual_count"]) == (2, 1, 1)
    assert standard["controls"][1]["manual"].startswith("The access review of the last quarter")


def test_posture_without_data_has_no_score(ask: Ask, fleet: Fleet) -> None:
    assert ask("posture")["posture"] == {
        "score": None,
        "coverage": None,
        "passed": 0,
        "failed": 0,
        "errored": 0,
        "skipped": 0,
        "unreported": 0,
    }
    assert len(ask("posture/history?days=7")["days"]) == 7


def test_posture_tells_categories_and_the_hottest_places(ask: Ask, fleet: Fleet) -> None:
    count_verdicts(fleet)
    grow(fleet, 6)
    found = ask("posture?limit=2")
    passed = {row["category"]: row["posture"]["passed"] for row in found["categories"]}
    assert passed == {"images": 8 * 2, "pod-security": 11 * 10}
    assert (found["place_count"], len(found["places"])) == (6, 2)
    assert found["places"][0]["open"] == {"critical": 1, "high": 0, "medium": 1, "low": 0}


def test_no_list_shows_a_manifest_or_a_digest(ask: Ask, client: Client, fleet: Fleet) -> None:
    grow(fleet, 1)
    for name in LISTS:
        shown = ask(name)["results"]
        assert not [row for row in shown if {"manifest", "digest", "body"} & set(row)]


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_lists_cost_the_same_at_1_and_50(
    client: Client,
    olivia: User,
    fleet: Fleet,
    django_assert_num_queries: DjangoAssertNumQueries,
    name: str,
) -> None:
    visitor(client, olivia)
    for number in (1, 49):
        grow(fleet, number)
        for index in range(number):
            make_report(fleet.production, ReportStatus.PROCESSED, scanned_at=now() - timedelta(minutes=index))
        with django_assert_num_queries(SCOPE_QUERIES + QUERIES[name]):
            assert client.get(f"{HERE}/{name}?").status_code == 200


def test_reports_are_followed_by_status_and_cluster(ask: Ask, fleet: Fleet) -> None:
    make_report(fleet.production, ReportStatus.PARKED)
    make_report(fleet.production, ReportStatus.PROCESSED)
    parked = ask("reports?report_status=parked&cluster=production")["results"]
    assert [(row["status"], row["error"]) for row in parked] == [("parked", "KeyError: 'kind'")]
    assert ask("reports?cluster=staging")["results"] == []
    assert ask(f"reports/{parked[0]['id']}")["status"] == "parked"
