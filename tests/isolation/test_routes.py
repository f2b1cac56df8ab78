"""Every route × every role × two organizations, over HTTP: what is refused changes and tells nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, models, transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from clusters.models import Cluster
from compliance.models import Policy
from compliance.services.library import sync_library
from organizations.models import Organization, Role, Team, TeamMembership, User
from organizations.scope import organization_scope
from organizations.services.tokens import issue_api_token
from tests.cast import join, make_user
from tests.isolation.matrix import ROUTES, Audience, Route
from tests.isolation.rows import OWNED, OWNED_TABLES, Made, agent_secret, fill, mark

MEMBER_ROUTES = [route for route in ROUTES if route.audience is Audience.MEMBERS]
ROUTES_WITH_IDS = [route for route in MEMBER_ROUTES if route.ids]
AGENT_ROUTES = [route for route in ROUTES if route.audience is Audience.AGENT]
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class World:
    """Acme with a person in each role, Globex with two, rows of both; what is personal is the developer's."""

    acme: Organization
    globex: Organization
    people: dict[Role, User]
    stranger: User
    acme_rows: Made
    globex_rows: Made


@pytest.fixture
def world(
    acme: Organization, globex: Organization, olivia: User, sam: User, pat: User, dev: User, audrey: User
) -> World:
    sync_library()
    other = make_user("gus@globex.example", "Gus")
    join(globex, other, Role.DEVELOPER)
    people = dict(zip(Role, (olivia, sam, pat, dev, audrey), strict=True))
    mallory = User.objects.get(email="mallory@globex.example")
    return World(acme, globex, people, mallory, fill(acme, dev), fill(globex, other))


def paths_of(resolver: URLResolver) -> Iterator[URLPattern]:
    for pattern in resolver.url_patterns:
        yield from paths_of(pattern) if isinstance(pattern, URLResolver) else [pattern]


def url_of(route: Route, slug: str, rows: Made) -> str:
    words: dict[str, Any] = dict(route.words)
    if route.audience is Audience.MEMBERS:
        words["slug"] = slug
    return reverse(
        route.name, kwargs=words | {name: key_of(rows, model) for name, model in route.ids.items()}
    )


def key_of(rows: Made, model: type[models.Model]) -> Any:
    """What a URL or form knows a row by; a place in a team goes by its user, a policy by its slug."""
    return getattr(rows[model], {TeamMembership: "user_id", Policy: "slug"}.get(model, "pk"))


def send(client: Client, route: Route, url: str, rows: Made, **extra: Any) -> HttpResponseBase:
    body = {
        name: str(key_of(rows, value)) if isinstance(value, type) else value
        for name, value in route.form.items()
    }
    kind = {"content_type": "application/json"} if route.is_api or route.audience is Audience.AGENT else {}
    return getattr(client, route.method.lower())(url, *([body] if body else []), **kind, **extra)


def content_of(response: HttpResponseBase) -> bytes:
    return response.getvalue() if response.streaming else response.content


def everything(*organizations: Organization) -> list[tuple[Any, ...]]:
    """All owned rows as text, but for when a token was last used."""
    found: list[tuple[Any, ...]] = []
    for organization in organizations:
        with organization_scope(organization.pk), connection.cursor() as cursor:
            for table in OWNED_TABLES:
                cursor.execute(
                    f"SELECT (to_jsonb(t) - 'last_used_at')::text FROM {table} t WHERE {OWNED} ORDER BY id"
                )
                found += [(table, row) for (row,) in cursor.fetchall()]
    return found


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def is_sign_in(response: HttpResponseBase) -> bool:
    return response.status_code == 302 and response["Location"].startswith("/sign-in?next=")


def test_every_route_is_in_the_matrix_and_every_line_is_a_route() -> None:
    names = {pattern.name or str(pattern.pattern) for pattern in paths_of(get_resolver())}
    assert names == {route.name for route in ROUTES}


