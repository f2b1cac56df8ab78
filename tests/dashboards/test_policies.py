"""Policies and standards with what they found, and the search by name."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from common.clock import now, today
from compliance.models import PolicyDay
from compliance.selectors.directory import Directory
from compliance.selectors.filters import Filters
from compliance.selectors.policies import policy_rows, policy_trend
from compliance.selectors.search import search
from compliance.selectors.standards import standard_row
from organizations.models import Organization, User
from tests.dashboards.posture_days import make_policy_day
from tests.factories import make_count, make_policy, make_standard, make_violation, make_workload
from tests.fleet import FRAME_QUERIES, Fleet, count_verdicts, grow, make_fleet, visitor

PAGES = {
    "/o/acme/policies": FRAME_QUERIES + 9,
    "/o/acme/policies/privileged-container": FRAME_QUERIES + 9,
    "/o/acme/standards": FRAME_QUERIES + 10,
    "/o/acme/standards/pss-baseline": FRAME_QUERIES + 10,
    "/o/acme/search": FRAME_QUERIES,
    "/o/acme/search?q=a": FRAME_QUERIES + 5,
}


@pytest.fixture
def fleet(acme_scope: Organization) -> Fleet:
    fleet = make_fleet()
    count_verdicts(fleet)
    return fleet


def get(client: Client, user: User, url: str) -> str:
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def counts(filters: Filters) -> dict[str, tuple[int, int]]:
    rows = policy_rows(filters, Directory())
    return {row.policy.slug: (row.counts.failed, row.counts.applicable) for row in rows}


def test_verdicts_are_summed_over_what_is_in_view(fleet: Fleet) -> None:
    assert counts(Filters())["privileged-container"] == (4, 15)
    assert counts(Filters(cluster_ids=(fleet.staging.id,)))["privileged-container"] == (1, 5)
    assert counts(Filters(namespace="elsewhere"))["privileged-container"] == (0, 0)


def test_errors_lower_coverage_and_not_the_score(fleet: Fleet) -> None:
    row = next(row for row in policy_rows(Filters(), Directory()) if row.policy == fleet.latest)
    assert row.counts.posture.score == pytest.approx(8 / 9)
    assert row.counts.posture.coverage == pytest.approx(9 / 10)


def test_a_silent_cluster_lowers_coverage_and_leaves_the_score_to_the_others(fleet: Fleet) -> None:
    fleet.production.last_scanned_at = now() - timedelta(days=2)
    fleet.production.save()
    row = next(row for row in policy_rows(Filters(), Directory()) if row.policy == fleet.privileged)
    assert row.counts.failed == 4
    assert row.counts.posture.score == pytest.approx(4 / 5)
    assert row.counts.posture.coverage == pytest.approx(5 / 15)


def test_a_past_day_reads_each_clusters_last_day_up_to_it(fleet: Fleet) -> None:
    day = today() - timedelta(days=5)
    rows = [
        (fleet.production, day, 9),
        (fleet.staging, day - timedelta(days=3), 2),
        (fleet.staging, today(), 1),
    ]
    for cluster, at, failed in rows:
        make_policy_day(cluster, at, fleet.privileged, failed=failed)
    assert counts(Filters(as_of=day))["privileged-container"] == (11, 11)


def test_the_trend_carries_a_cluster_that_was_silent(fleet: Fleet) -> None:
    PolicyDay.objects.all().delete()
    first = today() - timedelta(days=3)
    for cluster, at, failed in [
        (fleet.production, first, 5),
        (fleet.staging, first + timedelta(days=1), 2),
        (fleet.production, today(), 1),
    ]:
        make_policy_day(cluster, at, fleet.privileged, failed=failed)
    assert [failed for _, failed in policy_trend(fleet.privileged, Filters())] == [5, 7, 7, 3]


def test_the_list_answers_and_sorts(client: Client, olivia: User, fleet: Fleet) -> None:
    page = get(client, olivia, "/o/acme/policies")
    assert "<strong>2 of 3 policies</strong> fail somewhere" in page
    order = [
        page.index(f"/policies/{slug}")
        for slug in ("privileged-container", "image-latest-tag", "liveness-probe")
    ]
    assert order == sorted(order)
    up = get(client, olivia, "/o/acme/policies?sort=severity")
    assert up.index("/policies/liveness-probe") < up.index("/policies/privileged-container")


def test_a_policy_shows_its_expression_reason_and_where_it_fails(
    client: Client, olivia: User, fleet: Fleet
) -> None:
    page = get(client, olivia, "/o/acme/policies/privileged-container")
    assert "!container.?securityContext.?privileged.orValue(false)" in page
    assert "Fails on <strong>4 of 15</strong>" in page
    assert "It hands the node to whoever holds the container." in page
    assert "cluster=production&amp;namespace=shop" in page or "cluster=production&namespace=shop" in page


def test_retired_policies_are_listed_while_they_still_find_something(fleet: Fleet) -> None:
    retired = make_policy("old-rule", retired_at=now())
    assert "old-rule" not in counts(Filters())
    make_count(fleet.production, retired, failed=1)
    assert "old-rule" in counts(Filters())


def test_controls_have_a_state_each(fleet: Fleet) -> None:
    make_standard("all-states", [fleet.privileged, fleet.latest, fleet.probes])
    row = standard_row("all-states", Filters(cluster_ids=(fleet.staging.id,)), Directory())
    assert [control.state for control in row.controls] == ["failing", "no_data", "no_data", "manual"]
    assert (row.automated_count, row.manual_count, row.failing_count) == (3, 1, 1)


def test_a_control_that_erred_is_incomplete_and_not_passing(fleet: Fleet) -> None:
    make_standard("probes", [fleet.probes])
    make_count(fleet.production, fleet.probes, passed=2, errored=1)
    assert standard_row("probes", Filters(), Directory()).controls[0].state == "incomplete"


def test_a_control_whose_cluster_went_silent_is_incomplete_and_not_passing(fleet: Fleet) -> None:
    make_standard("probes", [fleet.probes])
    make_count(fleet.production, fleet.probes, passed=2)
    assert standard_row("probes", Filters(), Directory()).controls[0].state == "passing"
    fleet.production.last_scanned_at = now() - timedelta(days=2)
    fleet.production.save()
    assert standard_row("probes", Filters(), Directory()).controls[0].state == "incomplete"


def test_a_control_that_also_wants_evidence_passes_in_part(client: Client, olivia: User, fleet: Fleet) -> None:
    standard = make_standard("probes", [fleet.probes])
    standard.document["spec"]["controls"][0]["manual"] = "The restore exercise of this year, signed by its lead."
    standard.save()
    make_count(fleet.production, fleet.probes, passed=2)
    row = standard_row("probes", Filters(), Directory())
    assert (row.controls[0].state, row.passing_count, row.partial_count) == ("partial", 0, 1)
    page = get(client, olivia, "/o/acme/standards/probes")
    assert "0 pass and 1 passes in part." in page
    assert "The rest wants: The restore exercise of this year" in page


def test_a_manual_control_shows_the_evidence_it_wants_and_no_verdict(
    client: Client, olivia: User, fleet: Fleet
) -> None:
    page = get(client, olivia, "/o/acme/standards/pss-baseline")
    by_hand = page[page.index('id="manual-title"') :]
    assert "Access is reviewed every quarter" in by_hand
    assert "The access review of the last quarter, signed by its owner." in by_hand
    assert "Passing" not in by_hand
    assert "1 more wants evidence by hand and has no score." in page


def test_the_list_of_standards_says_how_many_controls_are_manual(
    client: Client, olivia: User, fleet: Fleet
) -> None:
    assert "1 of 2; 1 manual" in get(client, olivia, "/o/acme/standards")


def test_a_control_whose_policies_left_the_library_is_not_manual(fleet: Fleet) -> None:
    standard = make_standard("left", [fleet.probes])
    standard.document["spec"]["controls"][0]["policies"] = ["gone"]
    standard.save()
    assert standard_row("left", Filters(), Directory()).controls[0].state == "no_data"


def test_a_standard_begins_with_the_controls_of_the_one_it_extends(fleet: Fleet) -> None:
    wider = make_standard("pss-restricted", [fleet.latest])
    wider.document["spec"]["extends"] = "pss-baseline"
    wider.save()
    ids = [control.id for control in standard_row("pss-restricted", Filters(), Directory()).controls]
    assert ids == ["privileged-container", "image-latest-tag", "manual-review"]


def test_standards_that_extend_each_other_end(fleet: Fleet) -> None:
    loop = make_standard("loop", [fleet.latest])
    loop.document["spec"]["extends"] = "loop"
    loop.save()
    assert len(standard_row("loop", Filters(), Directory()).controls) == 2


def test_a_standards_page_weighs_and_counts(client: Client, olivia: User, fleet: Fleet) -> None:
    page = get(client, olivia, "/o/acme/standards/pss-baseline")
    assert "<strong>1 of 1</strong> control that policies check fails" in page
    assert "73\u202f%" in page


def test_a_control_with_many_policies_shows_those_that_fail_most_and_folds_the_rest(
    client: Client, olivia: User, fleet: Fleet
) -> None:
    many = [make_policy(f"policy-{number}") for number in range(7)]
    standard = make_standard("many", many)
    controls = [{"id": "all", "title": "All at once", "policies": [policy.slug for policy in many]}]
    standard.document["spec"]["controls"] = controls
    standard.save()
    for number, policy in enumerate(many):
        make_count(fleet.production, policy, failed=number)
    page = get(client, olivia, "/o/acme/standards/many")
    shown, folded = page[: page.index("2 more</summary>")], page[page.index("2 more</summary>") :]
    assert [f"/policies/policy-{number}" in shown for number in range(7)] == [False, False, *[True] * 5]
    assert shown.index("/policies/policy-6") < shown.index("/policies/policy-2")
    assert "/policies/policy-0" in folded


def test_search_puts_names_that_begin_so_first(fleet: Fleet) -> None:
    for name in ("my-checkout", "checkout", "other"):
        make_workload(fleet.production, name)
    found = search("CHECKOUT")
    assert [resource.name for resource in found.resources] == ["checkout", "my-checkout"]
    assert search("stag").clusters == (fleet.staging,)
    assert search("latest").policies == (fleet.latest,)
    assert not search("  ")
    assert not search("100%")


def test_of_a_name_that_many_bear_the_worst_are_shown(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compliance.selectors.violations.MOST_NAMED", 1)
    names = ("my-checkout", "checkout", "checkout-old", "other")
    for name in names:
        make_violation(make_workload(fleet.production, name), fleet.privileged)
    make_workload(fleet.production, "checkout-clean")
    monkeypatch.setattr("compliance.selectors.search.MOST_OF_A_KIND", 3)
    found = [resource.name for resource in search("CHECKOUT").resources]
    assert sorted(found) == ["checkout", "checkout-old", "my-checkout"]
    assert found[-1] == "my-checkout"


@pytest.mark.parametrize("url", sorted(PAGES))
@pytest.mark.parametrize("query", ["cluster=x&as_of=1&sort=x&q=%00", "namespace=a&as_of=2026-01-02&team=b"])
def test_hostile_queries_do_no_harm(client: Client, olivia: User, fleet: Fleet, url: str, query: str) -> None:
    assert get(client, olivia, f"{url}{'&' if '?' in url else '?'}{query}")


@pytest.mark.parametrize("url", ["/o/acme/policies/nothing", "/o/acme/standards/nothing"])
def test_unknown_names_are_not_found(client: Client, olivia: User, fleet: Fleet, url: str) -> None:
    client.force_login(olivia)
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(("url", "queries"), sorted(PAGES.items()))
def test_pages_cost_the_same_at_1_and_50(
    client: Client,
    olivia: User,
    fleet: Fleet,
    django_assert_num_queries: DjangoAssertNumQueries,
    url: str,
    queries: int,
) -> None:
    visitor(client, olivia)
    grow(fleet, 1)
    with django_assert_num_queries(queries):
        client.get(url)
    grow(fleet, 49)
    for number in range(49):
        policy = make_policy(f"policy-{number}")
        make_count(fleet.production, policy, namespace=f"space-{number}", failed=1)
        make_count(fleet.production, fleet.privileged, namespace=f"space-{number}", failed=1)
        make_standard(f"standard-{number}", [policy])
        make_violation(fleet.workloads[0], policy)
    with django_assert_num_queries(queries):
        client.get(url)
