from uuid import uuid4

import pytest

from common.errors import Conflict, NotFound, PlumblineError
from organizations.models import AuditEvent, Organization, Role, Team, TeamMembership, User
from organizations.selectors.teams import candidates_for, team_rows
from organizations.services.teams import (
    add_team_member,
    create_team,
    delete_team,
    remove_team_member,
    update_team,
)
from tests.cast import join, make_user


def test_a_team_takes_its_slug_from_its_name(acme_scope: Organization, pat: User) -> None:
    team = create_team(name="Payments & Co", namespaces=["payments", "payments", " jobs "], actor=pat)
    assert (team.slug, team.namespaces) == ("payments-co", ["jobs", "payments"])
    assert AuditEvent.objects.get(verb="team.created").data == {"namespaces": ["jobs", "payments"]}


def test_two_teams_do_not_share_a_slug(acme_scope: Organization) -> None:
    create_team(name="Payments")
    with pytest.raises(Conflict):
        create_team(name="payments")
    assert Team.objects.count() == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "!!!", "nul\x00"])
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
    assert list(AuditEvent.objects.filter(verb__startswith="team.").values_list("verb", flat=True)) == ["team.created"]


def test_members_come_and_go(acme_scope: Organization, pat: User, dev: User, sam: User) -> None:
    team = create_team(name="Payments")
    for email in (dev.email, sam.email, f" {pat.email.upper()} "):
        add_team_member(team_id=team.pk, email=email, actor=pat)
    remove_team_member(team_id=team.pk, user_id=dev.pk, actor=pat)
    assert [[user.email for user in row.members] for row in team_rows([team])] == [[pat.email, sam.email]]
    told = [event.data for event in AuditEvent.objects.filter(verb="team.members_changed").order_by("id")]
    assert told[2:] == [{"added": [pat.email], "removed": []}, {"added": [], "removed": [dev.email]}]


def test_who_is_in_a_team_already_is_added_without_an_event(acme_scope: Organization, pat: User) -> None:
    team = create_team(name="Payments")
    for _ in range(2):
        add_team_member(team_id=team.pk, email=pat.email, actor=pat)
    assert AuditEvent.objects.filter(verb="team.members_changed").count() == 1


def test_a_stranger_cannot_be_in_a_team(acme_scope: Organization, mallory: User, pat: User) -> None:
    team = create_team(name="Payments")
    with pytest.raises(PlumblineError, match="Only members"):
        add_team_member(team_id=team.pk, email=mallory.email, actor=pat)
    assert not TeamMembership.objects.exists()


def test_who_is_not_in_a_team_cannot_be_taken_out(acme_scope: Organization, pat: User, dev: User) -> None:
    team = create_team(name="Payments")
    with pytest.raises(NotFound):
        remove_team_member(team_id=team.pk, user_id=dev.pk, actor=pat)


def test_a_row_names_eight_people_and_counts_all(acme_scope: Organization, pat: User) -> None:
    crowd, pair = create_team(name="Crowd"), create_team(name="Pair")
    for number in range(12):
        user = make_user(f"user-{number:02}@acme.example", f"User {number}")
        join(acme_scope, user, Role.DEVELOPER)
        add_team_member(team_id=crowd.pk, email=user.email, actor=pat)
    add_team_member(team_id=pair.pk, email=pat.email, actor=pat)
    rows = team_rows([pair, crowd])
    assert [(row.team, len(row.members), row.member_count) for row in rows] == [(pair, 1, 1), (crowd, 8, 12)]
    assert [user.email for user in rows[1].members][::7] == ["user-00@acme.example", "user-07@acme.example"]


def test_candidates_are_members_outside_the_team_by_name_or_mail(
    acme_scope: Organization, olivia: User, pat: User, dev: User, sam: User, mallory: User
) -> None:
    team = create_team(name="Payments")
    add_team_member(team_id=team.pk, email=sam.email, actor=pat)
    assert [found.user for found in candidates_for(team)] == [dev, olivia, pat]
    assert [found.user for found in candidates_for(team, "DEVELOPER")] == [dev]
    assert candidates_for(team, "globex") == []


def test_a_team_deleted_takes_its_memberships_along(acme_scope: Organization, pat: User, dev: User) -> None:
    team = create_team(name="Payments")
    add_team_member(team_id=team.pk, email=dev.email, actor=pat)
    delete_team(team_id=team.pk, actor=pat)
    assert not Team.objects.exists()
    assert not TeamMembership.objects.exists()
    assert AuditEvent.objects.filter(verb="team.deleted", target="payments").exists()


def test_a_team_that_is_not_there_is_not_found(acme_scope: Organization, pat: User) -> None:
    with pytest.raises(NotFound):
        delete_team(team_id=uuid4(), actor=pat)
