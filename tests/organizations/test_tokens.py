from datetime import timedelta

import pytest
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient

from common.clock import now
from common.errors import Conflict, NotFound, PlumblineError
from common.limits import Limit
from common.tokens import token_digest
from organizations.api.views import OrganizationAPIView
from organizations.models import ApiToken, AuditEvent, Membership, Organization, Team, User
from organizations.permissions import Capability
from organizations.scope import organization_scope
from organizations.selectors.memberships import membership_in
from organizations.services.members import remove_member
from organizations.services.tokens import issue_api_token, revoke_api_token


class Probe(OrganizationAPIView):
    """A view as the apps write them: reads its organization's teams, refuses on demand."""

    needs = {"GET": Capability.VIEW, "POST": Capability.MANAGE_TEAMS, "DELETE": Capability.VIEW}

    def get(self, request: Request, slug: str) -> Response:
        return Response({"teams": [team.slug for team in Team.objects.all()], "role": self.membership.role})

    def post(self, request: Request, slug: str) -> Response:
        raise Conflict("There is such a thing already.", code="taken", fields={"name": "Taken."})

    def delete(self, request: Request, slug: str) -> Response:
        raise RuntimeError("nobody foresaw this")


urlpatterns = [path("api/v1/organizations/<slug:slug>/probe", Probe.as_view())]
handler500 = "dashboards.errors.server_error"
handler404 = "dashboards.errors.not_found"

pytestmark = pytest.mark.urls(__name__)
URL = "/api/v1/organizations/acme/probe"


@pytest.fixture
def api() -> APIClient:
    return APIClient(raise_request_exception=False)


def issue(organization: Organization, user: User) -> str:
    with organization_scope(organization.pk):
        return issue_api_token(user=user, name="test", actor=user)[1]


