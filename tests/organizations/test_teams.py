from uuid import uuid4

import pytest

from common.errors import Conflict, NotFound, PlumblineError
from organizations.models import AuditEvent, Organization, Team, TeamMembership, User
from organizations.selectors.teams import team_rows
from organizations.services.teams import create_team, delete_team, set_team_members, update_team


def test_a_team_takes_its_slug_from_its_name(acme_scope: Organization, pat: User) -> None:
    team = create_team(name="Payments & Co", namespaces=["payments", "payments", " jobs "], actor=pat)
    assert (team.slug, team.namespaces) == ("payments-co", ["jobs", "payments"])
    assert AuditEvent.objects.get(verb="team.created").data == {"namespaces": ["jobs", "payments"]}


def test_two_teams_do_not_share_a_slug(acme_scope: Organization) -> None:
    create_team(name="Payments")
    with pytest.raises(Conflict):
        create_team(name="payments")
    assert Team.objects.count() == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "!!!"])
def test_a_name_that_makes_no_slug_is_refused(acme_scope: Organization, name: str) -> None:
    with pytest.raises(PlumblineError):
        create_team(name=name)


@pytest.mark.parametrize("namespace", ["Payments", "a b", "-x", "x" * 64, "ns/../x"])
def test_what_cannot_be_a_namespace_is_refused_by_name(acme_scope: Organization, namespace: str) -> None:
    with pytest.raises(PlumblineError, match="cannot be a namespace"):
        create_team(name="Payments", namespaces=[namespace])


def test_an_update_keeps_the_slug_and_says_what_changed(acme_scope: Organization, pat: User) -> None:
    team = create_team(name="Payments")
    update_team(team_id=team.pk, name="Money", namespaces=["billing"], actor=pat)
    changed = Team.objects.get()
    assert (changed.slug, changed.name, changed.namespaces) == ("payments", "Money", ["billing"])
    assert AuditEvent.objects.get(verb="team.updated").data["to"]["namespaces"] == ["billing"]


def test_an_update_that_changes_nothing_is_no_event(acme_scope: Organization, pat: User) -> None:
    team = create_team(name="Payments", namespaces=["payments"])
    update_team(team_id=team.pk, name="Payments", namespaces=["payments"], actor=pat)
    set_team_members(team_id=team.pk, user_ids=[], actor=pat)
    assert list(AuditEvent.objects.filter(verb__startswith="team.").values_list("verb", flat=True)) == [
        "team.created"
    ]


def test_members_come_and_go(acme_scope: Organization, pat: User, dev: User, sam: User) -> None:
    team = create_team(name="Payments")
    set_team_members(team_id=team.pk, user_ids=[dev.pk, sam.pk], actor=pat)
    set_team_members(team_id=team.pk, user_ids=[sam.pk, pat.pk], actor=pat)
    assert [[user.email for user in row.members] for row in team_rows()] == [[pat.email, sam.email]]
    last = AuditEvent.objects.filter(verb="team.members_changed").latest("id")
    assert last.data == {"added": [pat.email], "removed": [dev.email]}


def test_a_stranger_cannot_be_in_a_team(acme_scope: Organization, mallory: User, pat: User) -> None:
    team = create_team(name="Payments")
    with pytest.raises(PlumblineError, match="Only members"):
        set_team_members(team_id=team.pk, user_ids=[mallory.pk], actor=pat)
    assert not TeamMembership.objects.exists()


def test_a_team_deleted_takes_its_memberships_along(acme_scope: Organization, pat: User, dev: User) -> None:
    team = create_team(name="Payments")
    set_team_members(team_id=team.pk, user_ids=[dev.pk], actor=pat)
    delete_team(team_id=team.pk, actor=pat)
    assert not Team.objects.exists()
    assert not TeamMembership.objects.exists()
    assert AuditEvent.objects.filter(verb="team.deleted", target="payments").exists()


def test_a_team_that_is_not_there_is_not_found(acme_scope: Organization, pat: User) -> None:
    with pytest.raises(NotFound):
        delete_team(team_id=uuid4(), actor=pat)
