"""Members and their roles, in the organization in scope. An organization always has an owner."""

from uuid import UUID

from django.db import IntegrityError, transaction

from common.errors import Conflict, NotFound, PlumblineError
from organizations.models import ApiToken, Membership, Role, TeamMembership, User
from organizations.scope import current_organization_id

from .audit import record


class LastOwner(Conflict):
    """The change would leave the organization without an owner."""

    code = "last_owner"

    def __init__(self) -> None:
        super().__init__("An organization needs an owner: make another member owner first.")


def add_member(*, user: User, role: str, actor: User | None) -> Membership:
    """Make a user a member. Raises Conflict (already_member), PlumblineError (role)."""
    known = known_role(role)
    try:
        with transaction.atomic():
            membership = Membership.objects.create(
                organization_id=current_organization_id(), user=user, role=known
            )
            record(verb="member.added", target=user.email, actor=actor, data={"role": known.value})
    except IntegrityError as error:
        raise Conflict(f"{user.email} is already a member.", code="already_member") from error
    return membership


def change_role(*, membership_id: UUID, role: str, actor: User) -> Membership:
    """Give a member another role. Raises NotFound, LastOwner, PlumblineError (role)."""
    known = known_role(role)
    with transaction.atomic():
        membership = _locked(membership_id)
        if membership.role == known:
            return membership
        if membership.role == Role.OWNER:
            _keep_an_owner(membership)
        earlier, membership.role = membership.role, known
        membership.save(update_fields=["role"])
        record(
            verb="member.role_changed",
            target=membership.user.email,
            actor=actor,
            data={"from": earlier, "to": known.value},
        )
    return membership


def remove_member(*, membership_id: UUID, actor: User) -> None:
    """End a membership, with the member's places in teams and API tokens here. Raises NotFound, LastOwner."""
    with transaction.atomic():
        membership = _locked(membership_id)
        if membership.role == Role.OWNER:
            _keep_an_owner(membership)
        TeamMembership.objects.filter(user_id=membership.user_id).delete()
        tokens = ApiToken.objects.filter(user_id=membership.user_id)
        token_count = tokens.count()
        tokens.delete()
        membership.delete()
        record(
            verb="member.removed",
            target=membership.user.email,
            actor=actor,
            data={"role": membership.role, "api_tokens_revoked": token_count},
        )


def known_role(role: str) -> Role:
    """The role of this name. Raises PlumblineError."""
    try:
        return Role(role)
    except ValueError as error:
        choices = ", ".join(Role.values)
        raise PlumblineError(
            f"There is no role “{role}”; the roles are {choices}.", fields={"role": f"One of {choices}."}
        ) from error


def _locked(membership_id: UUID) -> Membership:
    """The membership, with all owners locked first, so that two owners cannot remove each other at once."""
    list(Membership.objects.select_for_update().filter(role=Role.OWNER).order_by("id").values_list("id"))
    membership = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(pk=membership_id)
        .first()
    )
    if membership is None:
        raise NotFound("There is no such member.")
    return membership


def _keep_an_owner(leaving: Membership) -> None:
    if not Membership.objects.filter(role=Role.OWNER).exclude(pk=leaving.pk).exists():
        raise LastOwner()
