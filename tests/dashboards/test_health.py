from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import RequestDataTooBig
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from common.errors import TooManyRequests
from dashboards.errors import bad_request
from organizations import roles


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("nobody foresaw this")


def too_fast(request: HttpRequest) -> HttpResponse:
    raise TooManyRequests("Slow down.", retry_after=7)


@csrf_exempt
def takes_forms(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.POST.get("x", ""))


urlpatterns = [
    path("crash", crash),
    path("too-fast", too_fast),
    path("api/too-fast", too_fast),
    path("form", takes_forms),
    path("api/form", takes_forms),
]
handler400 = "dashboards.errors.bad_request"
handler404 = "dashboards.errors.not_found"
handler500 = "dashboards.errors.server_error"


@pytest.fixture
def here() -> Client:
    return Client(raise_request_exception=False)


def test_healthz_asks_nobody(client: Client) -> None:
    """No `db` fixture: a query would fail."""
    assert client.get("/healthz").json() == {"status": "up"}


def test_readyz_when_all_is_well(client: Client, db: None) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "problems": {}})


def test_readyz_is_degraded_without_redis_and_gives_no_address_away(
    client: Client, db: None, settings: Any
) -> None:
    """Reports are taken in without it: see common.limits and clusters.services.throttling."""
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "problems": {"redis": "unreachable"}}


def test_readyz_says_when_the_database_takes_no_writes(client: Client, db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, {"database": "read-only"})


def test_readyz_is_cheap(client: Client, db: None, django_assert_num_queries: Any) -> None:
    client.get("/readyz")
    with django_assert_num_queries(4):
        client.get("/readyz")


def test_readyz_counts_migrations_that_wait(client: Client, db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'organizations' AND name LIKE '0002%%'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "not applied" in answer.json()["problems"]["migrations"]


@pytest.mark.parametrize(
    ("attributes", "words"), [((True, False), "is a superuser"), ((False, True), "has BYPASSRLS")]
)
def test_a_role_that_row_level_security_does_not_bind_is_refused(
    db: None, monkeypatch: pytest.MonkeyPatch, attributes: tuple[bool, bool], words: str
) -> None:
    monkeypatch.setattr(roles, "_role", lambda: ("boss", *attributes))
    assert words in roles.application_role_problem()
    assert [problem.id for problem in run_checks(tags=["database"], databases=["default"])] == [
        "organizations.E001"
    ]
    with pytest.raises(SystemExit) as ended:
        roles.refuse_unbound_role()
    assert ended.value.code == roles.BOOT_ERROR


def test_the_applications_role_is_accepted(db: None) -> None:
    assert run_checks(tags=["database"], databases=["default"]) == []
    roles.refuse_unbound_role()


def test_commands_of_the_owner_are_exempt(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "_role", lambda: ("boss", True, True))
    monkeypatch.setattr("sys.argv", ["manage.py", "migrate"])
    assert run_checks(tags=["database"], databases=["default"]) == []


@pytest.mark.urls(__name__)
def test_a_crash_page_needs_nothing_and_tells_nothing(here: Client) -> None:
    answer = here.get("/crash")
    assert answer.status_code == 500
    assert b"Something went wrong on our side" in answer.content
    assert b"foresaw" not in answer.content
    assert b"<link" not in answer.content


@pytest.mark.urls(__name__)
def test_a_refusal_that_no_view_handles_is_a_page_or_json(here: Client) -> None:
    page, api = here.get("/too-fast"), here.get("/api/too-fast")
    assert (page.status_code, page["Retry-After"]) == (429, "7")
    assert b"Slow down." in page.content
    assert (api.status_code, api["Retry-After"]) == (429, "7")
    assert api.json() == {"detail": "Slow down.", "code": "throttled", "fields": {}}


@pytest.mark.urls(__name__)
def test_an_oversized_form_is_413(here: Client) -> None:
    body = {"x": "y" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)}
    kind = "application/x-www-form-urlencoded"
    page = here.post("/form", f"x={body['x']}", content_type=kind)
    api = here.post("/api/form", f"x={body['x']}", content_type=kind)
    assert page.status_code == 413
    assert (api.status_code, api.json()["code"]) == (413, "too_large")


def test_a_bad_request_is_400_unless_it_was_too_large() -> None:
    request = RequestFactory().get("/api/x")
    assert bad_request(request).status_code == 400
    assert bad_request(request, RequestDataTooBig("big")).status_code == 413


def test_an_unknown_page_is_404_with_a_way_out(client: Client, db: None) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert b'href="/"' in answer.content


def test_an_unknown_api_route_is_json(client: Client, db: None) -> None:
    assert client.get("/api/v1/nowhere").json() == {"detail": "Not found.", "code": "not_found", "fields": {}}


def test_a_form_without_its_token_says_what_to_do(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in", {"email": "x@example.com", "password": "x"})
    assert answer.status_code == 403
    assert b"reload the page" in answer.content
