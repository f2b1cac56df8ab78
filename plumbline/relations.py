"""Related objects found for the one that is judged: by label selectors, or by keys that both sides compute."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from plumbline import paths
from plumbline.engines.cel import ExpressionError, compile_expression
from plumbline.engines.readings import Question
from plumbline.indexes import LabelIndex, SelectorIndex
from plumbline.inventories import Entry, Inventory, namespace_of, pod_labels
from plumbline.policies import Related, matches_kind
from plumbline.resources import Resource
from plumbline.selectors import SelectorError, is_plain, selects

Found = list[dict[str, Any]]


class MissingError(Exception):
    """What the judged object refers to is not in the set, so that nothing can be said; `str()` says what."""


class Seeker:
    """The judged object as relations look at it: `namespace` is that whose objects are in reach."""

    def __init__(self, obj: dict[str, Any], resource: Resource) -> None:
        self.object = obj
        self._group, self._kind = resource.group, resource.kind
        self.namespace = _reach(resource)
        self.is_plain = is_plain(self._group, self._kind)

    @cached_property
    def labels(self) -> dict[str, Any]:
        """The labels of its pods."""
        return pod_labels(self.object, self._group, self._kind)

    @cached_property
    def labels_key(self) -> tuple[Any, ...]:
        """Equal for objects whose pods are selected alike."""
        return self.namespace, *sorted((str(name), str(value)) for name, value in self.labels.items())


class _Keys:
    """An expression that yields the keys of an object."""

    def __init__(self, source: str, what: str) -> None:
        self._question, self._what = Question(compile_expression(source)), what

    def of(self, obj: dict[str, Any]) -> list[str]:
        """Raises ExpressionError when the expression fails, or yields something else."""
        try:
            value = self._question.ask({"object": obj})
        except ExpressionError as error:
            raise ExpressionError(f"{self._what}: {error}") from error
        keys = value if isinstance(value, list) else [value]
        if not all(isinstance(key, str) for key in keys):
            raise ExpressionError(f"{self._what} must be text or a list of texts")
        return keys


class Relation:
    """One `related` entry of a policy, with what it remembers of the inventory that was last asked."""

    def __init__(self, related: Related) -> None:
        self.name = related.name
        self._related = related
        self._selecting = paths.parse(related.selecting) if related.selecting is not None else None
        self._selected_by = paths.parse(related.selected_by) if related.selected_by is not None else None
        self._inventory: Inventory | None = None
        self._members: dict[str, list[Entry]] = {}
        self._by_key: dict[str, list[Entry]] = {}
        self._found: dict[Any, Found] = {}
        self._by_selector: dict[str, SelectorIndex] = {}
        self._by_labels: dict[str, LabelIndex] = {}

    def find(self, seeker: Seeker, inventory: Inventory) -> Found:
        """The related objects, not to be changed. Raises MissingError, or ExpressionError when it cannot be known what
        they are.
        """
        if inventory is not self._inventory:
            self._take(inventory)
        if self._related.lookup is not None:
            return self._with_keys(seeker)
        if not self._members:
            return self._shared([])
        try:
            if self._selecting is not None:
                return self._selected(seeker)
            if self._selected_by is not None:
                selector = paths.lookup(seeker.object, self._selected_by)
                return self._matching(selector, seeker.is_plain, seeker.namespace)
        except SelectorError as error:
            raise ExpressionError(f"related.{self.name}: {error}") from error
        place = None if self._related.is_anywhere else seeker.namespace
        found = self._found.get(place)
        if found is None:
            found = self._found[place] = [entry.object for entry in self._reached(place)]
        return found

    def _take(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._members, self._by_key, self._found = {}, {}, {}
        self._by_selector, self._by_labels = {}, {}
        for group, kind in inventory.kinds:
            if any(matches_kind(pattern, group, kind) for pattern in self._related.kinds):
                for entry in inventory.of_kind(group, kind):
                    self._members.setdefault(entry.namespace, []).append(entry)
        if self._related.key is not None:
            for entry in self._reached(None):
                for key in self._keys_of(entry):
                    self._by_key.setdefault(key, []).append(entry)

    def _keys_of(self, entry: Entry) -> list[str]:
        """None for an object so malformed that it has no key: nothing can refer to it, and others are still judged."""
        try:
            return self._key_program.of(entry.object)
        except ExpressionError:
            return []

    @cached_property
    def _key_program(self) -> _Keys:
        return _Keys(self._related.key or "''", "the key")

    @cached_property
    def _lookup_program(self) -> _Keys:
        return _Keys(self._related.lookup or "''", f"the lookup of related.{self.name}")

    def _reached(self, namespace: str | None) -> Iterable[Entry]:
        """Those in the namespace and those that have none; all for None, or when the relation is anywhere."""
        if namespace is None or self._related.is_anywhere:
            return [entry for entries in self._members.values() for entry in entries]
        cluster_scoped = self._members.get("", []) if namespace else []
        return [*self._members.get(namespace, []), *cluster_scoped]

    def _is_reached(self, entry: Entry, namespace: str) -> bool:
        return self._related.is_anywhere or entry.namespace in (namespace, "")

    def _selected(self, seeker: Seeker) -> Found:
        found = self._found.get(seeker.labels_key)
        if found is None:
            found = self._found[seeker.labels_key] = [
                entry.object
                for entry in self._selectors(seeker.namespace).candidates(seeker.labels)
                if selects(self._selector_of(entry), seeker.labels, plain=is_plain(entry.group, entry.kind))
            ]
        return found

    def _selector_of(self, entry: Entry) -> Any:
        return _value(entry.object, self._selecting or ())

    def _selectors(self, namespace: str) -> SelectorIndex:
        index = self._by_selector.get(namespace)
        if index is None:
            reached = self._reached(namespace)
            index = self._by_selector[namespace] = SelectorIndex(
                (entry, self._selector_of(entry), is_plain(entry.group, entry.kind)) for entry in reached
            )
        return index

    def _labelled(self, namespace: str) -> LabelIndex:
        index = self._by_labels.get(namespace)
        if index is None:
            index = self._by_labels[namespace] = LabelIndex(self._reached(namespace))
        return index

    def _matching(self, selector: Any, plain: bool, namespace: str) -> Found:
        if selector is paths.MISSING:
            return self._shared([])
        candidates = self._labelled(namespace).candidates(selector, plain)
        return self._shared([entry for entry in candidates if selects(selector, entry.pod_labels, plain=plain)])

    def _with_keys(self, seeker: Seeker) -> Found:
        wanted = self._lookup_program.of(seeker.object)
        found: dict[int, Entry] = {}
        absent: list[str] = []
        for key in wanted:
            reached = [entry for entry in self._by_key.get(key, ()) if self._is_reached(entry, seeker.namespace)]
            found.update((id(entry), entry) for entry in reached)
            if not reached:
                absent.append(key)
        if absent and self._related.is_required:
            raise MissingError(f"{absent[0]} is not among the objects that were judged together")
        return self._shared(list(found.values()))

    def _shared(self, entries: list[Entry]) -> Found:
        """The objects of these entries: for the same entries the same list, so that what is known of it stays so."""
        key = tuple(map(id, entries))
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = [entry.object for entry in entries]
        return found


def _value(obj: dict[str, Any], path: paths.Path) -> Any:
    value = paths.lookup(obj, path)
    return None if value is paths.MISSING else value


def _reach(resource: Resource) -> str:
    """The namespace whose objects are in reach. A Namespace counts as in the namespace of its own name."""
    if resource.kind == "Namespace" and not resource.group:
        return resource.name
    return namespace_of(resource)
