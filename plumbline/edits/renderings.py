"""New values as YAML or JSON text in the layout of the document that they go into."""

from __future__ import annotations

import json
import re
from typing import Any

from plumbline.edits.layouts import Layout

# Words that every YAML parser reads as text, in a block as in a flow collection.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@%+-]*(?:[ :][A-Za-z0-9_./@%+-]+)*")
_WORDS = frozenset(("y", "n", "yes", "no", "true", "false", "on", "off", "null"))
_UNPRINTABLE = re.compile(r"[\x7f-\xa0\ud800-\udfff\ufeff\ufffe\uffff\u2028\u2029]")


def inline(value: Any, layout: Layout, quote: str = "") -> str:
    """On one line; `quote` is the style of the scalar that text replaces."""
    if isinstance(value, dict):
        pairs = (f"{inline(key, layout)}{layout.colon}{inline(item, layout)}" for key, item in value.items())
        return "{" + layout.comma.join(pairs) + "}"
    if isinstance(value, list):
        return "[" + layout.comma.join(inline(item, layout) for item in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    if not layout.is_json and quote != '"':
        if quote != "'" and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        if quote == "'" and value.isprintable() and not _UNPRINTABLE.search(value):
            return "'" + value.replace("'", "''") + "'"
    return json.dumps(value, ensure_ascii=bool(_UNPRINTABLE.search(value)))


def spread(value: Any, layout: Layout, margin: str) -> str:
    """As part of a flow collection: JSON on several lines below `margin` if the document is such, else on one line."""
    if layout.indent is None or not isinstance(value, dict | list):
        return inline(value, layout)
    lines = json.dumps(value, indent=layout.indent, ensure_ascii=False).split("\n")
    return f"{layout.newline}{margin}".join(lines)


def is_inline(value: Any, layout: Layout) -> bool:
    """Whether a block document writes the value behind its key."""
    return not value if isinstance(value, dict | list) else not (layout.has_literals and _is_literal(value))


def lines_of(value: Any, layout: Layout) -> list[str]:
    """Block-style lines of a map or list that is not empty, from column 0."""
    lines: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            lines.extend(pair(key, item, layout))
    else:
        for item in value:
            lines.extend(element(item, layout))
    return lines


def pair(key: str, value: Any, layout: Layout) -> list[str]:
    """The lines of a key with its value."""
    head = f"{inline(key, layout)}:"
    if is_inline(value, layout):
        return [f"{head} {inline(value, layout)}"]
    if isinstance(value, str):
        return _literal(f"{head} ", value, layout.step)
    width = layout.step if isinstance(value, dict) else layout.dash
    return [head, *_indented(lines_of(value, layout), width)]


def element(value: Any, layout: Layout) -> list[str]:
    """The lines of an item of a list."""
    dash = "-" + " " * (layout.gap - 1)
    if is_inline(value, layout):
        return [dash + inline(value, layout)]
    if isinstance(value, str):
        return _literal(dash, value, layout.gap)
    first, *rest = lines_of(value, layout)
    return [dash + first, *_indented(rest, layout.gap)]


def _indented(lines: list[str], width: int) -> list[str]:
    return [" " * width + line if line else line for line in lines]


def _literal(head: str, text: str, width: int) -> list[str]:
    chomping = "" if text.endswith("\n") else "-"
    return [f"{head}|{chomping}", *_indented(text.removesuffix("\n").split("\n"), width)]


def _is_literal(value: Any) -> bool:
    """Text of several lines that a literal block holds as it is."""
    if not isinstance(value, str) or "\n" not in value or _UNPRINTABLE.search(value):
        return False
    lines = value.removesuffix("\n").split("\n")
    are_plain = all(line == line.rstrip() and line.isprintable() for line in lines)
    return are_plain and bool(lines[0][:1].strip() and lines[-1])
