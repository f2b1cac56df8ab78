"""Regular expressions of CEL (RE2 syntax, linear time): compiled once, where the engine would compile them at each
evaluation, and refused when they need too much memory.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

MAX_MEMORY = 2 << 20
"""Bytes that a compiled pattern and its automaton may take: repetitions of repetitions soon need more."""

_MAX_CACHED_TEXT = 512


class PatternError(ValueError):
    """A pattern that RE2 refuses; `str()` says why."""


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True  # nobody asks for groups, and without them matching takes half the time
    options.max_mem = MAX_MEMORY
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        shown = pattern if len(pattern) <= 60 else pattern[:57] + "..."
        raise PatternError(f"{shown!r} is not a regular expression: {text}") from error


def check(pattern: str) -> None:
    """Raises PatternError unless `pattern` can be used."""
    _compiled(pattern)


def matches(text: str, pattern: str) -> bool:
    """Whether `pattern` occurs in `text`. Raises PatternError."""
    return _remembered(text, pattern) if len(text) <= _MAX_CACHED_TEXT else _search(text, pattern)


def _search(text: str, pattern: str) -> bool:
    return _compiled(pattern).search(text.encode()) is not None


_remembered = lru_cache(maxsize=16_384)(_search)


def found(text: str, pattern: str, limit: int = -1) -> list[str]:
    """The matches from left to right, without an empty one right after another; all when `limit` is negative."""
    result: list[str] = []
    end = -1
    for match in _compiled(pattern).finditer(text.encode()):
        if len(result) == limit:
            break
        if match.end() > match.start() or match.start() != end:
            result.append(match.group().decode(errors="replace"))
        end = match.end()
    return result
