"""The elements of an object that a rule is evaluated for: containers, volumes, entries of any list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from plumbline import paths
from plumbline.nulls import without_nulls
from plumbline.policies import ELEMENT_NAMES, Each
from plumbline.policies.model import Elements

POD_LISTS = {
    "containers": ("initContainers", "containers", "ephemeralContainers"),
    "mainContainers": ("containers",),
    "volumes": ("volumes",),
}
_TYPE_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}


class MalformedError(Exception):
    """Something in the object is not of the type that Kubernetes gives it. `path` says where."""

    def __init__(self, path: paths.Path, value: Any, wanted: str) -> None:
        is_a = "null" if value is None else _TYPE_NAMES.get(type(value), "unusable")
        super().__init__(f"{paths.render(path) or 'the object'} is {is_a}, not {wanted}")
        self.path = path


MAX_LISTED: Final = 500
"""Containers or volumes of a pod that is judged: what looks at all of them beside each costs their square."""

MAX_ELEMENTS: Final = 10_000
"""Elements of all lists that one rule is evaluated for in an object."""


class TooManyError(MalformedError):
    """More elements than are judged in one object."""

    def __init__(self, path: paths.Path, count: int, limit: int) -> None:
        Exception.__init__(self, f"{paths.render(path)} has {count} entries, and no more than {limit} are judged")
        self.path = path


@dataclass(slots=True)
class Subject:
    """An object about to be judged: without nulls, with its pod spec found."""

    object: dict[str, Any]
    pod_path: paths.Path | None
    pod_spec: dict[str, Any]
    pod_metadata: dict[str, Any]
    _elements: dict[str, list[tuple[paths.Path, dict[str, Any]]]] = field(default_factory=dict, repr=False)

    def elements(self, inside: Elements) -> list[tuple[paths.Path, dict[str, Any]]]:
        """Path and binding of each container or volume. Raises MalformedError for what is not a list, or holds null."""
        found = self._elements.get(inside)
        if found is None:
            found = self._elements[inside] = self._pod_elements(inside) if self.pod_path is not None else []
        return found

    def _pod_elements(self, inside: Elements) -> list[tuple[paths.Path, dict[str, Any]]]:
        name = ELEMENT_NAMES[inside]
        found: list[tuple[paths.Path, dict[str, Any]]] = []
        for part in POD_LISTS[inside]:
            entries = self.pod_spec.get(part)
            if entries is None:
                continue
            path = (*(self.pod_path or ()), part)
            if entries.__class__ is not list:
                raise MalformedError(path, entries, "a list")
            for index, entry in enumerate(entries):
                if entry.__class__ is not dict:
                    raise MalformedError((*path, index), entry, "an object")
                found.append(((*path, index), {name: entry}))
        return found

    def absolute(self, path: paths.Path, element: paths.Path = ()) -> paths.Path:
        """A rule's path from the object's root: relative to the element, unless it begins in the pod's spec
        or metadata.
        """
        head = path[0] if path else None
        if head == "podSpec" and self.pod_path is not None:
            return self.pod_path + path[1:]
        if head == "podMetadata" and self.pod_path is not None:
            return (*self.pod_path[:-1], "metadata", *path[1:])
        return element + path


def subject_of(obj: dict[str, Any], pod_path: tuple[str, ...] | None) -> Subject:
    """Raises MalformedError when what should hold the pod spec is not an object, or holds too much."""
    obj = without_nulls(obj)
    if pod_path is None:
        return Subject(obj, None, {}, {})
    value: Any = obj
    for depth, step in enumerate(pod_path):
        value = value.get(step)
        if value is None:
            return Subject(obj, pod_path, {}, _metadata(obj, pod_path))
        if value.__class__ is not dict:
            raise MalformedError(pod_path[: depth + 1], value, "an object")
    for name in ("initContainers", "containers", "ephemeralContainers", "volumes"):
        entries = value.get(name)
        if entries.__class__ is list and len(entries) > MAX_LISTED:
            raise TooManyError((*pod_path, name), len(entries), MAX_LISTED)
    return Subject(obj, pod_path, value, _metadata(obj, pod_path))


def _metadata(obj: dict[str, Any], pod_path: tuple[str, ...]) -> dict[str, Any]:
    where = (*pod_path[:-1], "metadata")
    value = paths.lookup(obj, where)
    if value is paths.MISSING:
        return {}
    if value.__class__ is not dict:
        raise MalformedError(where, value, "an object")
    return value


def elements_of(each: Each, subject: Subject) -> list[tuple[paths.Path, dict[str, Any]]]:
    """Path and bindings of every element. Raises MalformedError for what is not a list, holds null or is too long."""
    if each.inside is None:
        path = subject.absolute(paths.parse(each.over or ""))
        if path[:1] == ("podSpec",) or _is_absent(subject.object, path):  # no pod spec, or nothing there in it
            return []
        return [(at, {each.variable or "": value}) for at, value in _entries(subject.object, path)]
    found = subject.elements(each.inside)
    return found if each.over is None else _nested(each, found, ELEMENT_NAMES[each.inside])


def list_path(each: Each, subject: Subject) -> paths.Path:
    """Where the elements would be, for a rule that passes because there are none."""
    if each.inside is None:
        return subject.absolute(paths.parse(each.over or ""))
    return (*(subject.pod_path or ()), POD_LISTS[each.inside][0 if each.inside != "containers" else 1])


def _nested(
    each: Each, outer: list[tuple[paths.Path, dict[str, Any]]], name: str
) -> list[tuple[paths.Path, dict[str, Any]]]:
    over, variable = paths.parse(each.over or ""), each.variable or ""
    return [
        (at, {name: binding[name], variable: value})
        for path, binding in outer
        if not _is_absent(binding[name], over)
        for at, value in _entries(binding[name], over, path)
    ]


def _is_absent(value: Any, path: paths.Path) -> bool:
    """Whether maps lead to a field that is not there: what is of another kind is not absent, but may be malformed."""
    for step in path:
        if value.__class__ is not dict:
            return False
        value = value.get(step)
        if value is None:
            return True
    return False


def _entries(root: Any, path: paths.Path, base: paths.Path = ()) -> Iterator[tuple[paths.Path, Any]]:
    value = root
    for depth, step in enumerate(path):
        if value.__class__ is not dict and step.__class__ is str:
            raise MalformedError(base + path[:depth], value, "an object")
        value = paths.lookup(value, (step,))
        if value is paths.MISSING:
            return
    if value.__class__ is not list:
        raise MalformedError(base + path, value, "a list")
    if len(value) > MAX_ELEMENTS:
        raise TooManyError(base + path, len(value), MAX_ELEMENTS)
    for index, entry in enumerate(value):
        if entry is None:
            raise MalformedError((*base, *path, index), entry, "an object")
        yield (*base, *path, index), entry
