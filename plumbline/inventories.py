"""The set of objects that are judged together, for policies that look at several of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from plumbline import paths
from plumbline.kinds import is_namespaced
from plumbline.nulls import without_nulls
from plumbline.resources import Resource, pod_spec_path

Kind = tuple[str, str]
DEFAULT_NAMESPACE: Final = "default"


class Entry:
    """One object of the set, without nulls, made ready when it is first asked for."""

    __slots__ = ("_labels", "_object", "_resource", "group", "kind", "name", "namespace")

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._object: dict[str, Any] | None = None
        self._labels: dict[str, Any] | None = None
        self.group, self.kind = resource.group, resource.kind
        self.namespace, self.name = namespace_of(resource), resource.name

    @property
    def object(self) -> dict[str, Any]:
        if self._object is None:
            self._object = without_nulls(self._resource.object)
        return self._object

    @property
    def pod_labels(self) -> dict[str, Any]:
        """The labels of the pods that a workload runs."""
        if self._labels is None:
            self._labels = pod_labels(self.object, self.group, self.kind)
        return self._labels


class Inventory:
    """Finds objects of the set by kind and by name. `resources` are all that were given, in their order.

    Directories may hold an object twice, for instance a manifest and a patch of it. All are there by kind, lest a
    patch hide what it patches; by name, the later one is found.
    """

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self.resources = tuple(resources)
        self._entries: dict[Kind, list[Entry]] = {}
        self._by_name: dict[tuple[str, str, str, str], Entry] = {}
        for entry in map(Entry, self.resources):
            self._entries.setdefault((entry.group, entry.kind), []).append(entry)
            self._by_name[entry.group, entry.kind, entry.namespace, entry.name] = entry

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Group and kind of all objects in the set."""
        return tuple(self._entries)

    def of_kind(self, group: str, kind: str) -> Sequence[Entry]:
        """All objects of a kind, in the order in which they were read."""
        return self._entries.get((group, kind), ())

    def find(self, group: str, kind: str, namespace: str, name: str) -> Entry | None:
        """The object of this name; `namespace` is "" for what lives outside namespaces."""
        return self._by_name.get((group, kind, namespace, name))

    def namespace_object(self, name: str) -> dict[str, Any] | None:
        """The Namespace of this name, None when the set does not hold it."""
        found = self.find("", "Namespace", "", name)
        return found.object if found else None


def namespace_of(resource: Resource) -> str:
    """Where the object is or would be created: what names no namespace lands in `default`, or is in none at all."""
    if not is_namespaced(resource.group, resource.kind, resource.object):
        return ""
    return resource.namespace or DEFAULT_NAMESPACE


def pod_labels(obj: dict[str, Any], group: str, kind: str) -> dict[str, Any]:
    """The labels of the pods that this object runs; {} for what runs none, or has none that are readable."""
    path = pod_spec_path(kind, group)
    if path is None:
        return {}
    labels = paths.lookup(obj, (*path[:-1], "metadata", "labels"))
    return labels if labels.__class__ is dict else {}
