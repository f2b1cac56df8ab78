import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from organizations.models import ApiToken, AuditEvent, Membership, Organization, Role, User
from organizations.scope import organization_scope
from organizations.selectors.memberships import membership_in
from organizations.services.audit import record
from organizations.services.teams import add_team_member, create_team
from organizations.services.tokens import issue_api_token
from tests.cast import fill_members, join, make_user
from tests.factories import make_cluster


def membership(user: User) -> Membership:
    found = membership_in(user, "acme")
    assert found is not None
    return found


def at(name: str, *more: Any) -> str:
    return reverse(name, args=["acme", *more])


def test_an_invitation_is_shown_once_and_leads_to_membership(as_olivia: Client) -> None:
    answer = as_olivia.post(at("settings_invite"), {"email": "Nadia@acme.example", "role": "auditor"})
    path = re.search(r"/invitations/[\w-]+", answer.content.decode()).group()
    assert path not in as_olivia.get(at("settings")).content.decode()
    assert b"nadia@acme.example" in as_olivia.get(at("settings")).content
    newcomer = Client()
    form = {
        "name": "Nadia",
        "password": "four entirely new words",
        "password_again": "four entirely new words",
    }
    assert b"invited as auditor" in newcomer.get(path).content
    assert newcomer.post(path, form)["Location"] == "/o/acme/fix"
    assert newcomer.get(at("settings")).status_code == 200
    assert newcomer.get(path).status_code == 404


def test_an_invitation_to_an_account_asks_to_sign_in_with_it(as_olivia: Client, mallory: User, client: Client) -> None:
    answer = as_olivia.post(at("settings_invite"), {"email": mallory.email, "role": "developer"})
    path = re.search(r"/invitations/[\w-]+", answer.content.decode()).group()
    assert f"/sign-in?next={path}" in Client().get(path).content.decode()
    assert b"You are signed in as olivia@acme.example" in as_olivia.get(path).content
    assert as_olivia.post(path).status_code == 403
    guest = Client()
    guest.force_login(mallory)
    assert guest.post(path)["Location"] == "/o/acme/fix"
    assert membership(mallory).role == Role.DEVELOPER


def test_an_invitation_is_handed_over_to_be_mailed(as_olivia: Client, django_capture_on_commit_callbacks: Any) -> None:
    queue = cache._cache.get_client()
    waiting = queue.llen("celery")
    with django_capture_on_commit_callbacks(execute=True):
        as_olivia.post(at("settings_invite"), {"email": "nadia@acme.example", "role": "auditor"})
    assert queue.llen("celery") == waiting + 1


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"email": "nadia", "role": "auditor"}, "is not an e-mail address"),
        ({"email": "nadia@acme.example", "role": "king"}, "There is no role"),
        ({"email": "olivia@acme.example", "role": "auditor"}, "already a member"),
    ],
)
def test_a_bad_invitation_says_why_and_keeps_what_was_typed(
    as_olivia: Client, form: dict[str, str], sentence: str
) -> None:
    answer = as_olivia.post(at("settings_invite"), form)
    assert answer.status_code in {400, 409}
    assert sentence in answer.content.decode()
    assert f'value="{form["email"]}"' in answer.content.decode()


def test_a_role_changes_from_the_page(as_olivia: Client, dev: User) -> None:
    answer = as_olivia.post(at("settings_member_role", membership(dev).pk), {"role": "auditor"}, follow=True)
    assert "Dev Developer is now auditor." in answer.content.decode()
    assert membership(dev).role == Role.AUDITOR


def test_the_last_owner_is_told_why_nothing_happened(as_olivia: Client, olivia: User) -> None:
    url = at("settings_member_role", membership(olivia).pk)
    answer = as_olivia.post(url, {"role": "auditor"}, follow=True)
    assert "An organization needs an owner" in answer.content.decode()
    assert membership(olivia).role == Role.OWNER


