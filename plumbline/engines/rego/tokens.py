"""The words of a Rego module, with where each stands."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, Literal

from plumbline.engines.rego.errors import RegoError

Kind = Literal["name", "number", "string", "mark", "end"]

_PATTERN: Final = re.compile(
    r"""
      (?P<space>[ \t\r]+|\#[^\n]*)
    | (?P<newline>\n)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<string>"(?:[^"\\\n]|\\.)*")
    | (?P<raw>`[^`]*`)
    | (?P<mark>:=|==|!=|<=|>=|[][(){}.,;:|&+\-*/%<>=])
    """,
    re.VERBOSE,
)
_NESTING: Final = 100


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is the string's value for strings. `is_apart`: space or the beginning of the line comes before it."""

    kind: Kind
    text: str
    line: int
    column: int
    start: int
    end: int
    is_apart: bool


def tokenize(source: str) -> list[Token]:
    """The tokens of a module and an end. Raises RegoError with the place of what is no Rego."""
    tokens: list[Token] = []
    at, line, line_start, is_apart, depth = 0, 1, 0, True, 0
    while at < len(source):
        found = _PATTERN.match(source, at)
        column = at - line_start + 1
        if found is None:
            raise RegoError(_why(source, at), line=line, column=column)
        kind, text = found.lastgroup or "", found[0]
        if kind in ("space", "newline"):
            is_apart = True
        else:
            depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))
            if depth > _NESTING:
                raise RegoError(f"brackets are nested deeper than {_NESTING}", line=line, column=column)
            tokens.append(_token(kind, text, line, column, at, found.end(), is_apart))
            is_apart = False
        if kind in ("newline", "raw") and "\n" in text:
            line += text.count("\n")
            line_start = at + text.rindex("\n") + 1
        at = found.end()
    tokens.append(Token("end", "", line, at - line_start + 1, at, at, True))
    return tokens


def _token(kind: str, text: str, line: int, column: int, start: int, end: int, is_apart: bool) -> Token:
    if kind == "raw":
        return Token("string", text[1:-1].replace("\r", ""), line, column, start, end, is_apart)
    if kind == "string":
        try:
            return Token("string", json.loads(text), line, column, start, end, is_apart)
        except ValueError as error:
            raise RegoError(f"{text:.60} is not a string: {error}", line=line, column=column) from error
    assert kind in ("name", "number", "mark")
    return Token(kind, text, line, column, start, end, is_apart)  # type: ignore[arg-type]


def _why(source: str, at: int) -> str:
    if source[at] in "\"`":
        return "a string that does not end"
    if source[at] == "$":
        return "string templates are not supported"
    return f"unexpected {source[at]!r}"