def test_no_route_has_two_lines_for_a_method() -> None:
    lines = [(route.name, route.method) for route in ROUTES]
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize("name", sorted({route.name for route in ROUTES}))
def test_methods_that_the_matrix_does_not_list_are_refused(world: World, name: str) -> None:
    lines = [route for route in ROUTES if route.name == name]
    route = lines[0]
    words = {"identity": "x", "token": "x"} if name == "password_reset_confirm" else route.words
    url = (
        url_of(Route(name, audience=route.audience, ids=route.ids, words=words), "acme", world.acme_rows)
        if (name != "invitation")
        else reverse(name, args=["x"])
    )
    client = signed_in(world.people[Role.OWNER])
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {agent_secret(world.acme)}"} if route in AGENT_ROUTES else {}
    unlisted = METHODS - {line.method for line in lines}
    assert {client.generic(method, url, **bearer).status_code for method in unlisted} == {405}


@pytest.mark.parametrize("route", [r for r in ROUTES if r.audience is Audience.ACCOUNT], ids=str)
def test_account_pages_ask_for_sign_in(db: None, client: Client, route: Route) -> None:
    answer = getattr(client, route.method.lower())(reverse(route.name))
    assert answer.status_code == 401 if route.is_api else is_sign_in(answer)


@pytest.mark.parametrize("route", MEMBER_ROUTES, ids=str)
def test_outsiders_learn_and_change_nothing(world: World, route: Route) -> None:
    """Nobody and a stranger, at Acme's own URL and at that of an organization that does not exist."""
    before = everything(world.acme, world.globex)
    url, nowhere = (url_of(route, slug, world.acme_rows) for slug in ("acme", "nowhere"))
    anonymous = [send(Client(), route, at, world.acme_rows) for at in (url, nowhere)]
    stranger = [send(signed_in(world.stranger), route, at, world.acme_rows) for at in (url, nowhere)]
    assert [is_sign_in(answer) or answer.status_code == 401 for answer in anonymous] == [True, True]
    assert {answer.status_code == 401 for answer in anonymous} == {route.is_api}
    assert [answer.status_code for answer in stranger] == [404, 404]
    assert content_of(stranger[0]) == content_of(stranger[1])
    assert everything(world.acme, world.globex) == before


@pytest.mark.parametrize("route", ROUTES_WITH_IDS, ids=str)
def test_ids_of_another_organization_are_not_found(world: World, route: Route) -> None:
    before = everything(world.acme, world.globex)
    answer = send(
        signed_in(world.stranger), route, url_of(route, "globex", world.acme_rows), world.globex_rows
    )
    assert answer.status_code == 404
    assert mark(world.acme).encode() not in content_of(answer)
    assert everything(world.acme, world.globex) == before


@pytest.mark.parametrize("route", MEMBER_ROUTES, ids=str)
def test_each_role_gets_what_the_matrix_says(world: World, route: Route) -> None:
    """Each role's deed is taken back before the next one's turn."""
    before = everything(world.acme, world.globex)
    got, changed_by = {}, set()
    for role, user in world.people.items():
        client = signed_in(user)
        with transaction.atomic():
            answer = send(client, route, url_of(route, "acme", world.acme_rows), world.acme_rows)
            got[role] = 200 if answer.status_code // 100 in {2, 3} else answer.status_code
            changed_by |= {role} if everything(world.acme, world.globex) != before else set()
            transaction.set_rollback(True)
    assert got == {role: route.status_for(role) for role in Role}
    may_change = {role for role in Role if got[role] == 200 and route.method != "GET"}
    assert changed_by == may_change


@pytest.mark.parametrize("route", [r for r in MEMBER_ROUTES if r.method == "GET"], ids=str)
def test_no_page_shows_a_word_of_another_organization(world: World, route: Route) -> None:
    """Neither plainly nor when filters name the other's things; what was asked may be repeated."""
    client = signed_in(world.people[Role.OWNER])
    url = url_of(route, "acme", world.acme_rows)
    foreign = mark(world.globex).encode()
    plain = content_of(client.get(url))
    assert foreign not in plain
    for name in ("cluster", "team", "namespace", "q", "policy", "group", "subject", "actor"):
        answer = client.get(url, {name: mark(world.globex)})
        echoes = content_of(client.get(url, {name: mark(world.globex).replace("globex", "nowhere")}))
        shown = content_of(answer).replace(foreign, b"only-nowhere")
        assert shown.count(b"only-nowhere") == echoes.count(b"only-nowhere")


