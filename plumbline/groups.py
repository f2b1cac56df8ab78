"""Checks that are evaluated together, and verdicts remembered for what looks the same to them."""

from __future__ import annotations

import itertools
import marshal
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

from plumbline import paths
from plumbline.checks import Check, Instance
from plumbline.elements import POD_LISTS, Subject
from plumbline.engines.cel import VOCABULARY, ExpressionError, Program, activate, compile_list
from plumbline.engines.readings import UNREAD, Reading, reading_of, reading_of_parts, view
from plumbline.policies import Each

MAX_REMEMBERED: Final = 4096
_MAX_KEY_BYTES: Final = 4096
_KEY_FORMAT: Final = 0  # of marshal: the only one whose bytes depend on nothing but the value
_TRACED_AFTER: Final = 12  # evaluations of a program, which cost as much as finding out what it reads
_UNVARIED: Final[Mapping[str, int]] = {}

# Fields that differ from object to object, that name it, or that hold both such fields and others. A field more or less
# costs or saves time, and changes no verdict.
_VARIED: Final = frozenset((
    "annotations", "args", "binaryData", "command", "containers", "data", "env", "envFrom", "ephemeralContainers",
    "image", "initContainers", "namespace", "resources", "serviceAccount", "serviceAccountName", "value",
    "volumeMounts", "volumes",
))
_NAMING: Final = frozenset(("generateName", "labels", "matchLabels", "name", "selector", "uid"))
_BROAD: Final = frozenset(("metadata", "spec", "template"))


class Verdicts:
    """What the checks of a group say: `all` of them in order, and `notable` those that are not passes."""

    __slots__ = ("all", "notable", "passed")

    def __init__(self, checks: Iterable[Check], verdicts: Iterable[Any]) -> None:
        self.all = tuple(zip(checks, verdicts, strict=True))
        self.notable = tuple(item for item in self.all if item[1] is not True)
        self.passed = len(self.all) - len(self.notable)


