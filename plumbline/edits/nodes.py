"""The nodes of one document with the offsets of their text, aliases kept apart from what they stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from plumbline.edits.refusals import Refusal

_PROPERTIES = re.compile(r"(?:[&!]\S*|\s+|#[^\n]*)*")
_COLON = re.compile(r"[ \t]*:")
MERGE = "<<"


@dataclass(slots=True, eq=False)
class Node:
    """`start` and `end` enclose the content: without anchor and tag, without what follows the last line of it.

    `value` is a scalar's text, or an alias's anchor; `style` a scalar's first character (`""` for a plain one).
    """

    kind: Literal["map", "list", "scalar", "alias"]
    start: int
    end: int
    style: str = ""
    is_flow: bool = False
    anchor: str | None = None
    value: str = ""
    entries: list[Entry] = field(default_factory=list)
    target: Node | None = None

    @property
    def is_empty(self) -> bool:
        """A null of which nothing is written."""
        return self.start == self.end

    @property
    def content(self) -> Node:
        """The node itself, or what the alias stands for."""
        return self.target if self.target is not None else self


@dataclass(slots=True, eq=False)
class Entry:
    """A key (None in a list) with its value; `colon` is the offset after the colon, None when there is none."""

    key: Node | None
    value: Node
    colon: int | None = None

    @property
    def start(self) -> int:
        return self.value.start if self.key is None else self.key.start

    @property
    def end(self) -> int:
        return max(self.value.end, self.colon or 0, self.key.end if self.key is not None else 0)


@dataclass(frozen=True, slots=True)
class Tree:
    text: str
    root: Node
    aliases: dict[str, list[int]]
    """Anchor → the offsets of the aliases that stand for it."""


def compose(text: str) -> Tree:
    """The nodes of the one document in `text`. Raises Refusal when the parser cannot say where things are."""
    try:
        return _Composer(text).tree()
    except (yaml.YAMLError, ValueError, RecursionError, KeyError) as error:
        if isinstance(error, Refusal):
            raise
        raise Refusal("the document is written in a way in which places cannot be told") from error


class _Composer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._parser: Any = CParser(text)
        self._anchors: dict[str, Node] = {}
        self._aliases: dict[str, list[int]] = {}

    def tree(self) -> Tree:
        while self._parser.check_event():
            if isinstance(self._parser.get_event(), yaml.DocumentStartEvent):
                return Tree(self._text, self._node(self._parser.get_event()), self._aliases)
        raise Refusal("the document is empty")

    def _node(self, event: Any) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        start = event.start_mark.index
        if event.anchor or event.tag:
            found = _PROPERTIES.match(self._text, start)
            start = found.end() if found else start
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, start)
        else:
            kind: Literal["map", "list"] = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
            node = Node(kind, start, event.end_mark.index, is_flow=bool(event.flow_style), anchor=event.anchor)
            self._fill(node)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        at, name = event.start_mark.index, event.anchor
        self._aliases.setdefault(name, []).append(at)
        return Node("alias", at, event.end_mark.index, value=name, target=self._anchors[name])

    def _scalar(self, event: Any, start: int) -> Node:
        end = event.end_mark.index
        style = event.style or ""
        if style in ("|", ">"):
            header = self._text[start : self._text.find("\n", start) + 1 or len(self._text)]
            if "+" not in header.partition("#")[0]:
                end = start + len(self._text[start:end].rstrip())
        start = min(start, end)
        return Node("scalar", start, end, style=style, anchor=event.anchor, value=event.value)

    def _fill(self, node: Node) -> None:
        event: Any = self._parser.get_event()
        while not isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            if node.kind == "map":
                key = self._node(event)
                node.entries.append(self._entry(key, self._node(self._parser.get_event())))
            else:
                node.entries.append(Entry(None, self._node(event)))
            event = self._parser.get_event()
        closing: Any = event
        if node.is_flow:
            node.end = closing.end_mark.index
        elif node.entries:
            node.end = node.entries[-1].end
            if node.kind == "map":
                node.start = node.entries[0].start

    def _entry(self, key: Node, value: Node) -> Entry:
        found = _COLON.match(self._text, key.end)
        colon = found.end() if found else None
        if value.kind == "scalar" and value.is_empty and value.style == "":
            value.start = value.end = colon if colon is not None else key.end
        return Entry(key, value, colon)
