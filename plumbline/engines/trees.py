"""Checked expressions as trees, read from the engine's serialized form (the protocol buffers of `cel.expr`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_CONSTANT, _IDENTIFIER, _SELECT, _CALL, _LIST, _STRUCT, _COMPREHENSION = range(3, 10)
_OPTIONAL_TYPE = b"optional_type"


@dataclass(slots=True)
class Node:
    """One expression. `children` are in the order of the source; a call's target comes first."""

    kind: str
    position: int
    type: bytes
    name: str = ""
    size: int = 0
    children: list[Node] = field(default_factory=list)
    bound: tuple[str, str, str] = ("", "", "")
    optional_entries: frozenset[int] = frozenset()

    @property
    def is_optional(self) -> bool:
        """Whether the expression is known to yield an optional."""
        return self.type[:1] == b"\x72" and self.type[4 : 4 + len(_OPTIONAL_TYPE)] == _OPTIONAL_TYPE

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(node.children)


def tree(serialized: bytes) -> Node:
    """The tree of a checked expression as the engine serializes it."""
    content = dict(_fields(serialized))[2]
    expression, types, positions = b"", {}, {}
    for number, value in _fields(content):
        if number == 3:
            entry = dict(_fields(value))
            types[entry.get(1, 0)] = entry.get(2, b"")
        elif number == 4:
            expression = value
        elif number == 5:
            entries = (dict(_fields(entry)) for at, entry in _fields(value) if at == 4)
            positions = {entry.get(1, 0): entry.get(2, 0) for entry in entries}
    return _Reader(types, positions).node(expression)


class _Reader:
    def __init__(self, types: dict[int, bytes], positions: dict[int, int]) -> None:
        self._types, self._positions = types, positions

    def node(self, content: bytes) -> Node:
        identity, kind, value = 0, 0, b""
        for number, found in _fields(content):
            if number == 2:
                identity = found
            else:
                kind, value = number, found
        node = Node("", self._positions.get(identity, 0), self._types.get(identity, b""))
        match kind:
            case 3:
                node.kind, node.size = "constant", len(value)
            case 4:
                node.kind, node.name = "identifier", _text(value, 1)
            case 5:
                node.kind, node.name, node.children = "select", _text(value, 2), self._children(value, 1)
            case 6:
                node.kind, node.name = "call", _text(value, 2)
                node.children = [*self._children(value, 1), *self._children(value, 3)]
            case 7:
                node.kind, node.children = "list", self._children(value, 1)
                node.optional_entries = frozenset(_packed(value, 2))
            case 8:
                self._struct(node, value)
            case 9:
                node.kind = "comprehension"
                node.bound = (_text(value, 1), _text(value, 8), _text(value, 3))
                node.children = [child for number in (2, 4, 5, 6, 7) for child in self._children(value, number)]
        return node

    def _children(self, content: bytes, wanted: int) -> list[Node]:
        return [self.node(found) for number, found in _fields(content) if number == wanted]

    def _struct(self, node: Node, content: bytes) -> None:
        node.kind = "map"
        optional = set()
        for number, entry in _fields(content):
            if number == 2:
                parts = dict(_fields(entry))
                if parts.get(5):
                    optional.add(len(node.children) + 1)
                node.children += [self.node(parts.get(3, b"")), self.node(parts.get(4, b""))]
        node.optional_entries = frozenset(optional)


def _text(content: bytes, wanted: int) -> str:
    return next((found.decode() for number, found in _fields(content) if number == wanted), "")


def _packed(content: bytes, wanted: int) -> Iterator[int]:
    for number, found in _fields(content):
        if number == wanted:
            yield from found if isinstance(found, bytes) else (found,)


def _fields(content: bytes) -> Iterator[tuple[int, Any]]:
    """Field numbers with their values: of the wire types, only those that expressions use."""
    at, end = 0, len(content)
    while at < end:
        key, at = _varint(content, at)
        if key & 7 == 0:
            value, at = _varint(content, at)
            yield key >> 3, value
        elif key & 7 == 2:
            size, at = _varint(content, at)
            yield key >> 3, content[at : at + size]
            at += size
        else:
            size = 8 if key & 7 == 1 else 4
            yield key >> 3, content[at : at + size]
            at += size


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
