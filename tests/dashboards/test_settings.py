import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from compliance.models import Violation
from organizations.models import ApiToken, AuditEvent, Membership, Organization, Role, Team, User
from organizations.scope import organization_scope
from organizations.selectors.memberships import membership_in
from organizations.services.audit import record
from organizations.services.teams import create_team
from organizations.services.tokens import issue_api_token
from tests.cast import join, make_user
from tests.factories import make_cluster
from tests.isolation.rows import fill


@pytest.fixture
def as_olivia(client: Client, acme: Organization, olivia: User) -> Client:
    client.force_login(olivia)
    return client


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


def test_an_invitation_to_an_account_asks_to_sign_in_with_it(
    as_olivia: Client, mallory: User, client: Client
) -> None:
    answer = as_olivia.post(at("settings_invite"), {"email": mallory.email, "role": "developer"})
    path = re.search(r"/invitations/[\w-]+", answer.content.decode()).group()
    assert f"/sign-in?next={path}" in Client().get(path).content.decode()
    assert b"You are signed in as olivia@acme.example" in as_olivia.get(path).content
    assert as_olivia.post(path).status_code == 403
    guest = Client()
    guest.force_login(mallory)
    assert guest.post(path)["Location"] == "/o/acme/fix"
    assert membership(mallory).role == Role.DEVELOPER


def test_an_invitation_is_handed_over_to_be_mailed(
    as_olivia: Client, django_capture_on_commit_callbacks: Any
) -> None:
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


def test_an_owner_who_leaves_is_led_home(
    as_olivia: Client, olivia: User, sam: User, acme: Organization
) -> None:
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


def test_a_team_is_made_and_edited(as_olivia: Client, acme: Organization, dev: User) -> None:
    as_olivia.post(at("settings_team_create"), {"name": "Payments", "namespaces": "payments, jobs"})
    with organization_scope(acme.pk):
        team = Team.objects.get()
    form = {"name": "Money", "namespaces": "billing", "member": [str(dev.pk)]}
    page = as_olivia.post(at("settings_team", team.pk), form, follow=True).content.decode()
    assert "The team Money is saved." in page
    with organization_scope(acme.pk):
        assert Team.objects.get().namespaces == ["billing"]
    assert '<span class="tag">Dev Developer</span>' in page


def test_a_bad_team_keeps_what_was_typed(as_olivia: Client, acme: Organization) -> None:
    answer = as_olivia.post(at("settings_team_create"), {"name": "Payments", "namespaces": "Not_One"})
    assert answer.status_code == 400
    assert 'value="Not_One"' in answer.content.decode()
    with organization_scope(acme.pk):
        assert not Team.objects.exists()


def test_a_team_that_owns_things_can_be_deleted(as_olivia: Client, acme: Organization) -> None:
    rows = fill(acme)
    assert as_olivia.post(at("settings_team_delete", rows[Team].pk)).status_code == 302
    with organization_scope(acme.pk):
        assert not Team.objects.exists()
        assert Violation.objects.get().team_id is None


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


@pytest.mark.parametrize("name", ["settings", "settings_teams", "settings_tokens", "activity"])
def test_pages_make_as_many_queries_for_one_as_for_many(
    as_olivia: Client, acme: Organization, olivia: User, name: str, django_assert_num_queries: Any
) -> None:
    def fill_more(number: int) -> None:
        user = make_user(f"user-{number}@acme.example", f"User {number}")
        join(acme, user, Role.DEVELOPER)
        with organization_scope(acme.pk):
            create_team(name=f"Team {number}", namespaces=[f"ns-{number}"])
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
