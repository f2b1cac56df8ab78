"""Numbers, equality, optionals, times and what is absent: the language itself."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.engines.cel import ExpressionError, activate, compile_expression
from tests.plumbline.engines.evaluations import error_of, refusal_of, value_of

VALUES: list[tuple[str, Any]] = [
    ("7 / 2", 3),
    ("-7 / 2", -3),
    ("-7 % 3", -1),
    ("object.replicas / 2", 1),
    ("object.ratio / 2.0", 0.75),
    ("object.replicas == 3.0", True),
    ("object.replicas < 3.5", True),
    ("object.replicas == '3'", False),
    ("443.0 in object.ports", True),
    ("object.labels == {'tier': 'front', 'app': 'web'}", True),
    ("object.ports == [80, 443]", True),
    ("object.empty == null", True),
    ("int('-12')", -12),
    ("int(2.9)", 2),
    ("double('1e3')", 1000.0),
    ("string(1.0)", "1"),
    ("string(1e21)", "1e+21"),
    ("string(123456789.0)", "1.23456789e+08"),
    ("bool('True')", True),
    ("type(object.replicas) == int", True),
    ("type(object.ratio) == double", True),
    ("has(object.name)", True),
    ("has(object.nothing)", False),
    ("has(object.empty)", True),
    ("object.?nothing.?deeper.hasValue()", False),
    ("object.?labels.?app.orValue('none')", "web"),
    ("object.labels[?'tier'].orValue('none')", "front"),
    ("object.ports[?9].orValue(0)", 0),
    ("optional.of(2).optMap(x, x * 2).value()", 4),
    ("optional.none().or(optional.of(3)).value()", 3),
    ("optional.ofNonZeroValue('').hasValue()", False),
    ("[?object.?nothing, ?object.?name]", ["web"]),
    ("{?'a': object.?nothing, ?'b': object.?name}", {"b": "web"}),
    ("duration('1h30m').getMinutes()", 90),
    ("duration('1500ms').getMilliseconds()", 1500),
    ("timestamp('2024-01-01T00:00:00Z').getHours('America/New_York')", 19),
    ("timestamp('2024-01-01T00:00:00.25Z').getMilliseconds()", 250),
    ("timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z') == duration('24h')", True),
    ("false && 1 / 0 > 0", False),
    ("1 / 0 > 0 || true", True),
    ("object.ports.exists(port, port.nothing || port == 443)", True),
]
ERRORS = [
    ("object.replicas / 0", "divide by zero"),
    ("9223372036854775807 + object.replicas", "overflow"),
    ("int('1.5' + object.name)", "cannot convert"),
    ("object.nothing", "nothing"),
    ("object.ports[9]", "index"),
    ("object.name.nothing", "error"),
    ("object.replicas && true", "bool"),
    ("optional.none().value()", "optional"),
    ("object.ports.all(port, port.nothing)", "error"),
]


@pytest.mark.parametrize(("source", "value"), VALUES)
def test_values_are_the_api_servers(source: str, value: Any) -> None:
    assert value_of(source) == value


@pytest.mark.parametrize("source", [source for source, _ in ERRORS])
def test_what_cannot_be_computed_is_an_error(source: str) -> None:
    assert error_of(source)


@pytest.mark.parametrize(
    ("number", "source", "value"),
    [
        (9_223_372_036_854_775_807, "object.n == 9223372036854775807", True),
        (9_223_372_036_854_775_807, "object.n < 9223372036854775808u", True),
        (9_223_372_036_854_775_808, "object.n > 9223372036854775807", True),
        (-9_223_372_036_854_775_808, "object.n < 0", True),
        (9_007_199_254_740_993, "object.n - 9007199254740992", 1),
    ],
)
def test_large_integers_are_exact(number: int, source: str, value: Any) -> None:
    assert compile_expression(source).evaluate(activate({"object": {"n": number}})) == value


def test_an_integer_beyond_all_types_is_an_error() -> None:
    program = compile_expression("object.n > 5")
    with pytest.raises(ExpressionError, match="out of range"):
        program.evaluate(activate({"object": {"n": 10**20}}))


@pytest.mark.parametrize("source", ["[1, 2].first()", "object.?name", "optional.none()", "[optional.of(1)]"])
def test_an_optional_is_no_value(source: str) -> None:
    assert "optional" in error_of(source)


def test_only_the_api_server_can_authorize() -> None:
    refusal = refusal_of("authorizer.group('apps').resource('deployments').check('delete').allowed()")
    assert "undeclared reference to 'authorizer': only the API server" in refusal.message
    assert (refusal.line, refusal.column) == (1, 1)