class Group:
    """Checks of the same elements that are evaluated together, with the same parameters.

    They see what they read of an element, its object and related objects, and nothing else (`engines.readings`); what
    they say is remembered by what they saw. What they read is known roughly from their sources, and exactly once their
    program has been evaluated often enough to be worth the look. `names` are known in expressions; `twin` is a group of
    the same checks with other parameters: it remembers other verdicts of the same program.
    """

    def __init__(
        self, each: Each | None, checks: tuple[Check, ...], names: frozenset[str], twin: Group | None = None
    ) -> None:
        self.each, self.checks = each, checks
        self._names, self._twin = names, twin
        self._parameterized = tuple({check.policy.id for check in checks if check.has_params})
        self._remembered: dict[bytes, Verdicts] = {}
        self._related = RelatedViews()
        self._reading: tuple[tuple[str, Reading], ...] | None = None
        self._related_reading: Reading = UNREAD
        self._evaluations = 0
        if all(check.parts is not None for check in checks):
            parts = (part for check in checks for part in (*(check.parts or ()), *check.constants))
            self._read_by(reading_of_parts(parts))

    @cached_property
    def program(self) -> Program:
        """Yields the list of all verdicts; errors when any of them does."""
        if self._twin is not None:
            return self._twin.program
        are_proven = all(check.policy.is_proven for check in self.checks)
        return compile_list([check.source for check in self.checks], self._names, are_proven=are_proven)

    @cached_property
    def _passing(self) -> Verdicts:
        return Verdicts(self.checks, [True] * len(self.checks))

    def verdicts(self, instance: Instance) -> Verdicts:
        """From memory when they saw the same before."""
        seen = self._seen(instance.values)
        try:
            key: bytes | None = marshal.dumps(seen, _KEY_FORMAT)
        except ValueError:  # a value that JSON does not know, given through the Python interface
            key = None
        known = self._remembered.get(key) if key is not None else None
        if known is None:
            known = self._evaluate(instance, seen)
            if key is not None and len(key) <= _MAX_KEY_BYTES:
                if len(self._remembered) >= MAX_REMEMBERED:
                    self._remembered.clear()
                self._remembered[key] = known
            self._evaluations += 1
            if self._evaluations == _TRACED_AFTER:
                self._trace()
        return known

    def forget(self) -> None:
        """Judge everything anew."""
        self._remembered.clear()
        self._related.clear()

    def _trace(self) -> None:
        """Find out exactly what the program reads; what was remembered by another reading is forgotten."""
        serialized = self.program.serialized()
        if serialized is not None:
            self._read_by(reading_of(serialized))
        elif self._reading is None:
            self._read_by(dict.fromkeys((*VOCABULARY, *self._names)))
        self.forget()

    def _read_by(self, reading: Reading) -> None:
        by_name: dict[Any, Reading] = dict.fromkeys((*VOCABULARY, *self._names)) if reading is None else {**reading}
        self._related_reading = by_name.pop("related", UNREAD)
        by_name.pop("params", None)  # the same for all that the group judges
        known = (*VOCABULARY, *sorted(self._names))
        self._reading = tuple((name, by_name[name]) for name in known if name in by_name)

    def _seen(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if self._reading is None:
            self._trace()
        seen = {}
        for name, reading in self._reading or ():
            if name in values:
                seen[name] = view(values[name], reading)
        if self._related_reading is not UNREAD:
            seen["related"] = self._related.numbers(values["related"], self._related_reading)
        return seen

    def _evaluate(self, instance: Instance, seen: dict[str, Any]) -> Verdicts:
        data = dict(seen)
        if "related" in seen:
            data["related"] = self._related.numbered(seen["related"])
        if self._parameterized:
            params = instance.data["params"]
            data["params"] = {name: params[name] for name in self._parameterized}
        try:
            found = self.program.evaluate(activate(data))
            are_passes = False not in found and {*map(type, found)} == {bool}
            return self._passing if are_passes else Verdicts(self.checks, found)
        except ExpressionError:
            return Verdicts(self.checks, [_alone(check, instance.activation) for check in self.checks])


class RelatedViews:
    """Lists of related objects as a group sees them, by numbers: equal ones have the same number, however many objects
    they are related to.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, int]] = {}  # by identity: relations hand out the same lists again
        self._numbers: dict[tuple[str, bytes], int] = {}
        self._views: dict[int, Any] = {}
        self._next = itertools.count()

    def numbers(self, related: Mapping[str, list[Any]], reading: Reading) -> dict[str, int]:
        """The number of each list that is read of `related`."""
        if len(self._known) >= MAX_REMEMBERED:
            self.clear()
        return {
            name: self._number(name, found, None if reading is None else reading[name])
            for name, found in related.items()
            if reading is None or name in reading
        }

    def numbered(self, numbers: Mapping[str, int]) -> dict[str, Any]:
        """The lists of these numbers."""
        return {name: self._views[number] for name, number in numbers.items()}

    def clear(self) -> None:
        """Forget the lists, and give none of their numbers to another."""
        self._known.clear()
        self._numbers.clear()
        self._views.clear()

    def _number(self, name: str, found: list[Any], reading: Reading) -> int:
        known = self._known.get(id(found))
        if known is not None:
            return known[1]
        seen = view(found, reading)
        try:
            number = self._numbers.setdefault((name, marshal.dumps(seen, _KEY_FORMAT)), next(self._next))
        except ValueError:
            number = next(self._next)
        self._views[number] = seen
        self._known[id(found)] = (found, number)
        return number


class Sheaf:
    """All that is evaluated for the same elements; `checks` are those of the groups, in their order."""

    __slots__ = ("_fields", "_is_in_object", "checks", "each", "groups")

    def __init__(self, each: Each | None, groups: tuple[Group, ...]) -> None:
        self.each, self.groups = each, groups
        self.checks = tuple(check for group in groups for check in group.checks)
        self._fields: tuple[str, ...] = ()
        self._is_in_object = False
        if each is not None and each.inside is not None:
            self._fields = POD_LISTS[each.inside]
        elif each is not None:
            head, *below = map(str, paths.parse(each.over or ""))
            self._is_in_object = head != "podSpec"
            self._fields = (head,) if self._is_in_object else tuple(below[:1])

    def is_absent_in(self, subject: Subject) -> bool:
        """Whether it is plain that the object has no such elements."""
        if not self._fields:
            return False
        return (subject.object if self._is_in_object else subject.pod_spec).keys().isdisjoint(self._fields)


class Grouping:
    """Groups of checks, shared by all kinds of objects to which the same checks apply with the same parameters.

    `names` are all that any check knows besides the vocabulary: one environment of the engine serves all groups.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._groups: dict[tuple[tuple[int, ...], tuple[int, ...]], Group] = {}
        self._first: dict[tuple[int, ...], Group] = {}

    def sheaves(self, checks: Iterable[Check], versions: Mapping[str, int] = _UNVARIED) -> tuple[Sheaf, ...]:
        """Groups by what they are evaluated for, in the order in which they first appear.

        `versions` tells parameters of one policy apart; policies that are not in it have those that hold everywhere.
        """
        members: dict[Each | None, dict[Any, list[Check]]] = {}
        for check in checks:
            by_parts = members.setdefault(check.rule.each, {})
            by_parts.setdefault(_kinship(check), []).append(check)
        sheaves = []
        for each, by_parts in members.items():
            groups = tuple(self._group(each, tuple(together), versions) for together in by_parts.values())
            sheaves.append(Sheaf(each, groups))
        return tuple(sheaves)

    def forget(self) -> None:
        """Remember no verdict."""
        for group in self._groups.values():
            group.forget()

    def _group(self, each: Each | None, checks: tuple[Check, ...], versions: Mapping[str, int]) -> Group:
        members = tuple(map(id, checks))
        key = members, tuple(versions.get(check.policy.id, 0) for check in checks)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(each, checks, self._names, self._first.get(members))
            self._first.setdefault(members, group)
        return group


def _kinship(check: Check) -> Any:
    """Equal for checks that are best evaluated together: more in one program cost less, but one whose parts differ from
    object to object has all others evaluated each time, and one that judges other kinds has them compiled once more.
    """
    if check.parts is None:
        return check.policy.match
    if any(not _NAMING.isdisjoint(part) for part in check.parts):
        return check.policy.match, _NAMING
    varied = frozenset(
        part for part in check.parts if len(part) == 1 or part[-1] in _BROAD or not _VARIED.isdisjoint(part)
    )
    return varied or (check.policy.match, varied)


def _alone(check: Check, activation: Any) -> Any:
    try:
        return check.program.evaluate(activation)
    except ExpressionError as error:
        return error
