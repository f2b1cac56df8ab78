"""The fix page and the violation it opens."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.http import QueryDict
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from common.clock import now, today
from compliance.models import PostureCount, PostureDay, Severity, Violation
from compliance.selectors.directory import Directory
from compliance.selectors.facets import violation_facets
from compliance.selectors.filters import Filters, parse_filters
from compliance.selectors.groups import group_page
from compliance.selectors.suggestions import best_fixes
from compliance.selectors.violations import violation_page
from organizations.models import Organization, TeamMembership, User
from tests.dashboards.posture_days import make_day
from tests.factories import make_violation, make_workload
from tests.fleet import FRAME_QUERIES, Fleet, grow, make_fleet, visitor

FIX = "/o/acme/fix"
HTMX = {"HTTP_HX_REQUEST": "true"}
FIX_QUERIES = FRAME_QUERIES + 17


@pytest.fixture
def fleet(acme_scope: Organization) -> Fleet:
    return make_fleet()


def open_page(client: Client, user: User, query: str = "", **headers: str) -> str:
    client.force_login(user)
    response = client.get(f"{FIX}{query}", **headers)
    assert response.status_code == 200
    return response.content.decode()


def words(page: str) -> str:
    """The page's text without tags, its white space joined."""
    text = "".join(part.split(">", 1)[-1] for part in page.split("<"))
    return " ".join(text.split())


def test_first_line_counts_violations_and_what_three_fixes_close(
    client: Client, olivia: User, fleet: Fleet
) -> None:
    grow(fleet, 4)
    text = words(open_page(client, olivia))
    assert "8 violations to fix in 4 namespaces of 2 clusters; three fixes close 3 of them." in text


def test_without_a_cluster_the_page_says_how_to_begin(
    client: Client, olivia: User, acme: Organization
) -> None:
    assert "Register a cluster" in open_page(client, olivia)


def test_a_developer_who_may_not_register_is_told_who_may(
    client: Client, dev: User, acme: Organization
) -> None:
    page = open_page(client, dev)
    assert "Register a cluster" not in page
    assert "platform engineer" in page


def test_a_developer_sees_his_teams_first_and_everyone_when_he_asks(
    client: Client, dev: User, fleet: Fleet
) -> None:
    TeamMembership.objects.create(organization=fleet.payments.organization, team=fleet.payments, user=dev)
    grow(fleet, 4)
    mine = words(open_page(client, dev))
    assert "4 violations to fix in your teams’ resources, in 2 namespaces of 2 clusters" in mine
    assert "8 violations to fix in 4 namespaces of 2 clusters" in words(open_page(client, dev, "?team=all"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?cluster=staging", 2),
        ("?cluster=staging&cluster=production", 8),
        ("?environment=production", 6),
        ("?namespace=space-1", 2),
        ("?team=search", 4),
        ("?severity=critical", 4),
        ("?severity=critical&severity=medium", 8),
        ("?policy=image-latest-tag", 4),
        ("?standard=pss-baseline", 4),
        ("?category=images", 4),
        ("?q=IMAGE-latest", 4),
        ("?cluster=staging&severity=critical&team=payments", 1),
    ],
)
def test_each_filter_narrows_the_view(
    client: Client, olivia: User, fleet: Fleet, query: str, expected: int
) -> None:
    grow(fleet, 4)
    text = words(open_page(client, olivia, query, **HTMX, HTTP_HX_TARGET="results"))
    assert f"{expected} violation" in text


def test_names_are_found_by_a_part_of_them_and_signs_mean_themselves(fleet: Fleet) -> None:
    make_violation(make_workload(fleet.production, "checkout_api"), fleet.privileged)
    make_violation(make_workload(fleet.production, "checkout-web"), fleet.privileged)
    found = {text: len(violation_page(Filters(q=text)).rows) for text in ("checkout", "out_", "%", "CHECK")}
    assert found == {"checkout": 2, "out_": 1, "%": 0, "CHECK": 2}


def test_facets_count_a_dimension_as_if_it_were_not_filtered(fleet: Fleet) -> None:
    grow(fleet, 4)
    narrow = Filters(cluster_ids=(fleet.staging.id,), clusters=(fleet.staging,))
    facets = violation_facets(narrow, Directory())
    assert facets.violation_count == 2
    assert facets.clusters == {fleet.staging.id: 2, fleet.production.id: 6}
    assert facets.policies == {fleet.privileged.id: 1, fleet.latest.id: 1}


def test_facets_of_nothing_are_zero(fleet: Fleet) -> None:
    assert violation_facets(Filters(), Directory()).violation_count == 0


