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


def create_team(
    *, name: str, namespaces: Iterable[str] = (), slug: str = "", actor: User | None = None
) -> Team:
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


def set_team_members(*, team_id: UUID, user_ids: Sequence[UUID], actor: User | None) -> None:
    """Make exactly these members of the organization the team's members. Raises NotFound, PlumblineError."""
    wanted = set(user_ids)
    with transaction.atomic():
        team = _locked(team_id)
        if Membership.objects.filter(user_id__in=wanted).count() != len(wanted):
            raise PlumblineError(
                "Only members of the organization can be in a team.", fields={"members": "Not a member."}
            )
        present = set(TeamMembership.objects.filter(team=team).values_list("user_id", flat=True))
        if wanted == present:
            return
        TeamMembership.objects.filter(team=team, user_id__in=present - wanted).delete()
        TeamMembership.objects.bulk_create(
            TeamMembership(organization_id=team.organization_id, team=team, user_id=user_id)
            for user_id in sorted(wanted - present)
        )
        emails = dict(User.objects.filter(pk__in=wanted | present).values_list("pk", "email"))
        record(
            verb="team.members_changed",
            target=team.slug,
            actor=actor,
            data={
                "added": sorted(emails[pk] for pk in wanted - present),
                "removed": sorted(emails[pk] for pk in present - wanted),
            },
        )


def _locked(team_id: UUID) -> Team:
    team = Team.objects.select_for_update().filter(pk=team_id).first()
    if team is None:
        raise NotFound("There is no such team.")
    return team


def _usable_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 120:
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
