"""What fixes wrote so far, so that two that contradict each other do not take turns for ever."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

from plumbline import fixes, paths
from plumbline.edits.places import steps_of

_REMOVED = object()
_MOVED = object()
Written = tuple[str, Any]


class Author(NamedTuple):
    """The rule whose fix wrote something, and the violation that it wrote it for."""

    rule: str
    key: Hashable


class History:
    """Fields of one object, by names instead of indexes, with the rule that wrote them last."""

    def __init__(self) -> None:
        self._fields: dict[str, tuple[Author, Any]] = {}

    def overwriter(self, rule: str, writes: list[Written]) -> Author | None:
        """The other rule whose fix these writes would undo."""
        for where, value in writes:
            for name, (author, before) in self._related(where) if value is not _MOVED else ():
                is_same = name == where and before is not _REMOVED and value is not _REMOVED and before == value
                if author.rule != rule and not is_same:
                    return author
        return None

    def record(self, author: Author, writes: list[Written]) -> None:
        for where, value in writes:
            if value is _MOVED:
                self._forget(where)
            else:
                self._fields[where] = author, value

    def _forget(self, where: str) -> None:
        """What was written to items of a list says nothing once they moved."""
        self._fields = {name: item for name, item in self._fields.items() if not name.startswith(f"{where}[")}

    def _related(self, where: str) -> Iterator[tuple[str, tuple[Author, Any]]]:
        """What was written at this field, and what was removed around it."""
        if where in self._fields:
            yield where, self._fields[where]
        for name, (author, value) in self._fields.items():
            if value is _REMOVED and where.startswith((f"{name}.", f"{name}[")):
                yield name, (author, value)


def writes_of(obj: dict[str, Any], patch: fixes.Patch) -> list[Written]:
    """The single fields that a patch of `obj` writes."""
    writes: list[Written] = []
    for op in patch:
        path = steps_of(op["path"], obj)
        where = paths.place(obj, path)
        if op["op"] != "remove":
            writes.extend(_leaves(where, op.get("value")))
        elif isinstance(path[-1], int):
            writes.append((paths.place(obj, path[:-1]), _MOVED))
        else:
            writes.append((where, _REMOVED))
    return writes


def _leaves(where: str, value: Any) -> Iterator[Written]:
    if not isinstance(value, dict) or not value:
        yield where, value
        return
    for key, item in value.items():
        yield from _leaves(f"{where}.{key}", item)
