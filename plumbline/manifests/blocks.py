"""Lines of fields in plainly written block YAML, by indentation: a fraction of the cost of parsing it."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from typing import Literal, NamedTuple

from plumbline import paths

_QUOTED = r'"(?:[^"\\\n]|\\[^\n])*"|' + r"'[^'\n]*'"
_END = r" *(?: #[^\n]*)?$"
# What indentation does not tell: flow collections and quoted text that may go on in the next line, quoted and
# explicit keys, anchors, aliases, tags, other line breaks.
_INTRICATE = re.compile(
    r"[\t\r\x00\x85\u2028\u2029\ufeff]|^ *[\"'\[{?%&*!|>@`]| :(?= |$)|^ *-[^\n]*- |^ *-(?: *$| +[#?])"
    rf"|[:\-] +(?:[&*!]|\[(?!(?:[^\[\]{{}}\"'#\n]|{_QUOTED})*\]{_END})"
    rf"|\{{(?!(?:[^\[\]{{}}\"'#\n]|{_QUOTED})*\}}{_END})"
    r"|\"(?!(?:[^\"\\\n]|\\[^\n])*\"" + _END + r")|'(?!(?:[^'\n]|'')*'" + _END + "))",
    re.MULTILINE,
)
_PLAIN = re.compile(r" *(?:- )?[\w./-]+:(?: [\w./-][\w./:@-]*)?", re.ASCII)
"""A line in which nothing intricate can be: most are like it, and sooner looked at by this."""
_BREAK = re.compile("\n")
_CONTENT = re.compile(r"\n( *)([^ #\n])")


class IntricateError(ValueError):
    """Indentation alone does not tell where things are."""


class _Node(NamedTuple):
    """A key or item at `at`; its lines lie between `begin` and `end`, its children's at `indent`."""

    at: int
    kind: Literal["map", "list", "leaf"]
    begin: int = 0
    end: int = 0
    indent: int = 0
    is_inline: bool = False


class Blocks:
    """Finds fields in one document. Raises IntricateError when the document is not plain enough."""

    def __init__(self, text: str) -> None:
        if any(not _PLAIN.fullmatch(line) and _INTRICATE.search(line) for line in text.split("\n")):
            raise IntricateError
        self._text = "\n" + text
        first = _CONTENT.search(self._text)
        if first is None or first[1] or first[2] == "-":
            raise IntricateError
        root = _Node(first.start() + 1, "map", first.start(), len(self._text), 0)
        self._breaks = [found.start() for found in _BREAK.finditer(self._text)]
        self._nodes: dict[paths.Path, _Node | None] = {(): root}

    def line(self, path: paths.Path) -> int:
        """The line, from 0, of the field at `path` or of its nearest existing parent."""
        node = self._find(path)
        while node is None:
            path = path[:-1]
            node = self._find(path)
        return bisect_left(self._breaks, node.at) - 1

    def _find(self, path: paths.Path) -> _Node | None:
        if path in self._nodes:
            return self._nodes[path]
        parent = self._find(path[:-1])
        node = self._child(parent, path[-1]) if parent is not None else None
        self._nodes[path] = node
        return node

    def _child(self, node: _Node, step: paths.Step) -> _Node | None:
        if node.kind == "map" and isinstance(step, str):
            return self._value(node, step)
        if node.kind == "list" and isinstance(step, int):
            return self._item(node, step)
        return None

    def _value(self, node: _Node, key: str) -> _Node | None:
        text = self._text
        if node.is_inline and text.startswith(f"{key}:", node.at) and self._ends(node.at + len(key) + 1):
            return self._below(node, node.at, node.at + len(key) + 1)
        wanted = f"\n{' ' * node.indent}{key}:"
        at = text.find(wanted, node.begin, node.end)
        while at >= 0 and not self._ends(at + len(wanted)):
            at = text.find(wanted, at + 1, node.end)
        return None if at < 0 else self._below(node, at + 1, at + len(wanted))

    def _ends(self, at: int) -> bool:
        return at >= len(self._text) or self._text[at] in " \n"

    def _below(self, parent: _Node, at: int, after: int) -> _Node:
        """The node of a key at `at` whose value begins `after` it."""
        line_end = self._text.find("\n", after, parent.end)
        rest = self._text[after : line_end if line_end >= 0 else parent.end].lstrip(" ")
        if line_end < 0 or (rest and rest[0] != "#"):
            return _Node(at, "leaf")
        content = _CONTENT.search(self._text, line_end, parent.end)
        if content is None:
            return _Node(at, "leaf")
        indent = len(content[1])
        is_list = content[2] == "-" and self._ends(content.end())
        if indent < parent.indent or (indent == parent.indent and not is_list):
            return _Node(at, "leaf")
        if (ending := _ending(indent, is_list)) is None:
            raise IntricateError
        stop = ending.search(self._text, line_end, parent.end)
        end = stop.start() if stop else parent.end
        return _Node(at, "list" if is_list else "map", line_end, end, indent)

    def _item(self, node: _Node, index: int) -> _Node | None:
        marks = [found.start() for found in _items(node.indent).finditer(self._text, node.begin, node.end)]
        if index >= len(marks):
            return None
        begin = marks[index]
        end = marks[index + 1] if index + 1 < len(marks) else node.end
        dash = begin + node.indent + 1
        at = dash + 1
        while at < end and self._text[at] == " ":
            at += 1
        if at >= end or self._text[at] in "\n#":
            raise IntricateError
        if self._text[at] in "|>\"'[{":
            return _Node(dash, "leaf")
        return _Node(at, "map", begin, end, at - begin - 1, is_inline=True)


@lru_cache(maxsize=256)
def _ending(indent: int, is_list: bool) -> re.Pattern[str] | None:
    """What ends a block whose entries stand at `indent`."""
    less = rf" {{0,{indent - 1}}}[^ #\n]" if indent else None
    other = rf" {{{indent}}}(?!- |-\n)[^ #\n]" if is_list else None
    return re.compile(rf"\n(?:{'|'.join(filter(None, (less, other)))})") if less or other else None


@lru_cache(maxsize=256)
def _items(indent: int) -> re.Pattern[str]:
    return re.compile(rf"\n {{{indent}}}-(?= |\n|\Z)")
