"""Teams: what they own and who is in them, in the organization in scope.

Which resources a team owns is settled by compliance, whose own service is called in the same transaction.
"""

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from common.errors import Conflict, NotFound, PlumblineError
from organizations.models import Membership, Team, TeamMembership, User
from organizations.scope import current_organization_id

from .audit import record

_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def create_team(*, name: str, namespaces: Iterable[str] = (), slug: str = "", actor: User | None = None) -> Team:
    """A team; its slug is made from the name unless given. Raises PlumblineError, Conflict (team_exists)."""
    name = _usable_name(name)
    team = Team(
        organization_id=current_organization_id(),
        slug=slug or slugify(name)[:63].strip("-"),
        name=name,
        namespaces=_usable_namespaces(namespaces),
    )
    if not _NAMESPACE.fullmatch(team.slug):
        raise PlumblineError(
            "The slug is lower-case letters, digits and hyphens, as in a label's value.",
            fields={"slug": "Not a usable slug."},
        )
    try:
        with transaction.atomic():
            team.save(force_insert=True)
            record(verb="team.created", target=team.slug, actor=actor, data={"namespaces": team.namespaces})
    except IntegrityError as error:
        raise Conflict(
            f"There is a team “{team.slug}” already.", code="team_exists", fields={"name": "Taken."}
        ) from error
    return team


def update_team(*, team_id: UUID, name: str, namespaces: Iterable[str], actor: User | None) -> Team:
    """Another name or other namespaces; the slug stays: labels use it. Raises NotFound, PlumblineError."""
    name, usable = _usable_name(name), _usable_namespaces(namespaces)
    with transaction.atomic():
        team = _locked(team_id)
        earlier = {"name": team.name, "namespaces": team.namespaces}
        later = {"name": name, "namespaces": usable}
        if earlier != later:
            team.name, team.namespaces = name, usable
            team.save(update_fields=["name", "namespaces"])
            record(verb="team.updated", target=team.slug, actor=actor, data={"from": earlier, "to": later})
    return team


def delete_team(*, team_id: UUID, actor: User | None) -> None:
    """Dissolve a team; what it owned belongs to none until compliance assigns it anew. Raises NotFound."""
    with transaction.atomic():
        team = _locked(team_id)
        team.delete()
        record(verb="team.deleted", target=team.slug, actor=actor, data={"namespaces": team.namespaces})


def add_team_member(*, team_id: UUID, email: str, actor: User | None) -> User:
    """Put a member of the organization into a team; one who is in it already stays. Raises NotFound, PlumblineError."""
    with transaction.atomic():
        team = _locked(team_id)
        members = Membership.objects.select_related("user")
        found = None if "\x00" in email else members.filter(user__email__iexact=email.strip()).first()
        if found is None:
            raise PlumblineError(
                "Only members of the organization can be in a team.", fields={"email": "Not a member."}
            )
        _, is_new = TeamMembership.objects.get_or_create(
            organization_id=team.organization_id, team=team, user_id=found.user_id
        )
        if is_new:
            _record_members(team, actor, added=[found.user.email])
    return found.user


def remove_team_member(*, team_id: UUID, user_id: UUID, actor: User | None) -> User:
    """Take somebody out of a team, not out of the organization. Raises NotFound."""
    with transaction.atomic():
        team = _locked(team_id)
        place = TeamMembership.objects.select_related("user").filter(team=team, user_id=user_id).first()
        if place is None:
            raise NotFound("There is no such member of this team.")
        place.delete()
        _record_members(team, actor, removed=[place.user.email])
    return place.user


def _record_members(team: Team, actor: User | None, *, added: Sequence[str] = (), removed: Sequence[str] = ()) -> None:
    data = {"added": list(added), "removed": list(removed)}
    record(verb="team.members_changed", target=team.slug, actor=actor, data=data)


def _locked(team_id: UUID) -> Team:
    team = Team.objects.select_for_update().filter(pk=team_id).first()
    if team is None:
        raise NotFound("There is no such team.")
    return team


def _usable_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 120 or "\x00" in name:
        raise PlumblineError("The name is 1 to 120 characters.", fields={"name": "1 to 120 characters."})
    return name


def _usable_namespaces(namespaces: Iterable[str]) -> list[str]:
    usable = sorted({namespace.strip() for namespace in namespaces if namespace.strip()})
    for namespace in usable:
        if not _NAMESPACE.fullmatch(namespace):
            raise PlumblineError(
                f"“{namespace}” cannot be a namespace: lower-case letters, digits and hyphens, at most 63.",
                fields={"namespaces": f"“{namespace}” is not a namespace's name."},
            )
    return usable
