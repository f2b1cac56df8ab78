"""Importing and retiring own policies in a real browser, under the strict policy and on a phone."""

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from organizations.models import Organization, User
from organizations.scope import organization_scope
from tests.browser.conftest import SignIn
from tests.compliance.imports import ADMISSION, BINDING, OWN, PARAMETERS, joined, take_in
from tests.factories import make_policy

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def platform(acme: Organization, pat: User, sign_in: SignIn) -> Organization:
    """The library has a policy; Pat comes to bring more."""
    make_policy()
    sign_in(pat)
    return acme


def test_files_are_chosen_imported_and_found_in_the_list(page: Page, platform: Organization, tmp_path: Path) -> None:
    file = tmp_path / "limit.yaml"
    file.write_text(joined(ADMISSION, BINDING, PARAMETERS))
    page.goto(reverse("policies", args=["acme"]))
    page.get_by_role("link", name="Import policies").click()
    page.get_by_label("Files").set_input_files(file)
    page.get_by_label("Or paste them").fill(OWN)
    page.get_by_role("button", name="Import policies").click()
    expect(page.get_by_text("2 policies were taken")).to_be_visible()
    page.get_by_role("link", name="Show your own policies").click()
    page.wait_for_url("**/policies?origin=own")
    page.get_by_role("link", name="No more replicas than allowed").click()
    expect(page.get_by_role("region", name="Manifest").first).to_contain_text("params.maxReplicas")


def test_a_policy_is_retired_after_a_question(page: Page, platform: Organization) -> None:
    with organization_scope(platform.pk):
        take_in(OWN)
    page.goto(reverse("policy", args=["acme", "owner-label"]))
    page.get_by_role("button", name="Retire", exact=True).click()
    page.get_by_role("button", name="Retire policy").click()
    expect(page.get_by_role("status").get_by_text("is retired")).to_be_visible()
    expect(page.get_by_role("link", name="Import again")).to_be_visible()


def test_another_origin_is_chosen_without_a_reload(page: Page, platform: Organization) -> None:
    with organization_scope(platform.pk):
        take_in(OWN)
    page.goto(reverse("policies", args=["acme"]))
    page.evaluate("window.isSamePage = true")
    page.get_by_label("Origin", exact=True).select_option("own")
    page.wait_for_url("**origin=own**")
    expect(page.get_by_role("link", name="Containers must satisfy privileged-container")).to_have_count(0)
    page.get_by_label("Origin", exact=True).select_option("")
    expect(page.get_by_role("link", name="Containers must satisfy privileged-container")).to_be_visible()
    assert page.evaluate("window.isSamePage") is True


@pytest.mark.parametrize("path", ["import", "replica-limit", "?origin=own"])
def test_nothing_runs_over_the_edge_of_a_phone(page: Page, platform: Organization, path: str) -> None:
    with organization_scope(platform.pk):
        take_in(joined(ADMISSION, BINDING, PARAMETERS))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/o/acme/policies/{path}".replace("/?", "?"), wait_until="networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
