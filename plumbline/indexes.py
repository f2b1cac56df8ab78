"""Entries of an inventory by labels, so that a selector or an object looks at those few that can be meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from plumbline.inventories import Entry

Label = tuple[str, str]


class LabelIndex:
    """Entries by their pod labels."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = list(entries)
        self._by_label: dict[Label, list[Entry]] = {}
        for entry in self._entries:
            for label in _labels(entry.pod_labels):
                self._by_label.setdefault(label, []).append(entry)

    def candidates(self, selector: Any, plain: bool) -> list[Entry]:
        """Those that the selector may select, in order: all when it asks for no label with a value."""
        wanted = list(_labels(required(selector, plain)))
        if not wanted:
            return self._entries
        return min((self._by_label.get(label, []) for label in wanted), key=len)


class SelectorIndex:
    """Entries by a label that their selectors ask for."""

    def __init__(self, entries: Iterable[tuple[Entry, Any, bool]]) -> None:
        self._by_label: dict[Label, list[tuple[int, Entry]]] = {}
        self._others: list[tuple[int, Entry]] = []
        for number, (entry, selector, plain) in enumerate(entries):
            label = next(_labels(required(selector, plain)), None)
            where = self._others if label is None else self._by_label.setdefault(label, [])
            where.append((number, entry))

    def candidates(self, labels: dict[str, Any]) -> list[Entry]:
        """Those whose selectors may select what has these labels, in order."""
        found = list(self._others)
        for label in _labels(labels):
            found += self._by_label.get(label, ())
        return [entry for _, entry in sorted(found, key=lambda item: item[0])]


def required(selector: Any, plain: bool) -> dict[str, Any]:
    """The labels without which a selector selects nothing, and is not looked into any further; {} for one of which that
    is not sure, such as a malformed one.
    """
    if not isinstance(selector, dict):
        return {}
    if plain or not selector.keys() <= {"matchLabels", "matchExpressions"}:
        return selector
    labels = selector.get("matchLabels")
    is_sound = isinstance(selector.get("matchExpressions", []), list) and isinstance(labels, dict)
    return labels if is_sound and isinstance(labels, dict) else {}


def _labels(labels: dict[str, Any]) -> Iterator[Label]:
    return ((key, value) for key, value in labels.items() if isinstance(key, str) and isinstance(value, str))
