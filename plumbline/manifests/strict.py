"""The strict parser: YAML as Kubernetes' own reader takes it, with limits on aliases and depth, and errors
with lines.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from plumbline.manifests.limits import MAX_DEPTH, StrictError

MAX_EXPANDED_NODES = 200_000

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TEXT_TAG = "tag:yaml.org,2002:str"
_MERGE = "<<"


def parse_strictly(text: str) -> Any:
    """The value of the one document in `text`, None when it is empty. Raises StrictError."""
    position = text.find("\0")
    if position >= 0:
        raise StrictError("the document holds a NUL character", text.count("\n", 0, position) + 1)
    try:
        return _Reader(CParser(text)).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.problem, error.context) if part)
        raise StrictError(f"not YAML: {words}", mark.line + 1 if mark else None) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else None
        raise StrictError(f"not YAML: {error.reason}", line) from error
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        if isinstance(error, StrictError):
            raise
        raise StrictError(f"not YAML: {' '.join(str(error).split())}") from error


class _Reader:
    """Builds plain values from the parser's events, counting what aliases multiply."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._expanded = 0
        self._size = 0

    def read(self) -> Any:
        value: Any = None
        documents = 0
        while self._parser.check_event():
            event: Any = self._parser.get_event()
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise StrictError("a second document begins without `---`", _line_of(event))
                value = self._node(self._parser.get_event(), 1)
        return value

    def _node(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self._size += 1
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
            if event.anchor:
                self._anchors[event.anchor] = (value, 1)
            return value
        if depth > MAX_DEPTH:
            raise StrictError(f"nested deeper than {MAX_DEPTH} levels", _line_of(event))
        before = self._size
        is_map = isinstance(event, yaml.MappingStartEvent)
        value = self._mapping(depth) if is_map else self._sequence(depth)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._size - before + 1)
        return value

    def _alias(self, event: Any) -> Any:
        line = _line_of(event)
        if event.anchor not in self._anchors:
            raise StrictError(f"the alias *{event.anchor} is not defined above", line)
        value, size = self._anchors[event.anchor]
        self._expanded += size
        self._size += size
        if self._expanded > MAX_EXPANDED_NODES:
            raise StrictError(f"aliases expand to more than {MAX_EXPANDED_NODES} values", line)
        return value

    def _sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        event = self._parser.get_event()
        while not isinstance(event, yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
            event = self._parser.get_event()
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        items: dict[str, Any] = {}
        merged: list[Any] = []
        event = self._parser.get_event()
        while not isinstance(event, yaml.MappingEndEvent):
            line = _line_of(event)
            is_merge = isinstance(event, yaml.ScalarEvent) and event.value == _MERGE and event.implicit[0]
            key = _key(self._node(event, depth + 1), line)
            value = self._node(self._parser.get_event(), depth + 1)
            if is_merge:
                merged.extend(value if isinstance(value, list) else [value])
                if not all(isinstance(source, dict) for source in merged):
                    raise StrictError("a merge key `<<` needs a map or a list of maps", line)
            elif key in items:
                raise StrictError(f"the key {key!r} is given twice", line)
            else:
                items[key] = value
            event = self._parser.get_event()
        for source in merged:
            for key, value in source.items():
                items.setdefault(key, value)
        return items


def _scalar(event: Any) -> Any:
    text: str = event.value
    if "\0" in text:
        raise StrictError("the document holds a NUL character", _line_of(event))
    if event.tag == _TEXT_TAG or (event.tag is None and not event.implicit[0]):
        return text
    if event.tag is not None and event.tag != "!":
        return _tagged(event.tag, text, _line_of(event))
    return text if event.tag == "!" else _plain(text, _line_of(event))


def _tagged(tag: str, text: str, line: int) -> Any:
    name = tag.removeprefix("tag:yaml.org,2002:")
    if name == tag or name not in ("int", "float", "bool", "null", "binary", "timestamp"):
        raise StrictError(f"the tag {tag} means nothing to Kubernetes", line)
    return text if name in ("binary", "timestamp") else _plain(text, line)


def _plain(text: str, line: int) -> Any:
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in "-+.0123456789":
        return text
    if _NOT_FINITE.fullmatch(text):
        raise StrictError(f"{text} is not a number that JSON knows", line)
    digits = text.replace("_", "")
    if len(digits) <= 400 and _INTEGER.fullmatch(digits):
        return _number(_integer(digits), text, line)
    if len(digits) <= 400 and _FLOAT.fullmatch(digits):
        return _number(float(digits), text, line)
    return text


def _integer(digits: str) -> int | float:
    sign, body = (digits[0], digits[1:]) if digits[0] in "+-" else ("", digits)
    octal = len(body) > 1 and body[0] == "0" and body[1] not in "xXbBoO"
    number = int(f"{sign}0o{body[1:]}" if octal else f"{sign}{body}", 0)
    return number if -(2**63) <= number < 2**63 else float(number)


def _number(number: int | float, text: str, line: int) -> int | float:
    if isinstance(number, float) and not math.isfinite(number):
        raise StrictError(f"the number {text[:40]} is too large", line)
    return number


def _key(key: Any, line: int) -> str:
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, dict | list):
        raise StrictError("a key must be text", line)
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)


def _line_of(event: Any) -> int:
    return int(event.start_mark.line) + 1
