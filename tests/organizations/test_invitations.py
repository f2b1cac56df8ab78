from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.mail import EmailMessage

from common.clock import now
from common.errors import Conflict, NotFound, PermissionRefused, PlumblineError
from organizations.models import AuditEvent, Invitation, Organization, Role, User
from organizations.selectors.invitations import open_invitations
from organizations.selectors.memberships import membership_in
from organizations.services.invitations import (
    accept_as_new_user,
    accept_invitation,
    find_invitation,
    invite_member,
    revoke_invitation,
)
from organizations.tasks import send_invitation_task
from tests.cast import make_user

NEWCOMER = "nadia@acme.example"
CHOSEN = "four entirely new words"


def invite(actor: User, email: str = NEWCOMER, role: str = "auditor") -> str:
    return invite_member(email=email, role=role, actor=actor)[1].rsplit("/", 1)[1]


def test_an_invitation_makes_a_member_once(acme_scope: Organization, olivia: User) -> None:
    secret = invite(olivia)
    user = make_user(NEWCOMER, "Nadia")
    accept_invitation(secret=secret, user=user)
    assert membership_in(user, "acme").role == Role.AUDITOR
    with pytest.raises(NotFound):
        accept_invitation(secret=secret, user=user)
    verbs = list(AuditEvent.objects.order_by("id").values_list("verb", flat=True))
    assert verbs == ["organization.created", "member.invited", "member.added"]


def test_a_newcomer_gets_an_account_and_the_membership_together(
    acme_scope: Organization, olivia: User
) -> None:
    user, organization = accept_as_new_user(secret=invite(olivia), name="Nadia", password=CHOSEN)
    assert (user.email, organization.slug) == (NEWCOMER, "acme")
    assert user.check_password(CHOSEN)


def test_a_weak_password_makes_neither_account_nor_member(acme_scope: Organization, olivia: User) -> None:
    secret = invite(olivia)
    with pytest.raises(PlumblineError, match="at least 12"):
        accept_as_new_user(secret=secret, name="Nadia", password="short")
    assert not User.objects.filter(email=NEWCOMER).exists()
    assert find_invitation(secret).invitation.email == NEWCOMER


def test_the_link_serves_nobody_else(acme_scope: Organization, olivia: User, mallory: User) -> None:
    secret = invite(olivia)
    with pytest.raises(PermissionRefused):
        accept_invitation(secret=secret, user=mallory)
    assert membership_in(mallory, "acme") is None


@pytest.mark.parametrize("ended", [{"revoked_at": now()}, {"expires_at": now() - timedelta(seconds=1)}])
def test_an_offer_that_has_ended_is_not_found(
    acme_scope: Organization, olivia: User, ended: dict[str, object]
) -> None:
    secret = invite(olivia)
    Invitation.objects.update(**ended)
    with pytest.raises(NotFound):
        find_invitation(secret)


@pytest.mark.parametrize("secret", ["", "x", "pli_00000000_forged", "plb_00000000_x", "pli_é_é"])
def test_a_forged_link_is_not_found(acme: Organization, secret: str) -> None:
    with pytest.raises(NotFound):
        find_invitation(secret)


def test_a_second_invitation_replaces_the_first(acme_scope: Organization, olivia: User) -> None:
    first, second = invite(olivia), invite(olivia, role="developer")
    with pytest.raises(NotFound):
        find_invitation(first)
    assert find_invitation(second).invitation.role == Role.DEVELOPER


def test_members_are_not_invited(acme_scope: Organization, olivia: User, dev: User) -> None:
    with pytest.raises(Conflict):
        invite(olivia, email="DEV@acme.example")
    assert not Invitation.objects.exists()


def test_an_address_that_is_none_is_refused(acme_scope: Organization, olivia: User) -> None:
    with pytest.raises(PlumblineError, match="not an e-mail address"):
        invite(olivia, email="nadia at acme")


def test_revoking_ends_the_offer(acme_scope: Organization, olivia: User) -> None:
    secret = invite(olivia)
    revoke_invitation(invitation_id=Invitation.objects.get().pk, actor=olivia)
    assert not open_invitations().exists()
    with pytest.raises(NotFound):
        find_invitation(secret)
    with pytest.raises(NotFound):
        revoke_invitation(invitation_id=uuid4(), actor=olivia)


def test_the_mail_carries_the_link_and_who_invites(
    acme_scope: Organization, olivia: User, mailoutbox: list[EmailMessage]
) -> None:
    invitation, link = invite_member(email=NEWCOMER, role="auditor", actor=olivia)
    send_invitation_task(str(acme_scope.pk), str(invitation.pk), link)
    assert mailoutbox[0].to == [NEWCOMER]
    assert link in mailoutbox[0].body
    assert "Olivia Owner invites you to join Acme" in mailoutbox[0].body


def test_no_mail_goes_out_for_an_offer_taken_back(
    acme_scope: Organization, olivia: User, mailoutbox: list[EmailMessage]
) -> None:
    invitation, link = invite_member(email=NEWCOMER, role="auditor", actor=olivia)
    revoke_invitation(invitation_id=invitation.pk, actor=olivia)
    send_invitation_task(str(acme_scope.pk), str(invitation.pk), link)
    assert mailoutbox == []
