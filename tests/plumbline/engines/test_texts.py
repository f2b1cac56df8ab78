"""Strings, regular expressions and formatting work as in the API server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plumbline.engines.evaluations import error_of, refusal_of, value_of

VALUES: list[tuple[str, Any]] = [
    ("'größe'.size()", 5),
    ("'größe'.charAt(2)", "ö"),
    ("'größe'.charAt(5)", ""),
    ("'größe'.indexOf('e')", 4),
    ("'banana'.indexOf('an', 2)", 3),
    ("'banana'.indexOf('an', 99)", -1),
    ("'banana'.lastIndexOf('an')", 3),
    ("'banana'.lastIndexOf('an', 2)", 1),
    ("'banana'.lastIndexOf('an', 99)", -1),
    ("'größe'.substring(2, 4)", "öß"),
    ("'Größe'.lowerAscii()", "größe"),
    ("'größe'.upperAscii()", "GRößE"),
    ("'a-b-c'.replace('-', '+')", "a+b+c"),
    ("'a-b-c'.replace('-', '+', 1)", "a+b-c"),
    ("'ab'.replace('', '.')", ".a.b."),
    ("'ab'.replace('', '.', 2)", ".a.b"),
    ("'a,b,,c'.split(',')", ["a", "b", "", "c"]),
    ("'a,b,c'.split(',', 2)", ["a", "b,c"]),
    ("'öß'.split('')", ["ö", "ß"]),
    ("object.teams.join('/')", "b/a"),
    ("[].join(',')", ""),
    ("' \\t x \\u00a0'.trim()", "x"),
    ("strings.quote('a \"b\" \\\\ \\n')", '"a \\"b\\" \\\\ \\n"'),
    ("'registry.example/app:1.2'.find('[0-9.]+$')", "1.2"),
    ("'abc'.find('x')", ""),
    ("'a1b22c333'.findAll('[0-9]+')", ["1", "22", "333"]),
    ("'a1b22c333'.findAll('[0-9]+', 2)", ["1", "22"]),
    ("'a1b22c333'.findAll('[0-9]+', 0)", []),
    ("'baaac'.findAll('a*')", ["", "aaa", ""]),
    ("'größe'.findAll('[öß]')", ["ö", "ß"]),
    ("object.name.matches('^w.b$')", True),
    ("object.name.matches('(?i)^WEB$')", True),
    ("'a\\nb'.matches('a.b')", False),
    ("'%s has %d of %s'.format([object.name, object.replicas, object.labels])",
     'web has 3 of {"app":"web", "tier":"front"}'),
    ("'%s'.format([[1, 1.5, 'a\"', true, null]])", '[1, 1.500000, "a\\"", true, null]'),
    ("'%s'.format([{'b': 1, 'a': [duration('90s')]}])", '{"a":[duration("90s")], "b":1}'),
    ("'%s'.format([1234567.5])", "1.2345675e+06"),
    ("'%s'.format([100000.0])", "100000"),
    ("'%s'.format([0.00001])", "1e-05"),
    ("'%s'.format([-0.25])", "-0.25"),
    ("'%s'.format([timestamp('2024-01-02T03:04:05.250Z')])", "2024-01-02T03:04:05.25Z"),
    ("'%s %s'.format([string, b'bytes'])", "string bytes"),
    ("'%f'.format([1234567.891])", "1,234,567.891000"),
    ("'%.1f'.format([0.25])", "0.2"),
    ("'%e'.format([1234.5])", "1.234500×10⁰³"),
    ("'%x %X %o %b'.format([255, 'az', 8, 5])", "ff 617A 10 101"),
    ("'100%%'.format([])", "100%"),
    ("dyn('%s').format([object.name, 'too many'])", "web"),
    ("'\\x41\\u00e9\\101'", "AéA"),
    ("r'\\d' + '''a'b'''", "\\da'b"),
]
ERRORS = [
    ("'abc'.charAt(9)", "charAt"),
    ("'abc'.indexOf('c', -1)", "index out of range: -1"),
    ("'abc'.substring(2, 1)", "substring"),
    ("object.mixed.join()", "join: no such overload"),
    ("'abc'.find(object.name + '(')", "find: 'web(' is not a regular expression"),
    ("'abc'.matches(object.name + '(')", "matches: 'web(' is not a regular expression"),
    ("dyn('%d').format([object.name])", "format: decimal clause can only be used on integers, was given string"),
    ("dyn('%f').format([object.replicas])", "was given int"),
    ("dyn('%s %s').format([object.name])", "index 1 out of range"),
    ("dyn('%y').format([object.name])", "unrecognized formatting clause 'y'"),
    ("object.replicas.find('a')", "find"),
]
REFUSED = [
    ("'a' + 1", "'+' applied to '(string, int)'"),
    ("'a'.replace('b')", "string.replace(string, string)"),
    ("'abc'.reverse()", "'reverse'"),
    ("'%s'.format('a')", "string.format(list(dyn))"),
    ("'\\q'", "escape"),
]


@pytest.mark.parametrize(("source", "value"), VALUES)
def test_strings_are_the_api_servers(source: str, value: Any) -> None:
    assert value_of(source) == value


@pytest.mark.parametrize(("source", "reason"), ERRORS)
def test_a_string_that_does_not_fit_is_an_error_that_says_why(source: str, reason: str) -> None:
    assert reason in error_of(source)


@pytest.mark.parametrize(("source", "reason"), REFUSED)
def test_strings_are_typed(source: str, reason: str) -> None:
    assert reason in refusal_of(source).message


def test_functions_named_in_strings_and_comments_are_left_alone() -> None:
    assert value_of("'.replace(' + \".join(\" // .format(") == ".replace(.join("


def test_base64_is_there_beyond_kubernetes() -> None:
    assert value_of("base64.encode(b'plumb')") == "cGx1bWI="
    assert value_of("string(base64.decode('cGx1bWI='))") == "plumb"
