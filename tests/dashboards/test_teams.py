"""Settings of teams: their list, and the page of each with its members."""

from typing import Any

from django.test import Client
from django.urls import reverse

from compliance.models import Violation
from organizations.models import Organization, Team, User
from organizations.scope import organization_scope
from organizations.services.teams import add_team_member, create_team
from tests.cast import fill_members
from tests.isolation.rows import fill


def at(name: str, *more: Any) -> str:
    return reverse(name, args=["acme", *more])


def test_a_team_is_made_and_edited(as_olivia: Client, acme: Organization, dev: User) -> None:
    as_olivia.post(at("settings_team_create"), {"name": "Payments", "namespaces": "payments, jobs"})
    with organization_scope(acme.pk):
        team = Team.objects.get()
    form = {"name": "Money", "namespaces": "billing"}
    page = as_olivia.post(at("settings_team", team.pk), form, follow=True).content.decode()
    assert "The team Money is saved." in page
    with organization_scope(acme.pk):
        assert Team.objects.get().namespaces == ["billing"]
    added = as_olivia.post(at("settings_team_member_add", team.pk), {"email": dev.email}, follow=True)
    assert [place.user for place in added.context["people"]] == [dev]
    assert "Dev Developer is in the team." in added.content.decode()
    assert '<span class="tag">Dev Developer</span>' in as_olivia.get(at("settings_teams")).content.decode()
    removed = as_olivia.post(at("settings_team_member_remove", team.pk, dev.pk), follow=True)
    assert list(removed.context["people"]) == []
    assert "Dev Developer is no longer in the team." in removed.content.decode()


def test_a_stranger_is_not_added_and_the_page_says_why(as_olivia: Client, acme: Organization, mallory: User) -> None:
    with organization_scope(acme.pk):
        team = create_team(name="Payments")
    for email in (mallory.email, "nul\x00@acme.example"):
        page = as_olivia.post(at("settings_team_member_add", team.pk), {"email": email}, follow=True)
        assert "Only members of the organization can be in a team." in page.content.decode()
        assert list(page.context["people"]) == []


def test_a_developer_sees_a_team_but_no_controls(client: Client, acme: Organization, dev: User) -> None:
    with organization_scope(acme.pk):
        team = create_team(name="Payments", namespaces=["billing"])
    client.force_login(dev)
    page = client.get(at("settings_team", team.pk)).content.decode()
    assert '<span class="tag">billing</span>' in page
    assert "Save the team" not in page
    assert f"{team.pk}/members" not in page


def test_teams_are_paged_and_found(as_olivia: Client, acme: Organization) -> None:
    with organization_scope(acme.pk):
        for number in range(60):
            create_team(name=f"Team {number:02}")
    first = as_olivia.get(at("settings_teams"))
    assert len(first.context["rows"]) == 50
    assert "60 teams" in first.content.decode()
    second = as_olivia.get(at("settings_teams"), {"cursor": first.context["next_cursor"]})
    assert [row.team.name for row in second.context["rows"]][::9] == ["Team 50", "Team 59"]
    found = as_olivia.get(at("settings_teams"), {"q": "team-33"}).context["rows"]
    assert [row.team.name for row in found] == ["Team 33"]


def test_a_large_teams_members_are_paged_and_others_found(as_olivia: Client, acme: Organization) -> None:
    fill_members(acme, 80)
    with organization_scope(acme.pk):
        team = create_team(name="Crowd")
        for number in range(55):
            add_team_member(team_id=team.pk, email=f"user-{number:02}@acme.example", actor=None)
    page = as_olivia.get(at("settings_team", team.pk), {"q": "user-6"})
    assert (len(page.context["people"]), page.context["people_count"]) == (50, 55)
    assert [found.user.email[:7] for found in page.context["candidates"]] == [f"user-6{n}" for n in range(10)]
    assert len(as_olivia.get(at("settings_team", team.pk)).context["candidates"]) == 20


def test_a_bad_team_keeps_what_was_typed(as_olivia: Client, acme: Organization) -> None:
    answer = as_olivia.post(at("settings_team_create"), {"name": "Payments", "namespaces": "Not_One"})
    assert answer.status_code == 400
    assert 'value="Not_One"' in answer.content.decode()
    with organization_scope(acme.pk):
        assert not Team.objects.exists()


def test_a_team_that_owns_things_can_be_deleted(as_olivia: Client, acme: Organization) -> None:
    rows = fill(acme)
    assert as_olivia.post(at("settings_team_delete", rows[Team].pk)).status_code == 302
    with organization_scope(acme.pk):
        assert not Team.objects.exists()
        assert Violation.objects.get().team_id is None
