"""Calls of built-in functions as regopy gets them right. Where it silently has no value, its substitute fails aloud."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from plumbline.engines.rego.errors import RegoError
from plumbline.engines.rego.parsing import parse_module
from plumbline.engines.rego.strings import encoded
from plumbline.engines.rego.syntax import Call, Collection, Rule, Scalar, String, Term, Tree
from plumbline.engines.rego.walking import terms_of_rule

_VERB: Final = re.compile(r"%([-+# 0]*)(\d+)?(\.\d+)?([a-zA-Z%])")
_MISSING: Final = "%!v(MISSING)"
_JSON_SPECIAL: Final = ("\\", '"', "\n", "\t", "\r")
_SPACE: Final = " \t\n\r"
_UNPLAIN: Final = r"\\[ace-rt-vx-zACE-RT-VX-Z0-9]|\{,|\[\]|\(\?[^:]"
_PATTERN_AT: Final = {
    "regex.match": 0,
    "regex.is_valid": 0,
    "regex.split": 0,
    "regex.find_n": 0,
    "regex.find_all_string_submatch_n": 0,
    "regex.replace": 1,
}
_PACKAGE: Final = "data.plumbline_regopy"
# A rule with two values is an error in every engine: what cannot be evaluated must not look like "no match".
_LIBRARY: Final = rf"""
package plumbline_regopy
import rego.v1
is_plain(pattern) if not regex.match(`{_UNPLAIN}`, pattern)
plain(pattern) := pattern if is_plain(pattern)
plain(pattern) := 1 if not is_plain(pattern)
plain(pattern) := 2 if not is_plain(pattern)
text(value) := value if is_string(value)
text(value) := sprintf("%v", [value]) if not is_string(value)
argument(values, index) := values[index] if index < count(values)
argument(values, index) := "{_MISSING}" if index >= count(values)
number(value) := to_number(value) if not is_string(value)
number(value) := to_number(value) if {{
	is_string(value)
	regex.match(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`, value)
}}
"""


@cache
def library() -> Tree:
    """The module that substitutes call."""
    return parse_module(_LIBRARY)


def needs_library(rule: Rule) -> bool:
    """Whether the rule calls something of the library."""
    return any(isinstance(item, Call) and item.name.startswith(_PACKAGE) for item in terms_of_rule(rule))


def substitute(name: str, arguments: tuple[Term, ...], line: int, term: Callable[[Term], Term]) -> Call:
    """The call to write for one of `name`; `term` makes terms fit. Raises RegoError for patterns that regopy cannot."""
    if name in _PATTERN_AT:
        return _matching(name, arguments, line, term)
    if name == "sprintf":
        return _formatted(arguments, line, term)
    made = tuple(map(term, arguments))
    if name == "trim_space":
        return Call("trim", (*made, String(encoded(_SPACE))), line)
    if name == "to_number":
        return Call(f"{_PACKAGE}.number", made, line)
    if name in ("json.unmarshal", "json.is_valid") and made:
        return Call(name, (_restored(made[0], _JSON_SPECIAL, line), *made[1:]), line)
    return Call(name, made, line)


def _matching(name: str, arguments: tuple[Term, ...], line: int, term: Callable[[Term], Term]) -> Call:
    """A pattern keeps its backslashes; one that is not known yet is looked at when it is."""
    made = []
    for index, argument in enumerate(arguments):
        if index != _PATTERN_AT[name]:
            made.append(term(argument))
        elif isinstance(argument, String):
            if re.search(_UNPLAIN, argument.value):
                raise RegoError(
                    f"uses the regular expression {argument.value!r:.80}, which the built-in engine cannot evaluate: "
                    "set OPA_URL or install opa",
                    line=line,
                )
            made.append(String(encoded(argument.value).replace(encoded("\\"), "\\")))
        else:
            made.append(Call(f"{_PACKAGE}.plain", (_restored(term(argument), ("\\",), line),), line))
    return Call(name, tuple(made), line)


def _restored(value: Term, marks: tuple[str, ...], line: int) -> Term:
    for mark in marks:
        value = Call("replace", (value, String(encoded(mark)), String(mark)), line)
    return value


def _formatted(arguments: tuple[Term, ...], line: int, term: Callable[[Term], Term]) -> Call:
    """`sprintf` piece by piece: regopy's own puts quotes around some strings, and has no value at all where OPA writes
    a remark into the text.
    """
    if len(arguments) != 2 or not isinstance(arguments[0], String):
        return Call("sprintf", tuple(map(term, arguments)), line)
    values = arguments[1]
    listed = isinstance(values, Collection) and values.kind == "array"
    given = [term(item) for item in values.items] if isinstance(values, Collection) and listed else []
    whole = given if listed else term(values)
    pieces: list[Term] = []
    at = count = 0
    for found in _VERB.finditer(arguments[0].value):
        pieces.append(_literal(arguments[0].value[at : found.start()]))
        at = found.end()
        if found[4] == "%":
            pieces.append(_literal("%"))
            continue
        if isinstance(whole, list):
            value: Term = whole[count] if count < len(whole) else _literal(_MISSING)
        else:
            value = Call(f"{_PACKAGE}.argument", (whole, Scalar(str(count))), line)
        count += 1
        pieces.extend(_verb(found, value, line))
    pieces.append(_literal(arguments[0].value[at:]))
    kept = tuple(piece for piece in pieces if piece != String(""))
    return Call("concat", (String(""), Collection("array", kept)), line)


def _verb(found: re.Match[str], value: Term, line: int) -> list[Term]:
    """One value as text."""
    if found[1] or found[2] or found[3] or found[4] not in "sdvtq":
        return [Call("sprintf", (String(found[0]), Collection("array", (value,))), line)]
    text = Call(f"{_PACKAGE}.text", (value,), line)
    return [_literal('"'), text, _literal('"')] if found[4] == "q" else [text]


def _literal(text: str) -> String:
    return String(encoded(text))
