"""Teams with what they own and who is in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber

from common.errors import NotFound
from organizations.models import Membership, OwnedQuerySet, Team, TeamMembership, User
from organizations.selectors.members import members_like

MOST_NAMED, MOST_CANDIDATES = 8, 20


@dataclass(frozen=True)
class TeamRow:
    """A team, its first eight people by e-mail, and how many they are."""

    team: Team
    members: tuple[User, ...]
    member_count: int


def teams_like(text: str = "") -> OwnedQuerySet:
    """Teams whose name or slug holds the text: the caller pages through them by (name, slug)."""
    found = Team.objects.all()
    return found.filter(Q(name__icontains=text) | Q(slug__icontains=text)) if text else found


def team_rows(teams: Sequence[Team]) -> list[TeamRow]:
    """Of each team, in the order given. One query."""
    places = (
        TeamMembership.objects.filter(team__in=teams)
        .annotate(
            number=Window(RowNumber(), partition_by="team_id", order_by="user__email"),
            member_count=Window(Count("pk"), partition_by="team_id"),
        )
        .filter(number__lte=MOST_NAMED)
        .select_related("user")
        .order_by("team_id", "number")
    )
    people: dict[UUID, list[User]] = {}
    counts: dict[UUID, int] = {}
    for place in places:
        people.setdefault(place.team_id, []).append(place.user)
        counts[place.team_id] = place.member_count
    return [TeamRow(team, tuple(people.get(team.pk, ())), counts.get(team.pk, 0)) for team in teams]


def team_by_id(team_id: UUID) -> Team:
    """One team of the organization in scope. Raises NotFound."""
    team = Team.objects.filter(pk=team_id).first()
    if team is None:
        raise NotFound("There is no such team.")
    return team


def people_of(team: Team) -> OwnedQuerySet:
    """Places in the team with their users: the caller pages through them by `email`."""
    return TeamMembership.objects.filter(team=team).select_related("user").annotate(email=F("user__email"))


def candidates_for(team: Team, text: str = "") -> list[Membership]:
    """Members of the organization who are not in the team and whose e-mail or name holds the text: the first 20."""
    present = TeamMembership.objects.filter(team=team).values("user_id")
    return list(members_like(text).exclude(user_id__in=present).order_by("email")[:MOST_CANDIDATES])
