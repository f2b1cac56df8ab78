"""One document of YAML or JSON into plain JSON values, as Kubernetes reads it: YAML 1.1 words, dates as
text, text keys.

A fast parser does what is plainly the same in every dialect; whatever might not be goes through the strict
one,
which also words every error.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

import re2
import yaml_rs

from plumbline.manifests.limits import MAX_DEPTH, StrictError

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LoadError:
    """Something that could not be read. `line` counts from 1 in the file, None when unknown."""

    file: str | None
    line: int | None
    message: str


# Anchors, aliases, tags and merge keys; words and numbers on which YAML 1.1 and 1.2 differ; keys that are
# not text; NUL by escape; nesting that a recursive parser might not survive.
_NEEDS_STRICT = re2.compile(
    r"(?m)(?:^|[\s:,\[{])(?:[&*!][A-Za-z0-9_!<./-]|<<\s*:|[?](?:\s|$))"
    r"|(?:^|[\s,\[{])(?:[yYnN]|[yY](?:es|ES)|[nN][oO]|[oO](?:n|N|ff|FF))\s*(?:$|[,\]}:#])"
    r"|(?:^|[\s,\[{])[-+]?(?:0[0-9_bBoO]|_|[0-9]+_|[.](?:[iI]|[nN])|[0-9]{18})"
    r"|(?:^|[\s,{])(?:[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?|~|null|Null|NULL|[tT]rue|TRUE|[fF]alse|FALSE)\s*:(?:\s|$)"
    r"|(?:^|[\s,\[{]):(?:\s|$)|[{]\s*[{]"
    r"|\\(?:0|x00|u0000|U00000000)|^[ ]{100}"
    r"|(?:- ){40}|^%|\t|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{85}\x{2028}\x{2029}\x{feff}]"
)
_TEMPLATE = re.compile(r"\{\{[^}\n]*\}?\}?")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # NUL as JSON writes it, not a backslash that is followed by u0000
_MAX_BRACKETS = 2000


def parse_document(text: str, line: int = 1) -> Any:
    """The value of one document whose first line is number `line` of its file. Raises StrictError with the
    file's line.
    """
    if len(text) > MAX_DOCUMENT_BYTES:
        raise StrictError(f"the document is larger than {MAX_DOCUMENT_BYTES // 2**20} MiB", line)
    if text.lstrip()[:1] in ("{", "["):
        value = _parse_json(text)
        if value is not _UNKNOWN and not _is_too_deep(value, text):
            return value
    elif not _NEEDS_STRICT.search(text.encode()) and text.count("[") + text.count("{") < _MAX_BRACKETS:
        value = _parse_quickly(text)
        if value is not _UNKNOWN and not _is_too_deep(value, text):
            return value
    from plumbline.manifests.strict import parse_strictly  # here, because most scans do without

    try:
        return parse_strictly(text)
    except StrictError as error:
        at = line + (error.line or 1) - 1
        template = _TEMPLATE.search(text)
        if template is None:
            raise StrictError(error.message, at) from error
        at = line + text.count("\n", 0, template.start())
        raise StrictError(
            f"this is a template, not a manifest ({template[0][:60]}): render it first, "
            "for example with `helm template`, and scan the result",
            at,
        ) from error


def parse_proven(text: str) -> Any:
    """The value of a document of which a test has shown that both parsers read it alike. Raises StrictError."""
    value = _parse_quickly(text)
    return parse_document(text) if value is _UNKNOWN else value


_UNKNOWN = object()


def _is_too_deep(value: Any, text: str) -> bool:
    if text.count("[") + text.count("{") < MAX_DEPTH:
        return False
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > MAX_DEPTH:
            return True
        children = item.values() if isinstance(item, dict) else item
        waiting.extend((child, depth + 1) for child in children if isinstance(child, dict | list))
    return False


def _parse_quickly(text: str) -> Any:
    try:
        value = yaml_rs.loads(text, parse_datetime=False)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a panic of the parser is not an Exception; the strict parser words the error
        return _UNKNOWN
    return value if value.__class__ is dict else _UNKNOWN


def _parse_json(text: str) -> Any:
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse, parse_int=_integer, parse_float=_float
        )
        if "\\u" in text:
            plain = json.dumps(value, ensure_ascii=False)
            plain.encode()  # half a surrogate pair is no text
            if _NUL.search(plain):
                return _UNKNOWN
        return value
    except (ValueError, RecursionError):
        return _UNKNOWN


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate key")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _integer(digits: str) -> int | float:
    if len(digits) > 400:
        raise ValueError("number")
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else float(number)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("number")
    return number
