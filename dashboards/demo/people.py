"""The demo's organizations, people and teams. Making them again changes nothing but a password given anew."""

from dataclasses import dataclass

from django.db import transaction

from organizations.models import Membership, Organization, Role, Team, TeamMembership, User
from organizations.scope import directory_scope, organization_scope
from organizations.services.members import add_member
from organizations.services.organizations import create_organization
from organizations.services.teams import add_team_member, create_team
from organizations.services.users import create_user, set_password, user_by_email


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    role: Role
    teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class DemoOrganization:
    """The first of `people` is the owner. `teams` are names with the namespaces that they own whole."""

    slug: str
    name: str
    people: tuple[Person, ...]
    teams: tuple[tuple[str, tuple[str, ...]], ...] = ()


ACME = DemoOrganization(
    slug="acme",
    name="Acme",
    people=(
        Person("olivia@acme.example", "Olivia", Role.OWNER),
        Person("sam@acme.example", "Sam", Role.SECURITY_LEAD),
        Person("pat@acme.example", "Pat", Role.PLATFORM_ENGINEER, ("platform",)),
        Person("dev@acme.example", "Dev", Role.DEVELOPER, ("payments", "loyalty")),
        Person("audrey@acme.example", "Audrey", Role.AUDITOR),
    ),
    teams=(
        ("Data", ("data",)),
        ("Identity", ("identity",)),
        ("Loyalty", ("loyalty",)),
        ("Payments", ("payments",)),
        ("Platform", ("platform", "monitoring", "logging", "ingress-nginx", "kube-system", "ci", "tools")),
        ("Search", ("search",)),
        ("Storefront", ("storefront",)),
    ),
)
GLOBEX = DemoOrganization(
    slug="globex",
    name="Globex",
    people=(Person("mallory@globex.example", "Mallory", Role.OWNER),),
)


def ensure_organization(demo: DemoOrganization, *, password: str) -> Organization:
    """The organization with its people and teams, made if it is missing. `password` is everybody's."""
    users = {person.email: _ensure_user(person, password) for person in demo.people}
    with directory_scope():
        organization = Organization.objects.filter(slug=demo.slug).first()
    if organization is None:
        owner = users[demo.people[0].email]
        organization = create_organization(slug=demo.slug, name=demo.name, owner=owner)
    with organization_scope(organization.pk):
        _ensure_members(demo, users)
        _ensure_teams(demo, users)
    return organization


def _ensure_user(person: Person, password: str) -> User:
    user = user_by_email(person.email)
    if user is None:
        return create_user(email=person.email, password=password, name=person.name)
    if not user.check_password(password):
        set_password(user=user, password=password)
    return user


def _ensure_members(demo: DemoOrganization, users: dict[str, User]) -> None:
    owner = users[demo.people[0].email]
    present = set(Membership.objects.values_list("user_id", flat=True))
    for person in demo.people:
        if users[person.email].pk not in present:
            add_member(user=users[person.email], role=person.role, actor=owner)


def _ensure_teams(demo: DemoOrganization, users: dict[str, User]) -> None:
    owner = users[demo.people[0].email]
    present = {team.name: team for team in Team.objects.all()}
    for name, namespaces in demo.teams:
        with transaction.atomic():
            team = present.get(name) or create_team(name=name, namespaces=namespaces, actor=owner)
            if not TeamMembership.objects.filter(team=team).exists():
                for person in demo.people:
                    if team.slug in person.teams:
                        add_team_member(team_id=team.pk, email=person.email, actor=owner)
