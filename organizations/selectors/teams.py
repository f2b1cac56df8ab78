"""Teams with what they own and who is in them."""

from dataclasses import dataclass

from organizations.models import Team, TeamMembership, User


@dataclass(frozen=True)
class TeamRow:
    """A team and its people, by e-mail."""

    team: Team
    members: tuple[User, ...]


def team_rows() -> list[TeamRow]:
    """The teams of the organization in scope by name; two queries, however many there are."""
    people: dict[object, list[User]] = {}
    for place in TeamMembership.objects.select_related("user").order_by("user__email"):
        people.setdefault(place.team_id, []).append(place.user)
    teams = Team.objects.order_by("name", "slug")
    return [TeamRow(team=team, members=tuple(people.get(team.pk, ()))) for team in teams]


def teams_by_user() -> dict[object, list[Team]]:
    """The teams of each user of the organization in scope, by name; one query."""
    teams: dict[object, list[Team]] = {}
    for place in TeamMembership.objects.select_related("team").order_by("team__name"):
        teams.setdefault(place.user_id, []).append(place.team)
    return teams
