"""The menus of the filter bar: so many choices, what is chosen among them, and word of those left out."""

import pytest
from django.test import Client
from django.urls import reverse

from compliance.selectors.directory import Directory
from compliance.selectors.filters import Filters
from dashboards import filter_bars
from dashboards.filter_bars import cluster_menu, namespace_select, policy_select, team_select
from organizations.models import Organization, User
from organizations.scope import organization_scope
from tests.factories import make_cluster, make_policy, make_team


@pytest.fixture(autouse=True)
def two_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_bars, "MOST_CHOICES", 2)
    monkeypatch.setattr(filter_bars, "MOST_CLUSTERS", 2)


def test_clusters_with_numbers_come_most_first_after_those_chosen(acme_scope: Organization) -> None:
    alpha, beta, gamma, delta, epsilon = (make_cluster(name) for name in ("a", "b", "c", "d", "e"))
    counts = {alpha.id: 1, beta.id: 9, gamma.id: 5, delta.id: 3}
    menu = cluster_menu(Filters(clusters=(alpha, epsilon)), counts)
    assert [(c.value, c.count) for c in menu.choices] == [("a", 1), ("e", 0), ("b", 9), ("c", 5)]
    assert [c.value for c in menu.chosen] == ["a", "e"]
    assert menu.more == "1 more"


def test_clusters_without_numbers_come_by_name_after_those_chosen(acme_scope: Organization) -> None:
    clusters = {name: make_cluster(name) for name in ("d", "c", "b", "a")}
    menu = cluster_menu(Filters(clusters=(clusters["d"],)))
    assert [(c.value, c.count) for c in menu.choices] == [("d", None), ("a", None), ("b", None)]
    assert menu.more == "more"
    assert cluster_menu(Filters(clusters=(clusters["d"], clusters["c"]))).more == ""


def test_namespaces_left_out_are_counted_and_the_chosen_one_is_kept() -> None:
    counts = {"web": 3, "jobs": 2, "data": 1, "lab": 1}
    select = namespace_select(Filters(namespace="lab"), counts)
    assert [(c.value, c.count) for c in select.choices] == [("jobs", 2), ("lab", 1), ("web", 3)]
    assert select.more == "1 more"
    uncounted = namespace_select(Filters(namespace="lab"), dict.fromkeys(("web", "jobs", "data")))
    assert [(c.value, c.count) for c in uncounted.choices] == [("jobs", None), ("lab", None), ("web", None)]


def test_teams_left_out_are_counted_and_the_chosen_one_is_kept(acme_scope: Organization) -> None:
    teams = {slug: make_team(slug) for slug in ("ads", "data", "pay", "web")}
    counted = team_select(Filters(), Directory(), {teams["web"].id: 5, teams["pay"].id: 7, None: 9})
    assert [(c.value, c.count) for c in counted.choices] == [("pay", 7), ("web", 5)]
    assert counted.more == "2 more"
    uncounted = team_select(Filters(team=teams["web"]), Directory())
    assert [(c.value, c.count) for c in uncounted.choices] == [("ads", None), ("data", None), ("web", None)]
    assert [c.value for c in uncounted.chosen] == ["web"]


def test_policies_without_numbers_are_all_there_by_name(acme_scope: Organization) -> None:
    for slug in ("latest-tag", "host-path", "privileged"):
        make_policy(slug)
    select = policy_select(Filters(), Directory())
    assert [c.value for c in select.choices] == ["host-path", "latest-tag", "privileged"]


def test_policies_with_numbers_are_those_that_have_any(acme_scope: Organization) -> None:
    ids = {slug: make_policy(slug).id for slug in ("a", "b", "c", "d")}
    chosen = Directory().policy("a")
    select = policy_select(Filters(policy=chosen), Directory(), {ids["b"]: 1, ids["c"]: 3, ids["d"]: 2, 0: 99})
    assert [(c.value, c.count) for c in select.choices] == [("c", 3), ("d", 2), ("a", 0)]
    assert select.more == "1 more"


def test_the_page_leads_from_the_menu_to_the_search_of_the_scope(
    client: Client, acme: Organization, olivia: User
) -> None:
    client.force_login(olivia)
    with organization_scope(acme.pk):
        for number in range(40):
            make_cluster(f"cluster-{number:02}")
            make_team(f"team-{number:02}")
    html = client.get(reverse("workloads", args=["acme"])).content.decode()
    assert 'href="#scope-menu" data-menu-open="scope-menu">' in html
    assert "And more: search in the scope</a>" in html
    assert '<details class="menu" name="frame-menu" id="scope-menu">' in html
    assert "<option disabled>and 38 more</option>" in html
    assert '<noscript><input class="input block" name="cluster"' in html
