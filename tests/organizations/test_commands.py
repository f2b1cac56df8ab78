import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from common.tokens import token_digest
from organizations.models import ApiToken, Organization, Role, User
from organizations.scope import organization_scope
from organizations.selectors.memberships import membership_in
from organizations.services.users import user_by_email, user_of_password_link


def run(*arguments: str) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def found(*more: str, slug: str = "initech", owner: str = "nadia@initech.example") -> str:
    return run("create_organization", "--slug", slug, "--name", "Initech", "--owner", owner, *more)


def test_a_new_owner_gets_a_link_to_choose_a_password(db: None) -> None:
    output = found()
    user = user_by_email("nadia@initech.example")
    assert membership_in(user, "initech").role == Role.OWNER
    identity, token = re.search(r"/password-reset/([^/]+)/(\S+)", output).groups()
    assert user_of_password_link(identity, token) == user


def test_a_password_can_come_from_standard_input(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("four entirely new words\n"))
    assert "password" not in found("--password-stdin")
    assert user_by_email("nadia@initech.example").check_password("four entirely new words")


def test_an_owner_who_has_an_account_keeps_it(olivia: User) -> None:
    assert "password" not in found(owner="OLIVIA@acme.example")
    assert membership_in(olivia, "initech").role == Role.OWNER
    assert User.objects.get(pk=olivia.pk).password == olivia.password


@pytest.mark.parametrize(
    ("slug", "owner", "sentence"),
    [
        ("acme", "nadia@initech.example", "taken"),
        ("Not A Slug", "nadia@initech.example", "lower-case"),
        ("initech", "nadia", "not an e-mail address"),
    ],
)
def test_a_bad_founding_leaves_nothing_behind(
    acme: Organization, slug: str, owner: str, sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        found(slug=slug, owner=owner)
    assert user_by_email(owner) is None


def test_the_token_command_prints_the_token_alone(acme: Organization, dev: User) -> None:
    output = run("create_api_token", "--organization", "acme", "--user", "Dev@acme.example")
    secret = output.rstrip("\n")
    assert output == f"{secret}\n"
    with organization_scope(acme.pk):
        assert ApiToken.objects.get(user=dev).digest == token_digest(secret)


@pytest.mark.parametrize(
    ("slug", "email", "sentence"),
    [
        ("nowhere", "olivia@acme.example", "no organization “nowhere”"),
        ("acme", "nobody@acme.example", "no account for nobody@acme.example"),
        ("acme", "mallory@globex.example", "not a member"),
    ],
)
def test_a_token_for_nobody_says_why(
    acme: Organization, mallory: User, slug: str, email: str, sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("create_api_token", "--organization", slug, "--user", email)
