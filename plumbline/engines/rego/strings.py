"""Texts as the built-in engine can hold them.

It keeps strings as they are written in JSON: a quote counts as two characters, a line break as a backslash and an n,
and output may be no JSON at all. So characters that JSON escapes are replaced by private ones, and put back in answers.
"""

from __future__ import annotations

from typing import Any, Final

_BASE: Final = 0xE000
_SPECIAL: Final = (*range(0x20), 0x22, 0x5C)
_ENCODE: Final = {code: _BASE + code for code in _SPECIAL}
_DECODE: Final = {_BASE + code: code for code in _SPECIAL}


def encoded(text: str) -> str:
    """The text without characters that JSON escapes."""
    return text.translate(_ENCODE)


def decoded(value: Any) -> Any:
    """A JSON value with the characters put back everywhere."""
    if isinstance(value, str):
        return value.translate(_DECODE)
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if isinstance(value, dict):
        return {decoded(key): decoded(item) for key, item in value.items()}
    return value