def bearer(secret: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


def test_a_token_is_shown_once_and_stored_as_a_digest(acme_scope: Organization, dev: User) -> None:
    token, secret = issue_api_token(user=dev, name="laptop", actor=dev)
    assert secret.startswith(f"{token.prefix}_")
    assert token.digest == token_digest(secret)
    stored = ApiToken.objects.values().get()
    assert secret not in str(stored)
    assert AuditEvent.objects.get(verb="api_token.issued").data == {"name": "laptop", "user": dev.email}


def test_a_token_acts_with_its_users_role(api: APIClient, acme: Organization, dev: User) -> None:
    answer = api.get(URL, **bearer(issue(acme, dev)))
    assert (answer.status_code, answer.json()) == (200, {"teams": [], "role": "developer"})


def test_a_session_serves_as_well_but_writes_need_the_csrf_token(acme: Organization, olivia: User) -> None:
    api = APIClient(enforce_csrf_checks=True)
    api.force_login(olivia)
    assert api.get(URL).status_code == 200
    refused = api.post(URL)
    assert refused.status_code == 403
    assert refused.json()["code"] == "permission_denied"


def test_no_credentials_are_401_with_the_scheme(api: APIClient, acme: Organization) -> None:
    answer = api.get(URL)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert set(answer.json()) == {"detail", "code", "fields"}


@pytest.mark.parametrize(
    "secret", ["", "plb_", "plb_x_y", "pla_00000000_agent", "plb_" + "0" * 500, "plb_é_é"]
)
def test_garbage_is_401(api: APIClient, acme: Organization, secret: str) -> None:
    assert api.get(URL, **bearer(secret)).status_code == 401


def test_a_revoked_token_is_401_at_once(api: APIClient, acme: Organization, dev: User) -> None:
    secret = issue(acme, dev)
    assert api.get(URL, **bearer(secret)).status_code == 200
    with organization_scope(acme.pk):
        revoke_api_token(token_id=ApiToken.objects.get().pk, user=dev)
    assert api.get(URL, **bearer(secret)).status_code == 401


def test_a_token_of_an_inactive_user_is_401(api: APIClient, acme: Organization, dev: User) -> None:
    secret = issue(acme, dev)
    User.objects.filter(pk=dev.pk).update(is_active=False)
    assert api.get(URL, **bearer(secret)).status_code == 401


def test_a_token_of_a_member_removed_is_401(
    api: APIClient, acme: Organization, dev: User, olivia: User
) -> None:
    secret = issue(acme, dev)
    with organization_scope(acme.pk):
        remove_member(membership_id=Membership.objects.get(user=dev).pk, actor=olivia)
    assert api.get(URL, **bearer(secret)).status_code == 401


def test_a_token_is_good_for_its_own_organization_only(
    api: APIClient, acme: Organization, globex: Organization, mallory: User
) -> None:
    with organization_scope(acme.pk):
        Membership.objects.create(organization=acme, user=mallory, role="developer")
    answer = api.get(URL, **bearer(issue(globex, mallory)))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert membership_in(mallory, "acme") is not None


def test_strangers_and_wrong_slugs_get_the_same_404(
    api: APIClient, acme: Organization, mallory: User
) -> None:
    api.force_login(mallory)
    stranger = api.get(URL)
    nothing = api.get(URL.replace("acme", "nowhere"))
    assert stranger.status_code == nothing.status_code == 404
    assert stranger.json() == nothing.json()


def test_a_capability_lacking_is_403_that_names_it(api: APIClient, dev: User) -> None:
    api.force_login(dev)
    answer = api.post(URL)
    assert answer.status_code == 403
    assert "manage_teams" in answer.json()["detail"]


def test_a_refusal_by_a_service_keeps_its_status_code_and_fields(
    api: APIClient, acme: Organization, olivia: User
) -> None:
    api.force_login(olivia)
    answer = api.post(URL)
    assert answer.status_code == 409
    assert answer.json() == {
        "detail": "There is such a thing already.",
        "code": "taken",
        "fields": {"name": "Taken."},
    }


def test_a_crash_and_an_unknown_route_have_the_same_shape(
    api: APIClient, acme: Organization, olivia: User
) -> None:
    api.force_login(olivia)
    crash, unknown, method = api.delete(URL), api.get("/api/v1/nothing"), api.put(URL)
    assert [crash.status_code, unknown.status_code, method.status_code] == [500, 404, 405]
    assert all(set(answer.json()) == {"detail", "code", "fields"} for answer in (crash, unknown, method))
    assert "foresaw" not in crash.content.decode()


def test_use_is_noted_at_most_once_a_minute(api: APIClient, acme: Organization, dev: User) -> None:
    secret = issue(acme, dev)
    api.get(URL, **bearer(secret))
    with organization_scope(acme.pk):
        first = ApiToken.objects.get().last_used_at
        api.get(URL, **bearer(secret))
        assert ApiToken.objects.get().last_used_at == first
        ApiToken.objects.update(last_used_at=now() - timedelta(minutes=2))
        api.get(URL, **bearer(secret))
        assert ApiToken.objects.get().last_used_at > first


def test_nobody_revokes_anothers_token(acme_scope: Organization, dev: User, olivia: User) -> None:
    token, _ = issue_api_token(user=dev, name="laptop", actor=dev)
    with pytest.raises(NotFound):
        revoke_api_token(token_id=token.pk, user=olivia)
    assert ApiToken.objects.get().revoked_at is None


def test_a_token_needs_a_name_and_a_member(acme_scope: Organization, dev: User, mallory: User) -> None:
    with pytest.raises(PlumblineError, match="name"):
        issue_api_token(user=dev, name="  ")
    with pytest.raises(NotFound):
        issue_api_token(user=mallory, name="laptop")
    assert not ApiToken.objects.exists()


def test_a_caller_too_fast_gets_429_that_says_when(
    api: APIClient, acme: Organization, dev: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("organizations.api.throttling.PER_CALLER", Limit(f"api-{dev.pk}", "2 per minute"))
    secret = issue(acme, dev)
    answers = [api.get(URL, **bearer(secret)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2]["Retry-After"]) <= 61
    assert answers[2].json()["code"] == "throttled"
