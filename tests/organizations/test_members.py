import pytest

from common.errors import Conflict, NotFound, PlumblineError
from organizations.models import (
    ApiToken,
    AuditEvent,
    Membership,
    Organization,
    Role,
    Team,
    TeamMembership,
    User,
)
from organizations.selectors.memberships import membership_in
from organizations.services.members import LastOwner, add_member, change_role, remove_member
from organizations.services.tokens import issue_api_token
from tests.cast import make_user


def test_adding_a_member_writes_one_audit_event(acme_scope: Organization, olivia: User) -> None:
    newcomer = make_user("nadia@acme.example", "Nadia")
    membership = add_member(user=newcomer, role="developer", actor=olivia)
    event = AuditEvent.objects.get(verb="member.added")
    assert membership.role == Role.DEVELOPER
    assert (event.actor, event.actor_label, event.target) == (olivia, olivia.email, newcomer.email)
    assert event.data == {"role": "developer"}


def test_a_member_is_not_added_twice(acme_scope: Organization, dev: User, olivia: User) -> None:
    with pytest.raises(Conflict) as refused:
        add_member(user=dev, role=Role.AUDITOR, actor=olivia)
    assert refused.value.code == "already_member"
    assert Membership.objects.get(user=dev).role == Role.DEVELOPER


def test_an_unknown_role_is_refused_with_the_roles_there_are(acme_scope: Organization, dev: User) -> None:
    with pytest.raises(PlumblineError, match="owner, security_lead") as refused:
        add_member(user=dev, role="king", actor=None)
    assert "role" in refused.value.fields


def test_a_role_changes_and_the_event_says_from_what_to_what(
    acme_scope: Organization, dev: User, olivia: User
) -> None:
    change_role(membership_id=Membership.objects.get(user=dev).pk, role="auditor", actor=olivia)
    assert Membership.objects.get(user=dev).role == Role.AUDITOR
    assert AuditEvent.objects.get(verb="member.role_changed").data == {"from": "developer", "to": "auditor"}


def test_the_same_role_again_is_no_event(acme_scope: Organization, dev: User, olivia: User) -> None:
    change_role(membership_id=Membership.objects.get(user=dev).pk, role="developer", actor=olivia)
    assert not AuditEvent.objects.filter(verb="member.role_changed").exists()


def test_the_last_owner_can_neither_leave_nor_step_down(acme_scope: Organization, olivia: User) -> None:
    membership = Membership.objects.get(user=olivia)
    with pytest.raises(LastOwner):
        remove_member(membership_id=membership.pk, actor=olivia)
    with pytest.raises(LastOwner):
        change_role(membership_id=membership.pk, role="developer", actor=olivia)
    assert Membership.objects.get(user=olivia).role == Role.OWNER


def test_one_of_two_owners_can_leave(acme_scope: Organization, olivia: User, dev: User) -> None:
    change_role(membership_id=Membership.objects.get(user=dev).pk, role="owner", actor=olivia)
    remove_member(membership_id=Membership.objects.get(user=olivia).pk, actor=dev)
    assert not Membership.objects.filter(user=olivia).exists()


def test_a_member_removed_loses_teams_and_tokens(acme_scope: Organization, olivia: User, dev: User) -> None:
    team = Team.objects.create(organization=acme_scope, slug="payments", name="Payments")
    TeamMembership.objects.create(organization=acme_scope, team=team, user=dev)
    issue_api_token(user=dev, name="laptop")
    remove_member(membership_id=Membership.objects.get(user=dev).pk, actor=olivia)
    assert not TeamMembership.objects.exists()
    assert not ApiToken.objects.exists()
    assert AuditEvent.objects.get(verb="member.removed").data["api_tokens_revoked"] == 1


def test_a_member_of_another_organization_is_not_found(
    acme_scope: Organization, olivia: User, globex: Organization, mallory: User
) -> None:
    foreign = membership_in(mallory, "globex")
    with pytest.raises(NotFound):
        remove_member(membership_id=foreign.pk, actor=olivia)
    assert membership_in(mallory, "globex") is not None
