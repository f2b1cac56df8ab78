"""The people of an organization: members and their tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q

from organizations.models import ApiToken, Membership, OwnedQuerySet, Role, Team, TeamMembership, User


@dataclass(frozen=True)
class MemberRow:
    """A member; `is_last_owner` says that he can neither be removed nor given another role."""

    membership: Membership
    teams: tuple[Team, ...]
    is_last_owner: bool


@dataclass(frozen=True)
class MemberNumbers:
    member_count: int
    owner_count: int


def member_numbers() -> MemberNumbers:
    """The members of the organization in scope, counted. One query."""
    owners = Count("pk", filter=Q(role=Role.OWNER))
    return MemberNumbers(**Membership.objects.aggregate(member_count=Count("pk"), owner_count=owners))


def members_like(text: str = "") -> OwnedQuerySet:
    """Members whose e-mail or name holds the text, with their users: the caller pages through them by `email`."""
    found = Membership.objects.select_related("user").annotate(email=F("user__email"))
    if text:
        found = found.filter(Q(user__email__icontains=text) | Q(user__name__icontains=text))
    return found


def member_rows(memberships: Sequence[Membership], numbers: MemberNumbers) -> list[MemberRow]:
    """Of each member, in the order given. One query."""
    teams: dict[UUID, list[Team]] = {membership.user_id: [] for membership in memberships}
    for place in TeamMembership.objects.filter(user_id__in=list(teams)).select_related("team").order_by("team__name"):
        teams[place.user_id].append(place.team)
    return [
        MemberRow(
            membership=membership,
            teams=tuple(teams[membership.user_id]),
            is_last_owner=membership.role == Role.OWNER and numbers.owner_count == 1,
        )
        for membership in memberships
    ]


def api_tokens_of(user: User) -> OwnedQuerySet:
    """A user's own live tokens for the organization in scope: the caller pages through them by (-created_at, -id)."""
    return ApiToken.objects.filter(user_id=user.pk, revoked_at=None)