def test_what_is_too_much_to_count_is_said_to_be_many(
    client: Client, olivia: User, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(fleet, 4)
    monkeypatch.setattr("compliance.selectors.facets.MOST_COUNTED", 3)
    facets = violation_facets(Filters(status="all"), Directory())
    assert (facets.violation_count, facets.severities, facets.namespaces) == (None, None, None)
    page = words(open_page(client, olivia, "?status=all"))
    assert "Many violations" in page
    assert "space-1" in page


def test_places_of_chosen_policies_are_counted_while_their_rows_are_few(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(fleet, 4)
    chosen = parse_filters(QueryDict("policy=image-latest-tag"), Directory())
    facets = violation_facets(chosen, Directory())
    assert (facets.violation_count, facets.environments) == (4, {"production": 3, "staging": 1})
    monkeypatch.setattr("compliance.selectors.facets.MOST_ROWS", 1)
    facets = violation_facets(chosen, Directory())
    assert (facets.violation_count, facets.environments) == (4, None)


def test_groups_by_workload_are_worst_first_and_cut_off(fleet: Fleet) -> None:
    busy, bad = (make_workload(fleet.production, name) for name in ("busy", "bad"))
    for number in range(7):
        make_violation(busy, fleet.latest, place=str(number))
    make_violation(bad, fleet.privileged)
    first, second = group_page(Filters(), "workload").rows
    assert (first.subject.name, first.violation_count, first.left_out_count) == ("bad", 1, 0)
    assert (second.subject.name, second.violation_count, second.left_out_count) == ("busy", 7, 4)


def test_past_days_and_what_is_resolved_come_by_when_they_were_first_seen(fleet: Fleet) -> None:
    workload = make_workload(fleet.production)
    late, early = (make_violation(workload, fleet.latest, place=place) for place in ("late", "early"))
    Violation.objects.filter(pk=early.pk).update(first_seen_at=late.first_seen_at - timedelta(days=2))
    Violation.objects.filter(pk=late.pk).update(opened_at=late.first_seen_at - timedelta(hours=1))
    by_opening = violation_page(Filters()).rows
    assert [violation.place for violation in by_opening] == ["early", "late"]
    on_that_day = violation_page(Filters(as_of=today())).rows
    assert [violation.place for violation in on_that_day] == ["late", "early"]


def test_groups_by_policy_count_resources(fleet: Fleet) -> None:
    grow(fleet, 3)
    PostureCount.objects.filter(policy=fleet.privileged).update(failed=F("open_count"))
    first, second = group_page(Filters(), "policy").rows
    assert (first.subject, first.violation_count, first.resource_count) == (fleet.privileged, 3, 3)
    assert (second.subject, second.fixable_count) == (fleet.latest, 0)


@pytest.mark.parametrize("by", ["workload", "policy"])
def test_pages_of_groups_hold_every_group_once(fleet: Fleet, by: str) -> None:
    grow(fleet, 5)
    seen: list[object] = []
    cursor = None
    for _ in range(10):
        page = group_page(Filters(), by, cursor=cursor, limit=2)
        seen += [group.subject for group in page.rows]
        cursor = page.next
        if cursor is None:
            break
    expected = 5 if by == "workload" else 2
    assert len(seen) == len(set(seen)) == expected


def test_groups_of_a_severity_count_only_what_is_of_it(fleet: Fleet) -> None:
    both = make_workload(fleet.production, "both")
    make_violation(both, fleet.privileged)
    make_violation(both, fleet.latest)
    make_violation(make_workload(fleet.production, "other"), fleet.privileged)
    (group,) = group_page(Filters(severities=(Severity.MEDIUM,)), "workload").rows
    assert (group.subject.name, group.violation_count, group.worst) == ("both", 1, Severity.MEDIUM)
    assert len(group_page(Filters(severities=(Severity.CRITICAL,)), "workload").rows) == 2


def test_groups_of_a_policy_that_much_fails_are_those_of_one_that_little_fails(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(fleet, 5)
    make_violation(make_workload(fleet.production, "other"), fleet.probes)
    chosen = Filters(policy_ids=(fleet.latest.id,))
    few = [group.subject for group in group_page(chosen, "workload").rows]
    monkeypatch.setattr("compliance.selectors.violations.MOST_LISTED", 2)
    assert [group.subject for group in group_page(chosen, "workload").rows] == few
    assert len(few) == 5


def test_what_is_too_much_to_be_grouped_is_listed(
    client: Client, olivia: User, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(fleet, 4)
    monkeypatch.setattr("compliance.selectors.groups.MOST_GROUPED", 3)
    assert group_page(Filters(status="all"), "workload") is None
    page = words(open_page(client, olivia, "?status=all"))
    assert "too much to be grouped" in page
    assert "space-1" in page


def test_a_name_that_many_bear_is_found_as_one_that_few_do(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(fleet, 4)
    name = fleet.workloads[0].name[:4]
    few = [v.id for v in violation_page(Filters(q=name)).rows]
    monkeypatch.setattr("compliance.selectors.violations.MOST_NAMED", 1)
    assert [v.id for v in violation_page(Filters(q=name)).rows] == few
    assert len(group_page(Filters(q=name), "workload").rows) == 4


def test_one_template_in_three_clusters_is_one_fix(fleet: Fleet) -> None:
    for cluster in (fleet.production, fleet.staging):
        make_violation(make_workload(cluster, "checkout"), fleet.privileged)
    make_violation(make_workload(fleet.production, "other"), fleet.privileged)
    best = best_fixes(Filters(), limit=1)[0]
    assert (best.name, best.violation_count, best.cluster_count) == ("checkout", 2, 2)


def test_what_no_patch_mends_is_never_suggested(fleet: Fleet) -> None:
    make_violation(make_workload(fleet.production), fleet.latest, fix=None)
    assert best_fixes(Filters()) == []


def test_a_past_day_shows_what_was_open_then(client: Client, olivia: User, fleet: Fleet) -> None:
    workload = make_workload(fleet.production)
    week_ago = now() - timedelta(days=7)
    make_violation(workload, fleet.privileged, opened_at=now() - timedelta(days=20), resolved_at=week_ago)
    make_violation(workload, fleet.latest, opened_at=now() - timedelta(days=1))
    day = (now() - timedelta(days=10)).date()
    PostureDay.objects.all().delete()
    make_day(fleet.production, day, namespace=workload.namespace, open_critical=1)
    make_day(fleet.production, today(), namespace=workload.namespace, open_medium=1)
    text = words(open_page(client, olivia, f"?as_of={day.isoformat()}"))
    assert "1 violation was open in 1 namespace of 1 cluster" in text
    assert "image-latest-tag" not in text


def test_a_violation_is_no_longer_open_at_the_end_of_the_day_it_was_resolved(fleet: Fleet) -> None:
    resolved_at = now() - timedelta(days=7)
    make_violation(
        make_workload(fleet.production),
        fleet.privileged,
        opened_at=now() - timedelta(days=20),
        resolved_at=resolved_at,
    )
    on = [resolved_at.date() - timedelta(days=1), resolved_at.date()]
    assert [len(violation_page(Filters(as_of=day)).rows) for day in on] == [1, 0]


@pytest.mark.parametrize(
    "query",
    [
        "?cluster=nowhere&environment=moon&severity=huge&policy=x&standard=y&team=z&category=q",
        "?as_of=2999-01-01&status=gone&group=colour",
        "?q=%00&namespace=%00&cluster=%00",
        f"?q={'x' * 5000}",
        "?cursor=abc",
        "?cursor=W10",
        "?cursor=WzAsMWU0MDAsIngiLDFd",
        "?as_of=0001-01-01",
        "?as_of=99999-01-01&severity=%F0%9F%92%A5",
        "?cluster=&cluster=&severity=",
        "?status=resolved&as_of=2026-01-01",
    ],
)
def test_hostile_queries_are_ignored_with_a_note_or_in_silence(
    client: Client, olivia: User, fleet: Fleet, query: str
) -> None:
    grow(fleet, 1)
    assert "violation" in open_page(client, olivia, query)


def test_what_was_ignored_is_said(client: Client, olivia: User, fleet: Fleet) -> None:
    grow(fleet, 1)
    text = words(open_page(client, olivia, "?cluster=nowhere&severity=huge"))
    assert "Cluster was ignored. No cluster of that name." in text
    assert "Severity was ignored. One of critical, high, medium, low." in text


def test_html_in_a_query_is_shown_as_text(client: Client, olivia: User, fleet: Fleet) -> None:
    grow(fleet, 1)
    page = open_page(client, olivia, "?q=<script>alert(1)</script>")
    assert "<script>alert" not in page


def test_htmx_gets_the_results_alone_and_caches_apart(client: Client, olivia: User, fleet: Fleet) -> None:
    client.force_login(olivia)
    response = client.get(FIX, **HTMX, HTTP_HX_TARGET="results")
    assert b"<html" not in response.content
    assert {"HX-Request", "HX-Target"} <= {part.strip() for part in response["Vary"].split(",")}


@pytest.mark.parametrize("group", ["workload", "policy", "none"])
def test_fix_page_costs_the_same_at_1_and_50(
    client: Client,
    olivia: User,
    fleet: Fleet,
    django_assert_num_queries: DjangoAssertNumQueries,
    group: str,
) -> None:
    visitor(client, olivia)
    queries = FIX_QUERIES + {"workload": 0, "policy": 1, "none": -3}[group]
    grow(fleet, 1)
    with django_assert_num_queries(queries):
        client.get(f"{FIX}?group={group}")
    grow(fleet, 49)
    with django_assert_num_queries(queries):
        client.get(f"{FIX}?group={group}")


def test_parsing_a_query_reads_only_the_lists_it_names(
    fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        parse_filters(QueryDict("severity=high&namespace=shop"), Directory())
    with django_assert_num_queries(1):
        parse_filters(QueryDict("cluster=production&cluster=staging"), Directory())
