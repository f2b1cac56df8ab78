"""Named formats accept what the API server accepts, and yield an optional with its messages."""

from __future__ import annotations

import pytest

from tests.plumbline.engines.evaluations import error_of, refusal_of, value_of

ACCEPTED = [
    ("dns1123Label", "my-name-1"),
    ("dns1123Label", "a" * 63),
    ("dns1123Subdomain", "a.b-c.d"),
    ("dns1035Label", "a1"),
    ("qualifiedName", "example.com/Name_1.x"),
    ("qualifiedName", "Name"),
    ("dns1123LabelPrefix", "web-"),
    ("dns1123SubdomainPrefix", "web.-"),
    ("dns1035LabelPrefix", "web-"),
    ("labelValue", ""),
    ("labelValue", "A_b.c-1"),
    ("uri", "https://shop.example/a"),
    ("uuid", "123e4567-e89b-12d3-a456-426614174000"),
    ("uuid", "123E4567E89B12D3A456426614174000"),
    ("byte", "aGVsbG8="),
    ("date", "2024-02-29"),
    ("datetime", "2024-02-29T23:59:59.5Z"),
    ("datetime", "2024-02-29t00:00:00+01:00"),
]
REJECTED = [
    ("dns1123Label", "A"),
    ("dns1123Label", "-a"),
    ("dns1123Label", ""),
    ("dns1123Label", "a" * 64),
    ("dns1123Subdomain", "a..b"),
    ("dns1123Subdomain", "a" * 254),
    ("dns1035Label", "1a"),
    ("qualifiedName", "/name"),
    ("qualifiedName", "Example.com/name"),
    ("qualifiedName", "a/b/c"),
    ("dns1123LabelPrefix", "-"),
    ("labelValue", "-a"),
    ("labelValue", "a" * 64),
    ("uri", "shop.example"),
    ("uuid", "123e4567"),
    ("byte", "aGVsbG8"),
    ("byte", "aGV_"),
    ("byte", ""),
    ("date", "2023-02-29"),
    ("date", "2024-2-1"),
    ("datetime", "2024-02-29 00:00:00Z"),
    ("datetime", "2024-02-29T24:00:00Z"),
    ("datetime", "2024-02-29T00:00:00"),
]


@pytest.mark.parametrize(("name", "text"), ACCEPTED)
def test_format_accepts(name: str, text: str) -> None:
    assert value_of(f"format.{name}().validate('{text}').hasValue()") is False


@pytest.mark.parametrize(("name", "text"), REJECTED)
def test_format_rejects(name: str, text: str) -> None:
    assert value_of(f"format.{name}().validate('{text}').hasValue()") is True


def test_messages_are_the_api_servers() -> None:
    assert value_of("format.dns1123Label().validate('a.b').value()") == ["must not contain dots"]
    assert value_of("format.uuid().validate('x').value()") == ["does not match the UUID format"]
    assert value_of("format.dns1035Label().validate('1').value()[0]").endswith(
        "(e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
    )
    assert value_of(f"format.labelValue().validate('{'a' * 64}').value()") == ["must be no more than 63 bytes"]


def test_formats_are_found_by_name() -> None:
    assert value_of("format.named('uuid').hasValue()") is True
    assert value_of("format.named('email').hasValue()") is False
    assert value_of("format.named('date').value().validate('2024-01-01').hasValue()") is False
    assert value_of("format.named('email').orValue(format.date()).validate('x').hasValue()") is True


def test_validations_nest_in_each_other_and_in_macros() -> None:
    nested = "format.labelValue().validate(format.labelValue().validate('a)').orValue([')'])[0]).hasValue()"
    assert value_of(nested) is True
    assert value_of("object.teams.all(team, !format.dns1123Label().validate(team).hasValue())") is True
    assert value_of("'.validate(x)' + format.date().validate('2024-01-01').orValue(['fine']).join('')") == (
        ".validate(x)fine"
    )


def test_formats_equal_by_name() -> None:
    assert value_of("format.date() == format.date()") is True
    assert value_of("format.date() == format.uuid()") is False


def test_what_is_no_format_is_refused() -> None:
    assert "format has no such function" in refusal_of("format.email().validate('a')").message
    assert "'validate'" in refusal_of("'a'.validate('b')").message
    assert "optional" in error_of("format.named('email').value().validate('a').hasValue()")
