"""The list of workloads and one workload's page."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from common.clock import now
from compliance.selectors.filters import Filters
from compliance.selectors.workloads import ORDERINGS, WORKLOAD_KINDS, resource_page
from organizations.models import Organization, User
from tests.factories import make_violation, make_workload
from tests.fleet import FRAME_QUERIES, Fleet, grow, make_fleet, visitor

LIST_QUERIES = FRAME_QUERIES + 8
PAGE_QUERIES = FRAME_QUERIES + 5


@pytest.fixture
def fleet(acme_scope: Organization) -> Fleet:
    return make_fleet()


def get(client: Client, user: User, url: str) -> str:
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def names(page: str, known: list[str]) -> list[str]:
    """The known names in the order in which their rows stand."""
    found = [name for name in known if f">{name}</a>" in page]
    return sorted(found, key=lambda name: page.index(f">{name}</a>"))


def test_worst_come_first_and_other_kinds_on_request(client: Client, olivia: User, fleet: Fleet) -> None:
    make_workload(fleet.production, "clean")
    medium, critical = (make_workload(fleet.production, name) for name in ("medium", "critical"))
    make_workload(fleet.production, "front", kind="Ingress")
    make_violation(medium, fleet.latest)
    make_violation(critical, fleet.privileged)
    known = ["clean", "medium", "critical", "front"]
    assert names(get(client, olivia, "/o/acme/workloads"), known) == ["critical", "medium", "clean"]
    every = get(client, olivia, "/o/acme/workloads?kind=all")
    assert set(names(every, known)) == set(known)
    assert names(get(client, olivia, "/o/acme/workloads?kind=Ingress"), known) == ["front"]
    assert "2 of 3 workloads" in get(client, olivia, "/o/acme/workloads")


def test_a_filter_on_violations_keeps_workloads_that_have_such_an_open_one(fleet: Fleet) -> None:
    fixed, broken = make_workload(fleet.production, "fixed"), make_workload(fleet.production, "broken")
    make_violation(fixed, fleet.privileged, resolved_at=now())
    make_violation(broken, fleet.privileged)
    found = resource_page(Filters(policy_ids=(fleet.privileged.id,))).rows
    assert [row.name for row in found] == ["broken"]


def test_deleted_resources_leave_the_list_and_keep_their_page(
    client: Client, olivia: User, fleet: Fleet
) -> None:
    gone = make_workload(fleet.production, "gone", deleted_at=now() - timedelta(days=2))
    assert resource_page(Filters()).rows == []
    assert "left the cluster" in get(client, olivia, f"/o/acme/workloads/{gone.id}")


@pytest.mark.parametrize("order", sorted(ORDERINGS))
@pytest.mark.parametrize("backwards", [False, True])
def test_pages_hold_every_workload_once_in_each_order(fleet: Fleet, order: str, backwards: bool) -> None:
    grow(fleet, 7)
    make_workload(fleet.production)
    keyset = ORDERINGS[order].reversed() if backwards else ORDERINGS[order]
    whole = [row.id for row in resource_page(Filters(), kinds=WORKLOAD_KINDS, order=keyset).rows]
    pages = [resource_page(Filters(), order=keyset, limit=3)]
    while pages[-1].next:
        pages.append(resource_page(Filters(), order=keyset, limit=3, cursor=pages[-1].next))
    assert [row.id for page in pages for row in page.rows] == whole
    back = resource_page(Filters(), order=keyset, limit=3, cursor=pages[-1].previous)
    assert [row.id for row in back.rows] == [row.id for row in pages[-2].rows]


@pytest.mark.parametrize(
    "query",
    [
        "?sort=colour",
        "?kind=Nonsense",
        "?cursor=x",
        "?sort=name&cursor=WzAsMSwyLDNd",
        "?as_of=2026-01-01",
        "?kind=%00",
    ],
)
def test_hostile_queries_do_no_harm(client: Client, olivia: User, fleet: Fleet, query: str) -> None:
    grow(fleet, 1)
    assert "Workloads" in get(client, olivia, f"/o/acme/workloads{query}")


def test_the_page_sums_up_shows_one_patch_and_marks_lines(client: Client, olivia: User, fleet: Fleet) -> None:
    workload = make_workload(fleet.production, "checkout", team=fleet.payments, passed=[fleet.probes.id])
    make_violation(workload, fleet.privileged)
    make_violation(workload, fleet.latest, fix=None, path="spec.replicas")
    page = get(client, olivia, f"/o/acme/workloads/{workload.id}")
    assert "<strong>2 violations</strong> of 2 policies to fix; one patch closes <strong>1</strong>" in page
    assert "One patch for 1 of 2" in page
    assert 'class="marked"' in page
    assert "shop/checkout.yaml:1" in page
    assert ">Payments</a>" in page
    assert "liveness-probe" in page


def test_posture_is_weighted_and_lowered_by_silence(client: Client, olivia: User, fleet: Fleet) -> None:
    verdicts = {"passed": [fleet.privileged.id], "failed": [fleet.latest.id]}
    fresh = make_workload(fleet.production, **verdicts)
    assert "83\u202f%" in get(client, olivia, f"/o/acme/workloads/{fresh.id}")
    fleet.staging.last_scanned_at = now() - timedelta(days=3)
    fleet.staging.save()
    silent = make_workload(fleet.staging, **verdicts)
    page = get(client, olivia, f"/o/acme/workloads/{silent.id}")
    assert "83\u202f%" not in page
    assert "no data" in page


def test_history_tells_openings_and_closings(client: Client, olivia: User, fleet: Fleet) -> None:
    workload = make_workload(fleet.production)
    make_violation(workload, fleet.privileged, resolved_at=now() - timedelta(hours=1))
    page = get(client, olivia, f"/o/acme/workloads/{workload.id}")
    assert "privileged-container opened" in page
    assert "privileged-container resolved" in page
    assert "First reported" in page


def test_what_is_too_much_to_count_is_listed_without_numbers(
    client: Client, olivia: User, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(fleet, 4)
    make_workload(fleet.production, kind="CronJob")
    monkeypatch.setattr("compliance.selectors.workloads.MOST_COUNTED", 3)
    client.force_login(olivia)
    page = client.get("/o/acme/workloads").content.decode()
    assert "More than 5,000 workloads" in page
    assert '<option value="CronJob">CronJob</option>' in page
    assert '<option value="space-1">space-1</option>' in page


def test_workloads_page_costs_the_same_at_1_and_50(
    client: Client, olivia: User, fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    visitor(client, olivia)
    grow(fleet, 1)
    with django_assert_num_queries(LIST_QUERIES):
        client.get("/o/acme/workloads")
    grow(fleet, 49)
    with django_assert_num_queries(LIST_QUERIES):
        client.get("/o/acme/workloads")


def test_a_workload_costs_the_same_with_1_and_50_violations(
    client: Client, olivia: User, fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    visitor(client, olivia)
    workload = make_workload(fleet.production)
    make_violation(workload, fleet.privileged)
    with django_assert_num_queries(PAGE_QUERIES):
        client.get(f"/o/acme/workloads/{workload.id}")
    for number in range(49):
        make_violation(workload, fleet.latest, place=str(number))
    with django_assert_num_queries(PAGE_QUERIES):
        client.get(f"/o/acme/workloads/{workload.id}")
