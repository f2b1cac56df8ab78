from typing import Any

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.test import Client
from django.urls import reverse

from organizations.models import Organization, Role, User
from organizations.services.sign_in import PER_NETWORK_AND_ACCOUNT
from tests.cast import PASSWORD, join

pytestmark = pytest.mark.usefixtures("fresh_limits")


def submit(client: Client, email: str, password: str, **more: str) -> Any:
    return client.post(reverse("sign_in"), {"email": email, "password": password, **more})


def test_signing_in_by_email_in_any_case_leads_home(client: Client, acme: Organization, olivia: User) -> None:
    response = submit(client, "Olivia@ACME.example", PASSWORD)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/")["Location"] == "/o/acme/fix"


def test_wrong_password_and_unknown_address_get_the_same_answer(client: Client, olivia: User) -> None:
    known = submit(client, olivia.email, "wrong")
    unknown = submit(client, "nobody@acme.example", "wrong")
    assert known.status_code == unknown.status_code == 400
    assert known.context["error"] == unknown.context["error"]


def test_unknown_addresses_cost_a_hash_as_well(
    client: Client, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    hashed = []
    hasher = type(identify_hasher("argon2$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA"))
    encode = hasher.encode
    monkeypatch.setattr(hasher, "encode", lambda self, *a: hashed.append(1) or encode(self, *a))
    submit(client, "nobody@acme.example", "wrong")
    assert hashed == [1]


def test_an_inactive_account_cannot_sign_in(client: Client, olivia: User) -> None:
    User.objects.filter(pk=olivia.pk).update(is_active=False)
    assert submit(client, olivia.email, PASSWORD).status_code == 400


def test_signing_in_changes_the_session_key(client: Client, olivia: User) -> None:
    client.session["seen"] = True
    session = client.session
    session["seen"] = True
    session.save()
    client.cookies["sessionid"] = session.session_key
    submit(client, olivia.email, PASSWORD)
    assert client.session.session_key != session.session_key
    assert client.session["_auth_user_id"] == str(olivia.pk)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/x", "javascript:alert(1)", "/\\evil.example"]
)
def test_next_never_leads_elsewhere(client: Client, olivia: User, elsewhere: str) -> None:
    assert submit(client, olivia.email, PASSWORD, next=elsewhere)["Location"] == "/"


def test_next_leads_back_to_the_page_asked_for(client: Client, olivia: User) -> None:
    asked = client.get("/account")
    assert asked["Location"] == "/sign-in?next=/account"
    assert submit(client, olivia.email, PASSWORD, next="/account")["Location"] == "/account"


def test_signing_out_is_by_post_only(client: Client, olivia: User) -> None:
    client.force_login(olivia)
    assert client.get(reverse("sign_out")).status_code == 405
    assert client.post(reverse("sign_out")).status_code == 302
    assert "_auth_user_id" not in client.session


def test_too_many_attempts_get_429_that_says_when(client: Client, olivia: User) -> None:
    for _ in range(PER_NETWORK_AND_ACCOUNT.item.amount):
        assert submit(client, olivia.email, "wrong").status_code == 400
    response = submit(client, olivia.email, PASSWORD)
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 600
    assert b"Try again in 10 min, at " in response.content


def test_unknown_addresses_are_limited_like_known_ones(client: Client, db: None) -> None:
    for _ in range(PER_NETWORK_AND_ACCOUNT.item.amount):
        submit(client, "nobody@acme.example", "wrong")
    assert submit(client, "nobody@acme.example", "wrong").status_code == 429


def test_an_attacker_does_not_lock_the_owner_out(client: Client, olivia: User) -> None:
    """Neither from the owner's own network, where a browser known for the account is counted apart."""
    submit(client, olivia.email, PASSWORD)
    client.post(reverse("sign_out"))
    attacker = Client()
    for _ in range(PER_NETWORK_AND_ACCOUNT.item.amount + 1):
        last = submit(attacker, olivia.email, "guess")
    assert last.status_code == 429
    assert submit(client, olivia.email, PASSWORD).status_code == 302
    assert submit(Client(REMOTE_ADDR="203.0.113.9"), olivia.email, PASSWORD).status_code == 302


def test_a_device_cookie_of_somebody_else_buys_no_attempts(
    client: Client, olivia: User, mallory: User
) -> None:
    submit(client, mallory.email, PASSWORD)
    client.post(reverse("sign_out"))
    for _ in range(PER_NETWORK_AND_ACCOUNT.item.amount):
        submit(client, olivia.email, "guess")
    assert submit(client, olivia.email, PASSWORD).status_code == 429


def test_the_session_cookie_is_out_of_scripts_reach(client: Client, olivia: User) -> None:
    cookies = submit(client, olivia.email, PASSWORD).cookies
    assert all(cookies[name]["httponly"] for name in ("sessionid", "plumbline_device"))
    assert {cookies[name]["samesite"] for name in ("sessionid", "plumbline_device")} == {"Lax"}


def test_pages_are_stored_by_no_cache_and_framed_by_no_site(client: Client, olivia: User) -> None:
    client.force_login(olivia)
    headers = client.get("/account").headers
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_changing_the_password_ends_other_sessions_and_keeps_this_one(client: Client, olivia: User) -> None:
    other = Client()
    other.force_login(olivia)
    client.force_login(olivia)
    chosen = "four entirely new words"
    form = {"present": PASSWORD, "password": chosen, "password_again": chosen}
    assert client.post(reverse("account_password"), form).status_code == 302
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    assert submit(Client(), olivia.email, chosen).status_code == 302


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"present": "wrong", "password": "x" * 14, "password_again": "x" * 14}, b"present password"),
        ({"present": PASSWORD, "password": "x" * 14, "password_again": "y" * 14}, b"not the same"),
        ({"present": PASSWORD, "password": "short", "password_again": "short"}, b"at least 12"),
        ({"present": PASSWORD, "password": "password1234", "password_again": "password1234"}, b"too common"),
    ],
)
def test_a_bad_change_of_password_changes_nothing(
    client: Client, olivia: User, form: dict[str, str], sentence: bytes
) -> None:
    client.force_login(olivia)
    response = client.post(reverse("account_password"), form)
    assert response.status_code == 400
    assert sentence in response.content
    assert User.objects.get(pk=olivia.pk).password == olivia.password


def test_a_person_without_organization_is_told_what_to_do(client: Client, olivia: User) -> None:
    client.force_login(olivia)
    assert b"Ask an owner to invite olivia@acme.example" in client.get("/").content


def test_home_leads_to_the_organization_last_seen(
    client: Client, acme: Organization, globex: Organization, olivia: User
) -> None:
    join(globex, olivia, Role.AUDITOR)
    client.force_login(olivia)
    client.get("/o/globex/settings/tokens")
    assert client.get("/")["Location"] == "/o/globex/fix"


def test_the_name_is_saved(client: Client, olivia: User) -> None:
    client.force_login(olivia)
    client.post("/account", {"name": "  Olivia O.  "})
    assert User.objects.get(pk=olivia.pk).name == "Olivia O."