def test_an_owner_who_leaves_is_led_home(as_olivia: Client, olivia: User, sam: User, acme: Organization) -> None:
    as_olivia.post(at("settings_member_role", membership(sam).pk), {"role": "owner"})
    answer = as_olivia.post(at("settings_member_remove", membership(olivia).pk))
    assert answer["Location"] == "/"
    assert as_olivia.get(at("settings")).status_code == 404


def test_a_developer_sees_members_but_no_controls(client: Client, acme: Organization, dev: User) -> None:
    client.force_login(dev)
    page = client.get(at("settings")).content.decode()
    assert "olivia@acme.example" in page
    assert "Invite a member" not in page
    assert "settings/members/" not in page


def test_members_are_paged_and_found(as_olivia: Client, acme: Organization) -> None:
    fill_members(acme, 60)
    first = as_olivia.get(at("settings"))
    assert (len(first.context["rows"]), first.context["numbers"].member_count) == (50, 61)
    assert "61 members" in first.content.decode()
    second = as_olivia.get(at("settings"), {"cursor": first.context["next_cursor"]})
    emails = [row.membership.user.email for row in second.context["rows"]]
    assert (len(emails), emails[0], second.context["next_cursor"]) == (11, "user-49@acme.example", None)
    found = as_olivia.get(at("settings"), {"q": "USER-17"}).context["rows"]
    assert [row.membership.user.email for row in found] == ["user-17@acme.example"]
    assert "Nobody matches" in as_olivia.get(at("settings"), {"q": "zebra"}).content.decode()
    assert "this is its beginning" in as_olivia.get(at("settings"), {"cursor": "x"}).content.decode()


def test_a_deed_on_a_further_page_returns_to_it(as_olivia: Client, dev: User) -> None:
    role = at("settings_member_role", membership(dev).pk)
    there = f"http://testserver{at('settings')}?q=dev"
    answer = as_olivia.post(role, {"role": "auditor"}, headers={"HX-Current-URL": there})
    assert answer["Location"] == f"{at('settings')}?q=dev"
    elsewhere = as_olivia.post(role, {"role": "developer"}, headers={"Referer": "http://evil.example/x?q=dev"})
    assert elsewhere["Location"] == at("settings")


def test_an_origin_that_is_no_address_leads_to_the_page(as_olivia: Client, dev: User) -> None:
    role = at("settings_member_role", membership(dev).pk)
    answer = as_olivia.post(role, {"role": "auditor"}, headers={"Referer": "http://[not-an-address?q=dev"})
    assert answer["Location"] == at("settings")


def test_a_page_whose_last_row_is_gone_shows_the_beginning(as_olivia: Client, acme: Organization) -> None:
    fill_members(acme, 50)
    second = as_olivia.get(at("settings")).context["next_cursor"]
    there = f"http://testserver{at('settings')}?cursor={second}"
    last = User.objects.get(email="user-49@acme.example")
    remove = at("settings_member_remove", membership(last).pk)
    page = as_olivia.post(remove, headers={"Referer": there}, follow=True)
    assert "this is its beginning" in page.content.decode()
    assert len(page.context["rows"]) == 50


def test_a_token_is_shown_once_and_revoked(as_olivia: Client, acme: Organization) -> None:
    page = as_olivia.post(at("settings_token_issue"), {"name": "nightly run"}).content.decode()
    secret = re.search(r"plb_[0-9a-f]{8}_[\w-]{43}", page).group()
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    assert Client().get("/api/v1/organizations/acme/clusters", **bearer).status_code == 200
    assert secret not in as_olivia.get(at("settings_tokens")).content.decode()
    with organization_scope(acme.pk):
        token = ApiToken.objects.get()
    revoked = as_olivia.post(at("settings_token_revoke", token.pk), follow=True)
    assert "nightly run is revoked" in revoked.content.decode()
    assert Client().get("/api/v1/organizations/acme/clusters", **bearer).status_code == 401
    assert "nightly run" not in as_olivia.get(at("settings_tokens")).content.decode()


def test_a_token_without_a_name_says_so(as_olivia: Client) -> None:
    answer = as_olivia.post(at("settings_token_issue"), {"name": " "})
    assert answer.status_code == 400
    assert "Give the token a name" in answer.content.decode()


