"""Regular expressions for CEL's `matches`: compiled once, where the engine would compile them at each
evaluation.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

_MAX_CACHED_TEXT = 512


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def matches(text: str, pattern: str) -> bool:
    """Whether `pattern` (RE2 syntax) occurs in `text`, in linear time. Raises re2.error."""
    return _remembered(text, pattern) if len(text) <= _MAX_CACHED_TEXT else _search(text, pattern)


def _search(text: str, pattern: str) -> bool:
    return _compiled(pattern).search(text.encode()) is not None


_remembered = lru_cache(maxsize=16_384)(_search)
