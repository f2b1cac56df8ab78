import re

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from organizations.models import User
from organizations.services.users import password_link, set_password, user_of_password_link
from organizations.tasks import send_password_link_task
from tests.cast import PASSWORD

CHOSEN = "four entirely new words"


def parts(link: str) -> list[str]:
    return link.rsplit("/", 2)[1:]


def test_the_mail_brings_a_link_that_opens_the_form(
    client: Client, olivia: User, mailoutbox: list[EmailMessage]
) -> None:
    send_password_link_task("OLIVIA@acme.example")
    link = re.search(r"http\S+", mailoutbox[0].body).group()
    assert mailoutbox[0].to == [olivia.email]
    assert b"For olivia@acme.example" in client.get(link.removeprefix("http://127.0.0.1:8000")).content


@pytest.mark.parametrize("email", ["nobody@acme.example", "olivia@acme.example\nBcc: x@evil.example"])
def test_nobody_else_gets_mail(olivia: User, mailoutbox: list[EmailMessage], email: str) -> None:
    send_password_link_task(email)
    assert mailoutbox == []


def test_an_inactive_account_gets_no_mail(olivia: User, mailoutbox: list[EmailMessage]) -> None:
    User.objects.filter(pk=olivia.pk).update(is_active=False)
    send_password_link_task(olivia.email)
    assert mailoutbox == []


def test_a_link_works_once(olivia: User) -> None:
    identity, token = parts(password_link(olivia))
    assert user_of_password_link(identity, token) == olivia
    set_password(user=olivia, password=CHOSEN)
    assert user_of_password_link(identity, token) is None


def test_signing_in_ends_the_link(client: Client, olivia: User) -> None:
    identity, token = parts(password_link(olivia))
    client.force_login(olivia)
    assert user_of_password_link(identity, token) is None


@pytest.mark.parametrize(
    ("identity", "token"), [("x", "x"), ("Zm9v", "a-b"), ("", ""), ("é", "é"), ("AAAA", "1-2")]
)
def test_a_forged_link_is_nobodys(db: None, identity: str, token: str) -> None:
    assert user_of_password_link(identity, token) is None


def test_anothers_token_does_not_fit(olivia: User, mallory: User) -> None:
    identity, _ = parts(password_link(olivia))
    _, token = parts(password_link(mallory))
    assert user_of_password_link(identity, token) is None


def test_a_new_password_by_link_ends_all_sessions(client: Client, olivia: User) -> None:
    link = password_link(olivia).removeprefix("http://127.0.0.1:8000")
    thief = Client()
    thief.force_login(olivia)
    identity, token = parts(password_link(User.objects.get(pk=olivia.pk)))
    url = reverse("password_reset_confirm", args=[identity, token])
    answer = client.post(url, {"password": CHOSEN, "password_again": CHOSEN})
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in")
    assert thief.get("/account").status_code == 302
    assert client.get(link).status_code == 404


def test_a_weak_password_leaves_the_link_alive(client: Client, olivia: User) -> None:
    url = reverse("password_reset_confirm", args=parts(password_link(olivia)))
    answer = client.post(url, {"password": "short", "password_again": "short"})
    assert answer.status_code == 400
    assert User.objects.get(pk=olivia.pk).check_password(PASSWORD)
    assert client.get(url).status_code == 200


@pytest.mark.usefixtures("fresh_limits")
def test_asking_answers_the_same_for_known_and_unknown(client: Client, olivia: User) -> None:
    known, unknown = (
        client.post(reverse("password_reset"), {"email": email})
        for email in (olivia.email, "unknown@acme.example")
    )
    assert known.status_code == unknown.status_code == 200
    assert known.content.replace(b"olivia@", b"unknown@") == unknown.content


@pytest.mark.usefixtures("fresh_limits")
def test_asking_too_often_is_429(client: Client, db: None) -> None:
    answers = [client.post(reverse("password_reset"), {"email": "often@acme.example"}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert int(answers[4]["Retry-After"]) > 0
