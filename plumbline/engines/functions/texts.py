"""Functions of strings that the engine lacks: `find` and `findAll`, and `matches` with its patterns compiled once."""

from __future__ import annotations

from plumbline.engines import patterns
from plumbline.engines.references import FunctionError
from plumbline.engines.signatures import declare


def matches(text: str, pattern: str) -> bool:
    try:
        return patterns.matches(text, pattern)
    except patterns.PatternError as error:
        raise FunctionError(str(error)) from error


def find(text: str, pattern: str) -> str:
    """The first match, or the empty string."""
    try:
        found = patterns.found(text, pattern, 1)
    except patterns.PatternError as error:
        raise FunctionError(str(error)) from error
    return found[0] if found else ""


def find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    """All matches, or the first `limit` when that is not negative."""
    try:
        return patterns.found(text, pattern, limit)
    except patterns.PatternError as error:
        raise FunctionError(str(error)) from error


FUNCTIONS = (
    *declare(matches, "<string>.matchesPattern(string) -> bool"),
    *declare(find, "<string>.find(string) -> string"),
    *declare(
        find_all,
        "<string>.findAll(string) -> list<string>",
        "<string>.findAll(string, int) -> list<string>",
    ),
)
