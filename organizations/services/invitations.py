"""Invitations: an offer of membership to an e-mail address, by a link that works once."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from common.clock import now
from common.errors import Conflict, NotFound, PermissionRefused
from common.tokens import INVITATION, is_token, mint_token, token_digest
from organizations.models import Invitation, Membership, Organization, OwnedQuerySet, User
from organizations.scope import current_organization_id, organization_scope, token_scope
from organizations.selectors.invitations import open_invitations

from .audit import record
from .members import add_member, known_role
from .users import create_user, usable_email

VALID_FOR = timedelta(days=7)


@dataclass(frozen=True)
class OpenInvitation:
    """An invitation that can still be taken up, and what its bearer may know of the organization."""

    invitation: Invitation
    organization: Organization


def invite_member(*, email: str, role: str, actor: User) -> tuple[Invitation, str]:
    """Offer membership; gives the invitation and its link, shown once. Ends an earlier offer to the address.

    Raises PlumblineError (email, role) and Conflict (already_member).
    """
    email, known = usable_email(email), known_role(role)
    if Membership.objects.filter(user__email__iexact=email).exists():
        raise Conflict(f"{email} is already a member.", code="already_member", fields={"email": "A member."})
    minted = mint_token(INVITATION)
    with transaction.atomic():
        open_invitations().filter(email=email).update(revoked_at=now())
        invitation = Invitation.objects.create(
            organization_id=current_organization_id(),
            email=email,
            role=known,
            digest=minted.digest,
            invited_by=actor,
            expires_at=now() + VALID_FOR,
        )
        record(verb="member.invited", target=email, actor=actor, data={"role": known.value})
    return invitation, f"{settings.BASE_URL}{reverse('invitation', args=[minted.secret])}"


def mail_invitation(*, invitation_id: UUID, link: str) -> None:
    """Send the link to the address invited; nothing if the offer has ended meanwhile."""
    invitation = (
        open_invitations().select_related("invited_by", "organization").filter(pk=invitation_id).first()
    )
    if invitation is None:
        return
    context = {
        "invitation": invitation,
        "organization": invitation.organization,
        "link": link,
        "days": VALID_FOR.days,
    }
    send_mail(
        f"Join {' '.join(invitation.organization.name.split())} on Plumbline",
        render_to_string("accounts/mail/invitation.txt", context),
        settings.DEFAULT_FROM_EMAIL,
        [invitation.email],
    )


def revoke_invitation(*, invitation_id: UUID, actor: User) -> None:
    """Take an offer back. Raises NotFound when it is not open."""
    with transaction.atomic():
        invitation = open_invitations().select_for_update().filter(pk=invitation_id).first()
        if invitation is None:
            raise NotFound("There is no such open invitation.")
        invitation.revoked_at = now()
        invitation.save(update_fields=["revoked_at"])
        record(verb="member.invitation_revoked", target=invitation.email, actor=actor)


def find_invitation(secret: str) -> OpenInvitation:
    """What a link offers. Raises NotFound for one that is forged, taken up, revoked or expired."""
    if is_token(secret, INVITATION):
        with token_scope(token_digest(secret)):
            # Goes past the manager: the link is what tells the organization.
            found = OwnedQuerySet(Invitation).filter(digest=token_digest(secret)).first()
        if found is not None:
            with organization_scope(found.organization_id):
                invitation = open_invitations().filter(pk=found.pk).first()
                if invitation is not None:
                    return OpenInvitation(invitation, Organization.objects.get(pk=found.organization_id))
    raise NotFound("This invitation is no longer open: ask for another one.")


def accept_invitation(*, secret: str, user: User) -> Organization:
    """Become a member. Raises NotFound, PermissionRefused (other_address), Conflict."""
    offer = find_invitation(secret)
    if offer.invitation.email != user.email.lower():
        raise PermissionRefused(f"This invitation is for {offer.invitation.email}.", code="other_address")
    with organization_scope(offer.organization.pk), transaction.atomic():
        taken = open_invitations().filter(pk=offer.invitation.pk).update(accepted_at=now())
        if not taken:
            raise NotFound("This invitation is no longer open: ask for another one.")
        add_member(user=user, role=offer.invitation.role, actor=user)
    return offer.organization


def accept_as_new_user(*, secret: str, name: str, password: str) -> tuple[User, Organization]:
    """Make an account for the address invited and become a member: both or neither. Raises as its parts."""
    with transaction.atomic():
        user = create_user(email=find_invitation(secret).invitation.email, name=name, password=password)
        return user, accept_invitation(secret=secret, user=user)
