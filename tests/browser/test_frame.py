"""The frame in a real browser: keys, theme, scope, phone, charts under the strict policy."""

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from clusters.models import Cluster
from common.clock import today
from dashboards import filter_bars
from organizations.models import Organization, User
from organizations.scope import organization_scope
from tests.browser.conftest import SignIn
from tests.dashboards.posture_days import make_day
from tests.factories import make_cluster, make_count, make_policy, make_team, make_violation, make_workload

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def fleet(acme: Organization, olivia: User, sign_in: SignIn) -> Organization:
    """Ten days of two clusters, seen by Olivia."""
    with organization_scope(acme.pk):
        team = make_team("payments")
        for cluster in (make_cluster("eu", "production"), make_cluster("lab", "sandbox")):
            for number in reversed(range(10)):
                make_day(
                    cluster,
                    today() - timedelta(days=number),
                    team=team,
                    passed_weight=80 + number,
                    failed_weight=20,
                    open_high=4,
                    opened_count=number % 3,
                    resolved_count=1,
                )
            make_count(cluster, make_policy("host-path"), passed=2, failed=3)
    sign_in(olivia)
    return acme


def posture(page: Page) -> None:
    page.goto(reverse("posture", args=["acme"]))


def test_charts_draw_without_a_word_in_the_console(page: Page, fleet: Organization) -> None:
    posture(page)
    for name in ("Posture and coverage", "Most violated policies", "Opened and resolved"):
        chart = page.locator("figure", has_text=name)
        chart.scroll_into_view_if_needed()
        expect(chart.locator(".main-svg").first).to_be_visible()


def test_page_keeps_its_height_while_charts_load(page: Page, fleet: Organization) -> None:
    held: list[Route] = []
    page.route("**/charts/*.json*", lambda route: held.append(route))
    posture(page)
    box = page.locator("[data-chart-body]").first
    before = box.bounding_box()
    with page.expect_response("**/charts/trend.json*"):
        for route in held:
            route.continue_()
    expect(box.locator(".main-svg").first).to_be_visible()
    assert box.bounding_box() == before


def test_chart_has_a_table_twin(page: Page, fleet: Organization) -> None:
    posture(page)
    chart = page.locator("figure", has_text="Posture and coverage")
    expect(chart.locator(".main-svg").first).to_be_visible()
    chart.locator("summary").click()
    chart.get_by_role("button", name="Show as a table").click()
    expect(chart.get_by_role("columnheader", name="Coverage %")).to_be_visible()
    assert chart.locator("tbody tr").count() == 30


@pytest.mark.parametrize(("label", "ending"), [("Download CSV", ".csv"), ("Download PNG", ".png")])
def test_chart_can_be_taken_away(page: Page, fleet: Organization, label: str, ending: str) -> None:
    posture(page)
    chart = page.locator("figure", has_text="Posture and coverage")
    expect(chart.locator(".main-svg").first).to_be_visible()
    chart.locator("summary").click()
    with page.expect_download() as download:
        chart.get_by_role("button", name=label).click()
    assert download.value.suggested_filename.endswith(ending)
    assert download.value.path().stat().st_size > 100


def test_a_bar_leads_to_the_violations_behind_it(page: Page, fleet: Organization) -> None:
    posture(page)
    chart = page.locator("figure", has_text="Most violated policies")
    chart.scroll_into_view_if_needed()
    bar = chart.locator(".barlayer path").first
    expect(bar).to_be_visible()
    box = bar.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**/o/acme/fix?policy=host-path")


def test_theme_changes_and_is_remembered_by_the_server(page: Page, fleet: Organization) -> None:
    posture(page)
    page.keyboard.press("t")
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert 'data-theme="dark"' in page.request.get(page.url).text()


def test_keys_search_and_close(page: Page, fleet: Organization) -> None:
    posture(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()


def test_rows_are_walked_and_opened_from_the_keyboard(page: Page, fleet: Organization) -> None:
    page.goto(reverse("clusters", args=["acme"]))
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="lab", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("lab")


def test_scope_is_chosen_once_and_follows_from_page_to_page(page: Page, fleet: Organization) -> None:
    posture(page)
    page.get_by_role("banner").locator("summary", has_text="All clusters").click()
    page.get_by_role("banner").get_by_label("Environment").select_option("sandbox")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**/posture?**environment=sandbox**")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Clusters").click()
    page.wait_for_url("**/clusters?environment=sandbox")
    expect(page.get_by_role("link", name="eu", exact=True)).to_have_count(0)


