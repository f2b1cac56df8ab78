"""Checks that are evaluated together, and verdicts remembered for what looks the same to them."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

from plumbline.checks import Check, Instance
from plumbline.elements import Subject
from plumbline.engines.cel import ExpressionError, Program, compile_list
from plumbline.engines.dependencies import Part
from plumbline.policies import Each

MAX_REMEMBERED: Final = 4096
_MAX_KEY_BYTES: Final = 4096
_KEY_FORMAT: Final = 0  # of marshal: the only one whose bytes depend on nothing but the value
_ABSENT: Final = ...
_UNVARIED: Final[Mapping[str, int]] = {}


class Verdicts:
    """What the checks of a group say: `all` of them in order, and `notable` those that are not passes."""

    __slots__ = ("all", "notable", "passed")

    def __init__(self, checks: Iterable[Check], verdicts: Iterable[Any]) -> None:
        self.all = tuple(zip(checks, verdicts, strict=True))
        self.notable = tuple(item for item in self.all if item[1] is not True)
        self.passed = len(self.all) - len(self.notable)


class Group:
    """Checks of the same elements that read the same parts of them, with the same parameters.

    `twin` is a group of the same checks with other parameters: it remembers other verdicts of the same program.
    """

    def __init__(
        self, each: Each | None, checks: tuple[Check, ...], parts: frozenset[Part] | None, twin: Group | None = None
    ) -> None:
        self.each, self.checks = each, checks
        self._twin = twin
        self._names = each.names if each else ()
        self._remembered: dict[bytes, Verdicts] = {}
        ordered = sorted(parts) if parts is not None else []
        self._is_remembering = parts is not None
        self._wholes = tuple(part[0] for part in ordered if len(part) == 1)
        self._fields = tuple(part for part in ordered if part[0] in self._names and len(part) == 2)
        self._pod_fields = tuple(part[2] for part in ordered if part[:2] == ("variables", "podSpec"))
        self._pod_metadata = tuple(part[2:] for part in ordered if part[:2] == ("variables", "podMetadata"))
        self._paths = tuple(part[1:] for part in ordered if part[0] == "object")

    @cached_property
    def program(self) -> Program:
        """Yields the list of all verdicts; errors when any of them does."""
        if self._twin is not None:
            return self._twin.program
        return compile_list([check.source for check in self.checks], self._names)

    def verdicts(self, instance: Instance) -> Verdicts:
        """From memory when an element that agrees on all that the checks read was judged before."""
        key = self._key(instance.subject, instance.bindings) if self._is_remembering else None
        if key is None:
            return self._evaluate(instance)
        known = self._remembered.get(key)
        if known is None:
            known = self._evaluate(instance)
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = known
        return known

    def forget(self) -> None:
        """Judge everything anew."""
        self._remembered.clear()

    def _evaluate(self, instance: Instance) -> Verdicts:
        try:
            return Verdicts(self.checks, self.program.evaluate(instance.activation))
        except ExpressionError:
            return Verdicts(self.checks, [_alone(check, instance.activation) for check in self.checks])

    def _key(self, subject: Subject, bindings: dict[str, Any]) -> bytes | None:
        """The bytes of what the checks read; None when there are too many of them to be worth it."""
        seen: list[Any] = [bindings[name] for name in self._wholes]
        for name, field in self._fields:
            seen.append(_part(bindings[name], field))
        for field in self._pod_fields:
            seen.append(subject.pod_spec.get(field, _ABSENT))
        for fields in self._pod_metadata:
            seen.append(subject.pod_metadata.get(fields[0], _ABSENT) if fields else subject.pod_metadata)
        for path in self._paths:
            value: Any = subject.object
            for step in path:
                value = _part(value, step)
            seen.append(value)
        try:
            key = marshal.dumps(seen, _KEY_FORMAT)
        except ValueError:  # a value that JSON does not know, given through the Python interface
            return None
        return key if len(key) <= _MAX_KEY_BYTES else None


Sheaf = tuple[Each | None, tuple[Group, ...]]


class Grouping:
    """Groups of checks, shared by all kinds of objects to which the same checks apply with the same parameters."""

    def __init__(self) -> None:
        self._groups: dict[tuple[tuple[int, ...], tuple[int, ...]], Group] = {}
        self._first: dict[tuple[int, ...], Group] = {}

    def sheaves(self, checks: Iterable[Check], versions: Mapping[str, int] = _UNVARIED) -> tuple[Sheaf, ...]:
        """Groups by what they are evaluated for, in the order in which they first appear.

        `versions` tells parameters of one policy apart; policies that are not in it have those that hold everywhere.
        """
        members: dict[Each | None, dict[Any, list[Check]]] = {}
        for check in checks:
            by_parts = members.setdefault(check.rule.each, {})
            by_parts.setdefault(_signature(check.parts), []).append(check)
        return tuple(
            (each, tuple(self._group(each, tuple(together), versions) for together in by_parts.values()))
            for each, by_parts in members.items()
        )

    def _group(self, each: Each | None, checks: tuple[Check, ...], versions: Mapping[str, int]) -> Group:
        members = tuple(map(id, checks))
        key = members, tuple(versions.get(check.policy.id, 0) for check in checks)
        group = self._groups.get(key)
        if group is None:
            parts = [check.parts for check in checks if check.parts is not None]
            union = frozenset().union(*parts) if len(parts) == len(checks) else None
            group = self._groups[key] = Group(each, checks, union, self._first.get(members))
            self._first.setdefault(members, group)
        return group


def _signature(parts: frozenset[Part] | None) -> Any:
    """Checks that differ only in the fields of the pod spec that they read belong together: these vary
    little.
    """
    return parts and frozenset(part for part in parts if part[:2] != ("variables", "podSpec"))


def _part(value: Any, field: str) -> Any:
    """A field of a map; what is no map as a tuple, so that it differs from every value of a field."""
    return value.get(field, _ABSENT) if value.__class__ is dict else (value,)


def _alone(check: Check, activation: Any) -> Any:
    try:
        return check.program.evaluate(activation)
    except ExpressionError as error:
        return error
