"""Posture as read from the rollups of days, and the page that tells it."""

from datetime import date, timedelta

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clusters.models import Cluster
from common.clock import now, today
from compliance.posture import Posture
from compliance.selectors.directory import Directory
from compliance.selectors.filters import Filters, parse_filters
from compliance.selectors.history import posture_timeline
from compliance.selectors.posture import heat, heat_grid, hottest_places, most_violated
from compliance.selectors.standing import standing_of_clusters
from dashboards.views.posture import left_out
from organizations.models import Organization, User
from organizations.scope import organization_scope
from tests.dashboards.posture_days import make_day
from tests.factories import make_cluster, make_count, make_policy, make_team

PAGE_QUERIES = 19


def days_ago(number: int) -> date:
    return today() - timedelta(days=number)


def silence(cluster: Cluster, *, days: int) -> Cluster:
    Cluster.objects.filter(pk=cluster.pk).update(last_scanned_at=now() - timedelta(days=days))
    return cluster


def filters(query: str = "") -> Filters:
    return parse_filters(QueryDict(query), Directory())


def whole(query: str = "", days: int = 7) -> list[Posture]:
    return [day.posture for day in posture_timeline(filters(query), days=days).whole().days]


def test_days_of_all_clusters_add_up_by_weight(acme_scope: Organization) -> None:
    make_day(make_cluster("a"), today(), passed_weight=90, failed_weight=10)
    make_day(make_cluster("b"), today(), passed_weight=10, failed_weight=90)
    assert whole()[-1] == Posture(passed=100, failed=100)


def test_a_day_without_a_report_carries_the_last_one_on_without_counting_it(acme_scope: Organization) -> None:
    cluster = silence(make_cluster(), days=2)
    make_day(cluster, days_ago(2), passed_weight=80, failed_weight=20)
    before, reported, carried, present = whole()[-4:]
    assert before == Posture()
    assert reported == Posture(80, 20)
    assert carried == present == Posture(unreported=100)
    assert (present.score, present.coverage) == (None, 0)


def test_today_counts_yesterdays_rollup_while_the_cluster_is_not_silent(acme_scope: Organization) -> None:
    make_day(make_cluster(), days_ago(1), passed_weight=80, failed_weight=20)
    assert whole()[-1] == Posture(80, 20)


def test_a_day_from_before_the_range_is_carried_into_it(acme_scope: Organization) -> None:
    make_day(silence(make_cluster(), days=20), days_ago(20), passed_weight=80, open_high=3)
    history = posture_timeline(filters(), days=7).whole()
    assert history.days[0].posture == Posture(unreported=80)
    assert history.days[0].open.high == 3


def test_a_team_that_left_a_cluster_is_not_carried_on(acme_scope: Organization) -> None:
    cluster, team = make_cluster(), make_team("payments")
    make_day(cluster, days_ago(1), team=team, passed_weight=50)
    make_day(cluster, today(), passed_weight=70)
    timeline = posture_timeline(filters(), days=7, by_team=True)
    assert timeline.by_team()[team.id].last.posture == Posture()
    assert timeline.whole().last.posture == Posture(70)


def test_environments_are_told_apart(acme_scope: Organization) -> None:
    make_day(make_cluster("p", "production"), today(), passed_weight=9)
    make_day(make_cluster("s", "staging"), today(), failed_weight=9)
    found = posture_timeline(filters(), days=7).by_environment()
    assert {name: history.last.posture.score for name, history in found.items()} == {
        "production": 1.0,
        "staging": 0.0,
    }


@pytest.mark.parametrize("query", ["namespace=shop", "team=payments", "cluster=a", "environment=production"])
def test_scope_narrows_history_and_places_alike(acme_scope: Organization, query: str) -> None:
    team = make_team("payments")
    make_day(make_cluster("a"), today(), namespace="shop", team=team, passed_weight=5)
    make_day(make_cluster("b", "staging"), today(), namespace="bank", passed_weight=7)
    assert whole(query)[-1] == Posture(5)
    found = standing_of_clusters(filters(query))
    assert [posture for posture, _ in found.values()] == [Posture(5)]


def test_as_of_tells_the_day_as_it_was(acme_scope: Organization) -> None:
    cluster = make_cluster()
    make_day(cluster, days_ago(9), passed_weight=10, failed_weight=10)
    make_day(cluster, today(), passed_weight=20)
    query = f"as_of={days_ago(9)}"
    assert whole(query)[-1] == Posture(10, 10)
    assert standing_of_clusters(filters(query))[cluster.id][0] == Posture(10, 10)


def test_points_gained_are_counted_from_the_first_day_with_a_score(acme_scope: Organization) -> None:
    cluster = make_cluster()
    make_day(cluster, days_ago(1), passed_weight=80, failed_weight=20)
    make_day(cluster, today(), passed_weight=84, failed_weight=16)
    assert posture_timeline(filters(), days=7).whole().gained() == 4


def test_hottest_places_are_ranked_by_weight_not_by_number(acme_scope: Organization) -> None:
    cluster = make_cluster()
    make_day(cluster, today(), namespace="noisy", open_low=9)
    make_day(cluster, today(), namespace="grave", open_critical=1)
    make_day(cluster, today(), namespace="clean")
    hottest = hottest_places(filters())
    assert [place.namespace for place in hottest] == ["grave", "noisy"]


def test_heat_grid_adds_teams_up_and_leaves_gaps(acme_scope: Organization) -> None:
    a, b = make_cluster("a"), make_cluster("b")
    make_day(a, today(), namespace="shop", passed_weight=5, failed_weight=5)
    make_day(a, today(), namespace="shop", team=make_team(), passed_weight=10)
    make_day(b, today(), namespace="bank", passed_weight=1, open_high=1)
    grid = heat_grid(filters(), heat(filters()))
    assert [row.namespace for row in grid.rows] == ["bank", "shop"]
    shop = grid.rows[1].cells
    assert shop[0] is not None
    assert shop[0].posture == Posture(15, 5)
    assert shop[1] is None


