"""The people of an organization: members and their tokens."""

from dataclasses import dataclass

from organizations.models import ApiToken, Membership, Role, Team, User
from organizations.selectors.teams import teams_by_user


@dataclass(frozen=True)
class MemberRow:
    """A member; `is_last_owner` says that he can neither be removed nor given another role."""

    membership: Membership
    teams: tuple[Team, ...]
    is_last_owner: bool


def member_rows() -> list[MemberRow]:
    """The members of the organization in scope by e-mail; two queries, however many there are."""
    memberships = list(Membership.objects.select_related("user").order_by("user__email"))
    owners = [membership for membership in memberships if membership.role == Role.OWNER]
    teams = teams_by_user()
    return [
        MemberRow(
            membership=membership,
            teams=tuple(teams.get(membership.user_id, ())),
            is_last_owner=owners == [membership],
        )
        for membership in memberships
    ]


def api_tokens_of(user: User) -> list[ApiToken]:
    """A user's own live tokens for the organization in scope, newest first."""
    return list(ApiToken.objects.filter(user_id=user.pk, revoked_at=None).order_by("-created_at"))