def test_tokens_are_paged_with_the_newest_first(as_olivia: Client, acme: Organization, olivia: User) -> None:
    with organization_scope(acme.pk):
        for number in range(53):
            issue_api_token(user=olivia, name=f"token {number}")
    first = as_olivia.get(at("settings_tokens"))
    assert (len(first.context["tokens"]), first.context["tokens"][0].name) == (50, "token 52")
    assert "53 API tokens of yours" in first.content.decode()
    second = as_olivia.get(at("settings_tokens"), {"cursor": first.context["next_cursor"]})
    assert [token.name for token in second.context["tokens"]] == ["token 2", "token 1", "token 0"]


@pytest.mark.parametrize("name", ["settings", "settings_teams", "settings_tokens", "activity"])
def test_pages_make_as_many_queries_for_one_as_for_many(
    as_olivia: Client, acme: Organization, olivia: User, name: str, django_assert_num_queries: Any
) -> None:
    def fill_more(number: int) -> None:
        user = make_user(f"user-{number}@acme.example", f"User {number}")
        join(acme, user, Role.DEVELOPER)
        with organization_scope(acme.pk):
            team = create_team(name=f"Team {number}", namespaces=[f"ns-{number}"])
            add_team_member(team_id=team.pk, email=user.email, actor=olivia)
            issue_api_token(user=olivia, name=f"token {number}")

    fill_more(0)
    as_olivia.get(at(name))
    with CaptureQueriesContext(connection) as few:
        as_olivia.get(at(name))
    for number in range(1, 20):
        fill_more(number)
    with django_assert_num_queries(len(few)):
        as_olivia.get(at(name))


def test_activity_is_newest_first_and_pages_by_key(as_olivia: Client, acme: Organization) -> None:
    with organization_scope(acme.pk):
        for number in range(60):
            record(verb="team.created", target=f"team-{number:02}")
    first = as_olivia.get(at("activity")).content.decode()
    assert "Last: Team team-59 created by Plumbline" in first
    assert first.index("team-59") < first.index("team-10")
    assert "team-09" not in first
    cursor = re.search(r"cursor=([\w%-]+)", first).group(1)
    second = as_olivia.get(f"{at('activity')}?cursor={cursor}").content.decode()
    assert "team-09" in second
    assert "team-10" not in second


def test_activity_filters(as_olivia: Client, acme: Organization) -> None:
    with organization_scope(acme.pk):
        make_cluster("found")
        record(verb="cluster.registered", target="found", actor_label="ci")
        record(verb="team.created", target="other")
    for query in ({"subject": "cluster"}, {"q": "foun"}, {"actor": "ci"}):
        rows = as_olivia.get(at("activity"), query).context["rows"]
        assert [row.event.target for row in rows] == ["found"]
    assert as_olivia.get(at("activity"), {"until": "2020-01-01"}).context["rows"] == []


@pytest.mark.parametrize("query", ["cursor=x", "since=yesterday", "subject=king", "q=%00"])
def test_activity_leaves_out_what_it_does_not_understand(as_olivia: Client, query: str) -> None:
    answer = as_olivia.get(f"{at('activity')}?{query}")
    assert answer.status_code == 200
    assert len(answer.context["rows"]) == 1


def test_htmx_gets_the_results_alone(as_olivia: Client) -> None:
    answer = as_olivia.get(at("activity"), HTTP_HX_REQUEST="true", HTTP_HX_TARGET="results")
    assert b"<html" not in answer.content
    assert b"organization" in answer.content.lower()


def test_an_event_is_never_changed(acme: Organization) -> None:
    with organization_scope(acme.pk):
        event = AuditEvent.objects.get()
        event.target = "else"
        with pytest.raises(TypeError, match="never changed"):
            event.save()


def test_htmx_without_a_session_takes_the_whole_page_to_sign_in(client: Client, acme: Organization) -> None:
    answer = client.get(
        at("activity"), HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL="http://testserver/o/acme/activity?q=x"
    )
    assert answer["HX-Redirect"].startswith("/sign-in?next=")
    assert "activity" in answer["HX-Redirect"]