def test_members_of_another_organization_do_not_get_into_a_team(world: World) -> None:
    before = everything(world.acme, world.globex)
    url = reverse("settings_team_member_add", args=["acme", world.acme_rows[Team].pk])
    answer = signed_in(world.people[Role.OWNER]).post(url, {"email": world.stranger.email})
    assert answer.status_code == 302
    assert everything(world.acme, world.globex) == before


@pytest.mark.parametrize("route", AGENT_ROUTES, ids=str)
def test_agents_routes_know_agents_only(world: World, route: Route) -> None:
    before = everything(world.acme, world.globex)
    url = url_of(route, "", world.acme_rows)
    with organization_scope(world.acme.pk):
        _, secret = issue_api_token(user=world.people[Role.OWNER], name="own", actor=None)
    issued = everything(world.acme, world.globex)
    answers = [
        send(Client(), route, url, world.acme_rows),
        send(signed_in(world.people[Role.OWNER]), route, url, world.acme_rows),
        send(Client(), route, url, world.acme_rows, HTTP_AUTHORIZATION=f"Bearer {secret}"),
        send(Client(), route, url, world.acme_rows, HTTP_AUTHORIZATION="Bearer pla_00000000_forged"),
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert issued != before
    assert everything(world.acme, world.globex) == issued


def test_an_agent_reads_no_receipt_of_another_cluster(world: World) -> None:
    route = next(route for route in AGENT_ROUTES if route.ids)
    url = url_of(route, "", world.acme_rows)
    own, other = (
        Client().get(url, HTTP_AUTHORIZATION=f"Bearer {agent_secret(organization)}").status_code
        for organization in (world.acme, world.globex)
    )
    assert (own, other) == (200, 404)


@pytest.mark.parametrize("route", [r for r in MEMBER_ROUTES if r.is_api], ids=str)
def test_an_api_token_serves_its_user_in_its_own_organization_only(world: World, route: Route) -> None:
    bearers = {}
    for organization, user in ((world.acme, world.people[Role.AUDITOR]), (world.globex, world.stranger)):
        with organization_scope(organization.pk):
            _, secret = issue_api_token(user=user, name="script", actor=None)
        bearers[organization.slug] = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    before = everything(world.acme, world.globex)
    url = url_of(route, "acme", world.acme_rows)
    answers = {
        slug: send(Client(), route, url, world.acme_rows, **bearer).status_code
        for slug, bearer in bearers.items()
    }
    assert answers == {"acme": route.status_for(Role.AUDITOR), "globex": 404}
    assert everything(world.acme, world.globex) == before


def test_an_agents_token_opens_no_page_and_no_read_api(world: World) -> None:
    for route in MEMBER_ROUTES:
        url = url_of(route, "acme", world.acme_rows)
        answer = send(
            Client(), route, url, world.acme_rows, HTTP_AUTHORIZATION=f"Bearer {agent_secret(world.acme)}"
        )
        assert is_sign_in(answer) or answer.status_code == 401, route


def test_the_scope_of_a_request_ends_with_it(world: World) -> None:
    client = signed_in(world.people[Role.OWNER])
    client.get(reverse("fix", args=["acme"]))
    client.get(reverse("cluster", args=["acme", world.globex_rows[Cluster].pk]))
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('plumbline.organization_id', true)")
        assert cursor.fetchone()[0] in (None, "")
        cursor.execute("SELECT count(*) FROM clusters_cluster")
        assert cursor.fetchone() == (0,)


def test_ids_that_are_none_are_not_found(world: World) -> None:
    client = signed_in(world.people[Role.OWNER])
    assert client.get(f"/o/acme/clusters/{UUID(int=0)}").status_code == 404
    assert client.get("/o/acme/violations/9223372036854775808").status_code == 404
    assert client.get("/o/acme/workloads/99999999999999999999").status_code == 404