def test_filters_answer_without_a_reload_and_stand_in_the_url(page: Page, fleet: Organization) -> None:
    posture(page)
    page.evaluate("window.isSamePage = true")
    page.get_by_label("Team", exact=True).select_option("payments")
    page.wait_for_url("**team=payments**")
    expect(page.get_by_text("team: payments")).to_be_visible()
    expect(page.locator(".main-svg").first).to_be_visible()
    assert page.evaluate("window.isSamePage") is True


@pytest.mark.parametrize("name", ["posture", "clusters", "fix", "workloads", "policies", "standards"])
def test_nothing_runs_over_the_edge_of_a_phone(page: Page, fleet: Organization, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(reverse(name, args=["acme"]), wait_until="networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    expect(page.get_by_role("navigation", name="Main").get_by_text("More")).to_be_visible()


def test_registering_a_cluster_gives_a_command_that_can_be_copied(page: Page, fleet: Organization) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(reverse("cluster_new", args=["acme"]))
    page.get_by_label("Name").fill("us-west")
    page.get_by_role("button", name="Register cluster").click()
    page.get_by_role("button", name="Copy").nth(1).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "plumbline scan" in page.evaluate("navigator.clipboard.readText()")


def test_scope_chosen_in_a_filter_bar_follows_too(page: Page, fleet: Organization) -> None:
    page.goto(reverse("fix", args=["acme"]))
    page.locator("form.filters select[name=environment]").select_option("sandbox")
    page.wait_for_url("**environment=sandbox**")
    rail = page.get_by_role("navigation", name="Main")
    expect(rail.get_by_role("link", name="Posture")).to_have_attribute(
        "href", "/o/acme/posture?environment=sandbox"
    )
    page.get_by_role("banner").locator("summary", has_text="Sandbox").click()
    expect(page.get_by_role("banner").get_by_label("Environment")).to_have_value("sandbox")


def test_a_cluster_that_no_menu_offers_is_found_in_the_scope_and_follows(
    page: Page, fleet: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filter_bars, "MOST_CLUSTERS", 3)
    with organization_scope(fleet.pk):
        for number in range(35):
            make_cluster(f"cluster-{number:02}")
    page.goto(reverse("workloads", args=["acme"]))
    page.locator(".filter-menu summary", has_text="All clusters").click()
    page.get_by_role("link", name="And more: search in the scope").click()
    expect(page.get_by_role("searchbox", name="Search clusters")).to_be_focused()
    page.keyboard.type("ter-33")
    page.get_by_role("banner").get_by_label("cluster-33").check()
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**/workloads?cluster=cluster-33")
    expect(page.locator(".filter-menu summary", has_text="cluster-33")).to_be_visible()


def test_a_cluster_chosen_in_a_filter_bar_joins_those_that_the_scope_offers(page: Page, fleet: Organization) -> None:
    with organization_scope(fleet.pk):
        for number in range(35):
            make_cluster(f"cluster-{number:02}")
    page.goto(reverse("workloads", args=["acme"]))
    scope = page.get_by_role("banner")
    expect(scope.locator("[name=cluster][value=lab]")).to_have_count(0)
    page.locator(".filter-menu summary", has_text="All clusters").click()
    page.locator(".filter-menu").get_by_label("lab").check()
    page.wait_for_url("**cluster=lab**")
    scope.locator("summary", has_text="lab").click()
    expect(scope.get_by_label("lab")).to_be_checked()


def test_a_violation_opens_beside_the_list_under_its_own_url(page: Page, fleet: Organization) -> None:
    with organization_scope(fleet.pk):
        workload = make_workload(Cluster.objects.get(name="eu"), "checkout")
        violation = make_violation(workload, make_policy())
    page.goto(reverse("fix", args=["acme"]))
    page.get_by_role("link", name="Container web runs privileged").click()
    page.wait_for_url(f"**{reverse('violation', args=['acme', violation.id])}")
    drawer = page.get_by_role("dialog", name="Detail")
    expect(
        drawer.get_by_text("spec.template.spec.containers[0].securityContext.privileged").first
    ).to_be_visible()
    page.keyboard.press("Escape")
    page.wait_for_url(f"**{reverse('fix', args=['acme'])}")
    expect(drawer).to_be_hidden()
    expect(page.get_by_role("link", name="Container web runs privileged")).to_be_focused()
