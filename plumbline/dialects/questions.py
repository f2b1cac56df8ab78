"""Rego rules asked about many objects at once: a call for each object would cost more than its evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from plumbline.engines.rego.engines import Answer, Input, Query
from plumbline.engines.rego.engines import Inventory as Facts
from plumbline.engines.rego.errors import EngineError
from plumbline.inventories import Inventory
from plumbline.kinds import is_namespaced
from plumbline.nulls import without_nulls
from plumbline.resources import Resource

_CHUNK: Final = 64
_DEFAULT_NAMESPACE: Final = "default"


class Reviewed:
    """What is made once of a set of objects for all policies: the inputs of some of them, and `data.inventory`."""

    def __init__(self, inventory: Inventory) -> None:
        # Not the inventory itself: this is remembered for as long as the inventory lives.
        self.resources = inventory.resources
        self.positions = {id(resource): index for index, resource in enumerate(self.resources)}
        self._chunk = -1
        self._inputs: dict[tuple[str, int], Input] = {}
        self._facts: Facts | None = None

    def input(self, form: str, index: int, make: Callable[[Resource], dict[str, Any]]) -> Input:
        """The input of one object in one form, remembered while its chunk is being judged."""
        chunk = index // _CHUNK
        if chunk != self._chunk:
            self._chunk = chunk
            self._inputs.clear()
        if (form, index) not in self._inputs:
            self._inputs[form, index] = Input(make(self.resources[index]))
        return self._inputs[form, index]

    @property
    def facts(self) -> Facts:
        """The objects by place, as Gatekeeper lays them out."""
        if self._facts is None:
            self._facts = Facts(inventory_data(self.resources))
        return self._facts


_reviewed: WeakKeyDictionary[Inventory, Reviewed] = WeakKeyDictionary()


def reviewed(inventory: Inventory) -> Reviewed:
    """What has been made of this set so far."""
    found = _reviewed.get(inventory)
    if found is None:
        found = _reviewed[inventory] = Reviewed(inventory)
    return found


def inventory_data(resources: Sequence[Resource]) -> dict[str, Any]:
    """`data.inventory`: `namespace[NAMESPACE][APIVERSION][KIND][NAME]` and `cluster[APIVERSION][KIND][NAME]`."""
    data: dict[str, Any] = {"namespace": {}, "cluster": {}}
    for resource in resources:
        obj = with_namespace(without_nulls(resource.object), resource)
        namespace = obj.get("metadata", {}).get("namespace") if isinstance(obj.get("metadata"), dict) else None
        place = data["namespace"].setdefault(namespace, {}) if namespace else data["cluster"]
        by_kind = place.setdefault(resource.api_version, {}).setdefault(resource.kind, {})
        by_kind[resource.name] = obj
    return data


def with_namespace(obj: dict[str, Any], resource: Resource) -> dict[str, Any]:
    """The object in its namespace, which is `default` when it names none."""
    if resource.namespace or not is_namespaced(resource.group, resource.kind, obj):
        return obj
    metadata = obj.get("metadata")
    return {**obj, "metadata": {**(metadata if isinstance(metadata, dict) else {}), "namespace": _DEFAULT_NAMESPACE}}


class Question:
    """One compiled rule. `form` names the shape that `make` gives to an object; equal forms share their inputs.

    `applies` says of an object whether the rule is to be asked about it: those that follow in the set are asked about
    together with it.
    """

    def __init__(
        self,
        query: Query,
        form: str,
        make: Callable[[Resource, Inventory], dict[str, Any]],
        applies: Callable[[Resource, Inventory], bool],
        *,
        uses_inventory: bool,
    ) -> None:
        self._query, self._form, self._make, self._applies = query, form, make, applies
        self._uses_inventory = uses_inventory
        self._known: Reviewed | None = None
        self._chunk = -1
        self._answers: dict[int, Answer] = {}

    def ask(self, resource: Resource, inventory: Inventory) -> Answer:
        """The rule's value for one object, or an EngineError."""
        known = reviewed(inventory)
        index = known.positions.get(id(resource))
        if index is None:
            return self.ask_about(self._make(resource, inventory), known)
        chunk = index // _CHUNK
        if known is not self._known or chunk != self._chunk:
            self._known, self._chunk, self._answers = known, chunk, {}
        if index not in self._answers:
            self._look_ahead(known, index, inventory)
        return self._answers[index]

    def ask_about(self, value: dict[str, Any], known: Reviewed) -> Answer:
        """The rule's value for an input of one's own."""
        return self._query.answers([Input(value)], known.facts if self._uses_inventory else None)[0]

    def _look_ahead(self, known: Reviewed, index: int, inventory: Inventory) -> None:
        end = min((index // _CHUNK + 1) * _CHUNK, len(known.resources))
        wanted = [index, *(item for item in range(index + 1, end) if self._is_wanted(known.resources[item], inventory))]
        inputs, asked = [], []
        for item in wanted:
            try:
                inputs.append(known.input(self._form, item, lambda resource: self._make(resource, inventory)))
                asked.append(item)
            except (TypeError, AttributeError) as error:
                self._answers[item] = EngineError(f"the object cannot be read: {error}")
        answers = self._query.answers(inputs, known.facts if self._uses_inventory else None)
        self._answers.update(zip(asked, answers, strict=True))

    def _is_wanted(self, resource: Resource, inventory: Inventory) -> bool:
        try:
            return self._applies(resource, inventory)
        except ValueError:
            return False