def test_heat_grid_counts_what_it_leaves_out(acme_scope: Organization) -> None:
    cluster = make_cluster()
    for number in range(18):
        make_day(cluster, today(), namespace=f"n{number}", open_low=number)
    grid = heat_grid(filters(), heat(filters()))
    assert [row.namespace for row in grid.rows][:2] == ["n17", "n16"]
    assert (len(grid.rows), grid.left_out_count) == (16, 2)


def test_heat_grid_shows_the_hottest_clusters_by_name(acme_scope: Organization) -> None:
    for number in range(14):
        make_day(make_cluster(f"c{number:02d}"), today(), open_low=number)
    grid = heat_grid(filters(), heat(filters()))
    assert [cluster.name for cluster in grid.clusters] == [f"c{number:02d}" for number in range(2, 14)]
    assert left_out(grid) == "2 clusters that are calmer left out"


def test_most_violated_policies_count_resources(acme_scope: Organization) -> None:
    cluster = make_cluster()
    make_count(cluster, make_policy("host-path"), passed=1, failed=2)
    make_count(cluster, make_policy("seccomp"), failed=7)
    make_count(cluster, make_policy("host-pid"), passed=3)
    found = most_violated(filters(), Directory())
    assert [(row.policy.slug, row.counts.failed) for row in found] == [("seccomp", 7), ("host-path", 2)]


@pytest.fixture
def page(client: Client, olivia: User, acme: Organization) -> Client:
    client.force_login(olivia)
    return client


def url(name: str = "posture", *more: str) -> str:
    return reverse(name, args=["acme", *more])


def test_first_line_says_the_answer(page: Client, acme: Organization) -> None:
    with organization_scope(acme.pk):
        cluster = make_cluster("sandbox", "sandbox")
        make_day(cluster, days_ago(5), namespace="ci", passed_weight=80, failed_weight=20)
        make_day(
            cluster,
            today(),
            namespace="ci",
            passed_weight=84,
            failed_weight=16,
            errored_weight=5,
            open_high=2,
        )
    html = page.get(url()).content.decode()
    assert "Posture <strong>84\u202f%</strong> with <strong>95\u202f%</strong> coverage" in html
    assert "up 4 points" in html
    assert f"since {days_ago(5):%-d %b}" in html
    assert ">sandbox/ci</a> is the hottest place" in html


def test_new_organization_is_told_what_to_do(page: Client) -> None:
    html = page.get(url()).content.decode()
    assert "No cluster has reported" in html
    assert reverse("cluster_new", args=["acme"]) in html


def test_an_empty_scope_is_not_taken_for_a_clean_one(page: Client, acme: Organization) -> None:
    with organization_scope(acme.pk):
        make_day(make_cluster(), today(), passed_weight=1)
    html = page.get(url() + "?environment=development").content.decode()
    assert "Nothing in this scope" in html
    assert "Nothing is open" not in html
    assert "No report has come in" not in html


def test_what_does_not_narrow_posture_is_ignored_with_a_note(page: Client, acme: Organization) -> None:
    with organization_scope(acme.pk):
        make_day(make_cluster(), today(), passed_weight=1)
    html = page.get(url() + "?severity=high&range=8&cluster=unheard-of").content.decode()
    assert "Severity was ignored" in html
    assert "Range was ignored" in html
    assert "Cluster was ignored" in html


def test_links_lead_to_the_violations_behind_with_the_scope_kept(page: Client, acme: Organization) -> None:
    with organization_scope(acme.pk):
        make_day(make_cluster("eu"), today(), namespace="", passed_weight=1, failed_weight=1, open_high=1)
    html = page.get(url() + "?environment=production").content.decode()
    assert f"{reverse('fix', args=['acme'])}?cluster=eu&amp;namespace=-" in html
    assert f"{reverse('workloads', args=['acme'])}?environment=production" in html


@pytest.mark.parametrize("name", ["trend", "flow", "policies"])
def test_charts_answer_a_figure_and_its_table(page: Client, acme: Organization, name: str) -> None:
    with organization_scope(acme.pk):
        cluster = make_cluster()
        make_day(cluster, today(), passed_weight=1)
        make_count(cluster, make_policy(), failed=1)
    answer = page.get(url("posture_chart", name)).json()
    assert answer["figure"]["data"]
    assert all(len(row) == len(answer["table"]["columns"]) for row in answer["table"]["rows"])


def test_unknown_chart_is_not_found(page: Client) -> None:
    answer = page.get(url("posture_chart", "nonsense"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_teams_come_as_a_fragment(page: Client, acme: Organization) -> None:
    with organization_scope(acme.pk):
        make_day(make_cluster(), today(), team=make_team("payments"), passed_weight=1)
    html = page.get(url("posture_teams")).content.decode()
    assert "Payments" in html
    assert "<html" not in html


def test_another_organizations_posture_is_not_there(
    client: Client, mallory: User, acme: Organization
) -> None:
    client.force_login(mallory)
    assert client.get(url()).status_code == 404


def test_page_costs_the_same_with_one_place_and_with_many(
    page: Client, acme: Organization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    page.get(url())  # the first page remembers the organization in the session
    for number in range(50):
        with organization_scope(acme.pk):
            cluster = make_cluster(f"cluster-{number}")
            team = make_team(f"team-{number}")
            make_day(cluster, today(), namespace=f"n{number}", team=team, passed_weight=9, open_high=1)
        if number in (0, 49):
            with django_assert_num_queries(PAGE_QUERIES):
                assert page.get(url()).status_code == 200
