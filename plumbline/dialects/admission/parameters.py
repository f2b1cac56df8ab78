"""Parameter objects of a policy, found by a binding's `paramRef`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plumbline import paths
from plumbline.dialects.admission.reviews import Review
from plumbline.inventories import Entry, Inventory
from plumbline.kinds import is_namespaced
from plumbline.results import Status
from plumbline.selectors import selects


class ParameterError(Exception):
    """There is no parameter object, and the binding says that this is a denial, or the reference is unusable."""

    def __init__(self, message: str, status: Status) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class ParamKind:
    """Group, version and kind of the parameter objects."""

    group: str
    version: str
    kind: str


@dataclass(frozen=True, slots=True)
class ParameterReference:
    """A binding's `paramRef`: one object by name, or all that a selector selects."""

    name: str | None
    namespace: str | None
    selector: Mapping[str, Any] | None
    denies_missing: bool

    def find(self, kind: ParamKind, review: Review, known: Sequence[Inventory]) -> list[dict[str, Any]]:
        """The parameter objects, [] when there are none and that is allowed. Raises ParameterError."""
        entries = [entry for inventory in known for entry in inventory.of_kind(kind.group, kind.kind)]
        namespace = self._namespace(kind, review, entries)
        unique: dict[tuple[str, str], dict[str, Any]] = {}
        for entry in entries:
            if (namespace is None or entry.namespace == namespace) and self._means(entry):
                unique.setdefault((entry.namespace, entry.name), entry.object)
        if not unique and self.denies_missing:
            what = f"no {kind.kind} {self.name}" if self.name else f"no {kind.kind} that its selector selects"
            raise ParameterError(f"there is {what} to take parameters from", "fail")
        return list(unique.values())

    def _namespace(self, kind: ParamKind, review: Review, entries: Sequence[Entry]) -> str | None:
        """Where to look; None for kinds outside namespaces."""
        in_namespaces = is_namespaced(kind.group, kind.kind, {}) or any(entry.namespace for entry in entries)
        if not in_namespaces:
            return None
        if self.namespace:
            return self.namespace
        if not review.namespace:
            raise ParameterError("paramRef names no namespace, and the object has none either", "error")
        return review.namespace

    def _means(self, entry: Entry) -> bool:
        if self.name:
            return entry.name == self.name
        labels = paths.lookup(entry.object, ("metadata", "labels"))
        return selects(self.selector, labels if isinstance(labels, dict) else {})


def parse_reference(spec: Mapping[str, Any] | None) -> ParameterReference | None:
    """From `paramRef`, whose schema has been checked."""
    if not spec:
        return None
    return ParameterReference(
        name=spec.get("name"),
        namespace=spec.get("namespace"),
        selector=spec.get("selector"),
        denies_missing=spec.get("parameterNotFoundAction") == "Deny",
    )
