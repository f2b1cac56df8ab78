"""Which parameters hold where: the most specific entry that sets a parameter decides it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from plumbline.policies import Policy, PolicyError
from plumbline.scopes import Scope, ScopeMatch

Values = Mapping[str, Any]
_BASE: Final = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """Parameters of one policy for some scopes."""

    policy: str
    match: ScopeMatch
    values: Values


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """Parameters of every policy, as they hold for some resources.

    `versions` tells parameters of one policy apart: overlays in which it has the same number agree on them; policies
    that are not in it have those that hold everywhere. `broken` says why the parameters of a policy do not fit its
    schema once they are put together, so that it cannot be evaluated.
    """

    params: Mapping[str, dict[str, Any]]
    versions: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)


class ScopedParameters:
    """Finds the overlay of a scope. `given` are the parameters that hold everywhere, before defaults.

    Parameters are put together key by key: a value is taken whole, lists are not joined. Of entries that are equally
    specific, the later one counts.
    """

    def __init__(self, entries: Iterable[Entry], policies: Iterable[Policy], given: Mapping[str, Values]) -> None:
        self._policies = {policy.id: policy for policy in policies}
        chosen = [entry for entry in entries if entry.policy in self._policies]
        self._entries = sorted(chosen, key=lambda entry: entry.match.rank)
        self._given = given
        self._base = Overlay({name: policy.parameters(_own(given, name)) for name, policy in self._policies.items()})
        self._nearby: dict[tuple[str, str, str], tuple[int, ...]] = {}
        self._overlays: dict[tuple[int, ...], Overlay] = {(): self._base}
        self._numbers: dict[tuple[str, str], int] = {}

    @property
    def vary(self) -> bool:
        """Whether parameters depend on where a resource lives."""
        return bool(self._entries)

    @property
    def base(self) -> Overlay:
        return self._base

    def of(self, scope: Scope) -> Overlay:
        """The parameters that hold for this scope; the same object for scopes to which the same entries apply."""
        place = (scope.group, scope.kind, scope.namespace)
        nearby = self._nearby.get(place)
        if nearby is None:
            numbered = enumerate(self._entries)
            nearby = self._nearby[place] = tuple(at for at, entry in numbered if entry.match.surrounds(scope))
        applied = tuple(at for at in nearby if self._entries[at].match.is_named(scope))
        overlay = self._overlays.get(applied)
        if overlay is None:
            overlay = self._overlays[applied] = self._made(applied)
        return overlay

    def _made(self, applied: tuple[int, ...]) -> Overlay:
        merged: dict[str, dict[str, Any]] = {}
        for at in applied:
            entry = self._entries[at]
            merged.setdefault(entry.policy, dict(_own(self._given, entry.policy))).update(entry.values)
        params = dict(self._base.params)
        versions: dict[str, int] = {}
        broken: dict[str, str] = {}
        for name, values in merged.items():
            try:
                params[name] = self._policies[name].parameters(values)
            except PolicyError as error:
                broken[name] = str(error)
            version = self._number(name, params[name])
            if version != _BASE:
                versions[name] = version
        return Overlay(params, versions, broken)

    def _number(self, policy: str, params: dict[str, Any]) -> int:
        text = json.dumps(params, sort_keys=True)  # Python would take 1, 1.0 and True for equal
        if text == json.dumps(self._base.params[policy], sort_keys=True):
            return _BASE
        return self._numbers.setdefault((policy, text), len(self._numbers) + 1)


def _own(given: Mapping[str, Values], policy: str) -> dict[str, Any]:
    return dict(given.get(policy, {}))
