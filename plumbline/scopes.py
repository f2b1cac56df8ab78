"""Where a resource lives: its cluster, environment, team and namespace, and what is said for such places.

Nothing here is read from labels or annotations of the resource itself: whoever writes a manifest writes those too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from plumbline.kinds import is_namespaced
from plumbline.policies import matches_kind
from plumbline.resources import Resource
from plumbline.selectors import selects

API_VERSION: Final = "plumbline.dev/v1"
NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"
_ANY: Final = "*"
_WILD: Final = frozenset("*?")

Rank = tuple[int, ...]


class Scope(NamedTuple):
    """One resource's place; "" for what is unknown or does not apply. `labels` are those that the operator knows of its
    namespace, None when that namespace is not among those he named.
    """

    cluster: str
    environment: str
    team: str
    namespace: str
    labels: Mapping[str, str] | None
    group: str
    kind: str
    name: str
    is_namespaced: bool


class TeamSpaces(NamedTuple):
    """Namespaces (names or patterns) of a team, on the clusters that are named; () means any cluster."""

    team: str
    namespaces: tuple[str, ...]
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scopes:
    """What the operator of a scan knows. `namespaces` maps names to labels; None when nothing is known of any."""

    cluster: str = ""
    environment: str = ""
    teams: tuple[TeamSpaces, ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] | None = None
    _teams_of: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def of(self, resource: Resource) -> Scope:
        """The scope of a resource. A Namespace counts as in the namespace of its own name."""
        group, kind = resource.group, resource.kind
        is_inside = is_namespaced(group, kind, resource.object)
        namespace = resource.name if (group, kind) == ("", "Namespace") else resource.namespace if is_inside else ""
        labels = self.namespaces.get(namespace) if self.namespaces and namespace else None
        return Scope(
            self.cluster,
            self.environment,
            self.team_of(namespace),
            namespace,
            None if labels is None else {**labels, NAMESPACE_LABEL: namespace},
            group,
            kind,
            resource.name,
            is_inside,
        )

    def team_of(self, namespace: str) -> str:
        """The team whose entry is the first to hold the namespace, "" when there is none."""
        if not namespace or not self.teams:
            return ""
        known = self._teams_of.get(namespace)
        if known is None:
            holding = (entry.team for entry in self.teams if self._holds(entry, namespace))
            known = self._teams_of[namespace] = next(holding, "")
        return known

    def has_team(self, patterns: tuple[str, ...]) -> bool:
        """Whether a team of these names or patterns owns namespaces."""
        return any(_matches(patterns, entry.team) for entry in self.teams)

    def _holds(self, entry: TeamSpaces, namespace: str) -> bool:
        return _matches(entry.namespaces, namespace) and (not entry.clusters or _matches(entry.clusters, self.cluster))


@dataclass(frozen=True, slots=True)
class ScopeMatch:
    """For which scopes something is said. Every field that is given must hold; none given means everywhere.

    `*` and `?` are wild. `clusters: ["*"]` holds where no cluster is known, too.
    """

    clusters: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    namespace_selector: Mapping[str, Any] | None = None
    kinds: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def holds(self, scope: Scope) -> bool:
        return self.surrounds(scope) and self.is_named(scope)

    def surrounds(self, scope: Scope) -> bool:
        """Whether all holds but for the resource's name."""
        return (
            self.is_here(scope.cluster, scope.environment)
            and (not self.teams or (scope.team != "" and _matches(self.teams, scope.team)))
            and (not self.namespaces or (scope.namespace != "" and _matches(self.namespaces, scope.namespace)))
            and (not self.namespace_selector or _selects(self.namespace_selector, scope))
            and (not self.kinds or any(matches_kind(pattern, scope.group, scope.kind) for pattern in self.kinds))
        )

    def is_here(self, cluster: str, environment: str) -> bool:
        """Whether anything in this cluster and environment can be meant."""
        return _reaches(self.clusters, cluster) and _reaches(self.environments, environment)

    def is_named(self, scope: Scope) -> bool:
        """Whether the resource's name holds. Names that no namespace bounds are those of objects outside namespaces:
        inside one, whoever writes the manifest could take such a name anywhere.
        """
        if not self.names:
            return True
        return (self.bounds_names or not scope.is_namespaced) and _matches(self.names, scope.name)

    @property
    def bounds_names(self) -> bool:
        """Whether only some namespaces are meant."""
        return _is_bounding(self.namespaces) or _is_bounding(self.teams) or bool(self.namespace_selector)

    @property
    def rank(self) -> Rank:
        """How specific it is, to be compared: by name first, then namespace, team, cluster, environment, and by kind
        where these are equal; a list of exact names before one with patterns.
        """
        namespaces = _precision(self.namespaces) or int(bool(self.namespace_selector))
        fields = (self.teams, self.clusters, self.environments, self.kinds)
        return _precision(self.names), namespaces, *map(_precision, fields)


def _matches(patterns: Iterable[str], value: str) -> bool:
    return any(value == pattern or fnmatchcase(value, pattern) for pattern in patterns)


def _reaches(patterns: tuple[str, ...], value: str) -> bool:
    return not patterns or _ANY in patterns or (value != "" and _matches(patterns, value))


def _selects(selector: Mapping[str, Any], scope: Scope) -> bool:
    """Labels that nobody knows are not absent labels: a selector does not hold for such a namespace."""
    return scope.labels is not None and selects(selector, scope.labels)


def _is_bounding(patterns: tuple[str, ...]) -> bool:
    return bool(patterns) and all(set(pattern) - _WILD for pattern in patterns)


def _precision(patterns: tuple[str, ...]) -> int:
    """0 when nothing is narrowed, 1 by patterns, 2 by exact names."""
    if not patterns or _ANY in patterns:
        return 0
    return 1 if any(set(pattern) & _WILD for pattern in patterns) else 2
