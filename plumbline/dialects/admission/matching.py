"""`matchConstraints` and `matchResources`: which requests a policy is asked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from plumbline.dialects.admission.reviews import NAMESPACE_LABEL, Review
from plumbline.selectors import selects

# Groups whose versions differ in more than their name.
_CONVERTED: Final = frozenset(("autoscaling",))


class UndecidedError(Exception):
    """Whether the policy applies depends on something that is not in the set; `str()` says on what."""


@dataclass(frozen=True, slots=True)
class NamedRule:
    """One of `resourceRules`: any of each list, `*` being all."""

    groups: tuple[str, ...]
    versions: tuple[str, ...]
    operations: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...]
    scope: str

    def covers(self, review: Review, *, any_version: bool) -> bool:
        """`any_version`: another version of the same resource is equivalent."""
        return (
            _has(self.groups, review.group)
            and self._covers_version(review, any_version)
            and _has(self.operations, "CREATE")
            and any(_names(resource, review.resource) for resource in self.resources)
            and (not self.names or review.name in self.names)
            and self.scope in ("*", "Namespaced" if review.namespace else "Cluster")
        )

    def _covers_version(self, review: Review, any_version: bool) -> bool:
        """A version that is not served is equivalent to none."""
        if _has(self.versions, review.version):
            return True
        return any_version and (review.served is None or not review.served.isdisjoint(self.versions))


@dataclass(frozen=True, slots=True)
class MatchResources:
    """No `rules` match every request, as in a binding."""

    rules: tuple[NamedRule, ...]
    excluded: tuple[NamedRule, ...]
    namespace_selector: Mapping[str, Any] | None
    object_selector: Mapping[str, Any] | None
    is_exact: bool

    def matches(self, review: Review) -> bool:
        """Raises UndecidedError when it hangs on labels of a namespace that is not in the set, and SelectorError."""
        equivalent = not self.is_exact
        is_converted = False
        if self.rules and not any(rule.covers(review, any_version=False) for rule in self.rules):
            is_converted = equivalent and any(rule.covers(review, any_version=True) for rule in self.rules)
            if not is_converted:
                return False
        if any(rule.covers(review, any_version=equivalent) for rule in self.excluded):
            return False
        if self.object_selector and not selects(self.object_selector, review.labels):
            return False
        if not self._matches_namespace(review):
            return False
        if is_converted and review.group in _CONVERTED:
            raise UndecidedError(
                f"the policy asks for another version of {review.group}, into which only the API server converts the "
                "object"
            )
        return True

    def _matches_namespace(self, review: Review) -> bool:
        selector = self.namespace_selector
        if not selector or not (review.namespace or review.is_namespace):
            return True
        if review.is_namespace:
            return selects(selector, {NAMESPACE_LABEL: review.name, **review.labels})
        if review.namespace_object is None and _keys(selector) != {NAMESPACE_LABEL}:
            raise UndecidedError(
                f"the policy asks for labels of the namespace {review.namespace}, and the Namespace is not among the "
                "objects that were judged together"
            )
        return selects(selector, review.namespace_labels)


def parse_match(spec: Mapping[str, Any] | None) -> MatchResources:
    """From `matchConstraints` or `matchResources`, whose schema has been checked."""
    spec = spec or {}
    return MatchResources(
        rules=tuple(map(_rule, spec.get("resourceRules") or ())),
        excluded=tuple(map(_rule, spec.get("excludeResourceRules") or ())),
        namespace_selector=spec.get("namespaceSelector"),
        object_selector=spec.get("objectSelector"),
        is_exact=spec.get("matchPolicy") == "Exact",
    )


def _rule(spec: Mapping[str, Any]) -> NamedRule:
    return NamedRule(
        groups=tuple(spec.get("apiGroups") or ()),
        versions=tuple(spec.get("apiVersions") or ()),
        operations=tuple(spec.get("operations") or ()),
        resources=tuple(spec.get("resources") or ()),
        names=tuple(spec.get("resourceNames") or ()),
        scope=spec.get("scope") or "*",
    )


def _names(pattern: str, resource: str) -> bool:
    """Whether a pattern such as `pods`, `*` or `pods/*` names the resource itself: what is after the slash must too."""
    name, slash, below = pattern.partition("/")
    return name in ("*", resource) and (not slash or below == "*")


def _has(values: Iterable[str], value: str) -> bool:
    return any(item in ("*", value) for item in values)


def _keys(selector: Mapping[str, Any]) -> set[str]:
    labels = selector.get("matchLabels")
    expressions = selector.get("matchExpressions")
    keys = set(labels) if isinstance(labels, dict) else set()
    if isinstance(expressions, list):
        keys.update(str(item.get("key")) for item in expressions if isinstance(item, dict))
    return keys
