"""What the engine says of a source that does not compile, with what was expected and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

from plumbline.engines.functions import DECLARED, LIBRARY, REPLACED
from plumbline.engines.signatures import Function, Type

_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to ('\(.*\)')")
_EXPECTING = re.compile(
    r"Syntax error: (?:mismatched|extraneous|missing) (?:input )?(.+?) (?:expecting (.+)|at '(.+)')"
)
_NO_WAY = re.compile(r"Syntax error: no viable alternative at input '(.*)'", re.DOTALL)
_TOO_DEEP = re.compile(r"recursion (?:depth of|limit exceeded. limit:) (\d+)")
_UNREADABLE = re.compile(r"Syntax error: token recognition error at: '(.*)'", re.DOTALL)
_WORDS = {"and": "&&", "or": "||", "not": "!", "is": "=="}
_OWN = (*LIBRARY, *REPLACED, *DECLARED)
_SPACES = ("base64", "cel", "format", "lists", "math", "optional", "sets", "strings")
_OPERATORS = {"_?_:_": "? :", "_[_]": "[]", "_?._": ".?", "_[?_]": "[?]"}
_STANDARD = """
    abs all bool bytes ceil charAt contains decode double duration dyn encode endsWith exists exists_one existsOne
    filter first floor getDate getDayOfMonth getDayOfWeek getDayOfYear getFullYear getHours getMinutes getMonth
    getSeconds greatest has hasValue int last least lowerAscii map matches none of ofNonZeroValue optFlatMap optMap
    or orValue reverse round size slice sort sortBy split startsWith string substring timestamp transformList
    transformMap transformMapEntry trim type uint upperAscii value
"""
_FUNCTIONS = sorted(
    {*_STANDARD.split(), *(function.name.rpartition(".")[2] for function in _OWN if not function.name.endswith("_"))}
)


def explained(message: str, source: str, line: int, column: int, names: Iterable[str]) -> tuple[str, int]:
    """The message and its column, made plain. `names` are those that the source may use."""
    text = source.split("\n")[line - 1] if 0 < line <= source.count("\n") + 1 else ""
    if found := _UNDECLARED.match(message):
        return _undeclared(found[1], text, column, sorted(names))
    if found := _OVERLOAD.match(message):
        return _overload(found[1], found[2]), column
    if found := _UNREADABLE.match(message):
        return _unreadable(found[1]), column
    if found := _NO_WAY.match(message):
        missing = "a name is missing after it" if found[1].endswith(".") else "it cannot be read"
        return f"Syntax error: unexpected {found[1]!r}: {missing}", column
    if found := _EXPECTING.match(message):
        return _expecting(found[1], found[2], found[3]), column
    return message, column


def unplaced(message: str) -> str:
    """The message of what is wrong with the source as a whole, made plain."""
    if found := _TOO_DEEP.search(message):
        return f"recursion limit: more than {found[1]} levels deep, and each term of a chain of + or * is a level"
    return message


def _undeclared(name: str, text: str, column: int, names: list[str]) -> tuple[str, int]:
    root = name.partition(".")[0]
    start = text.rfind(root, 0, max(column - 1, 0) + len(root))
    is_call = text[start + len(root) :].lstrip().startswith("(")
    column = start + 1 if start >= 0 else column
    said = f"undeclared reference to '{root}'"
    if root == "authorizer":
        return f"{said}: only the API server can ask who may do what", column
    if root in _SPACES:
        rest = re.match(r"[\w.]*", text[start:])
        return f"undeclared reference to '{rest[0] if rest else root}': {root} has no such function", column
    if is_call and root in _FUNCTIONS:
        return _overload(root, "these arguments"), column
    import difflib  # here, because it is only needed for what does not compile and every start would pay

    close = difflib.get_close_matches(root, _FUNCTIONS if is_call else names, 1, 0.7)
    if close:
        return f"{said}: did you mean {close[0]}?", column
    return (said if is_call else f"{said}: known are {', '.join(names)}"), column


def _overload(name: str, given: str) -> str:
    operator = _OPERATORS.get(name) or (name.strip("_@") if re.search(r"\W", name) else name)
    said = f"found no matching overload for '{operator}' applied to {given}"
    expected = [function for function in _OWN if function.name == name]
    of_target = [function for function in expected if given.startswith(f"'({_shown(function.parameters[0])}")]
    shown = sorted({_signature(function) for function in of_target or expected})
    return f"{said}: expected is {' or '.join(shown)}" if shown else said


def _signature(function: Function) -> str:
    parameters = [_shown(parameter) for parameter in function.parameters]
    if function.is_member:
        return f"{parameters[0]}.{function.name}({', '.join(parameters[1:])})"
    return f"{function.name}({', '.join(parameters)})"


def _shown(described: Type) -> str:
    if not described.parameters:
        return described.name
    return f"{described.name}({', '.join(map(_shown, described.parameters))})"


def _unreadable(token: str) -> str:
    if token[:1] in "\"'":
        return "Syntax error: the string is not closed, or has an escape that CEL does not know"
    if token.startswith("="):
        return "Syntax error: unexpected '=': to compare is =="
    return f"Syntax error: unexpected {token.strip()!r}"


def _expecting(given: str, expected: str | None, before: str | None) -> str:
    if before is not None:
        where = "at the end" if before == "<EOF>" else f"before '{before}'"
        return f"Syntax error: {given} is missing {where}"
    wanted = "a value" if "IDENTIFIER" in (expected or "") else (expected or "").strip("{}").replace("', '", "' or '")
    if given == "'<EOF>'":
        return f"Syntax error: the expression ends where {wanted} is expected"
    word = _WORDS.get(given.strip("'"))
    if word:
        return f"Syntax error: unexpected {given}: write {word}"
    wanted = "an operator or the end" if wanted == "<EOF>" else wanted
    return f"Syntax error: unexpected {given} where {wanted} is expected"
