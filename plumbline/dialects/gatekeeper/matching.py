"""`spec.match` of a constraint: which objects it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from plumbline.dialects.admission.matching import UndecidedError
from plumbline.dialects.admission.reviews import Review
from plumbline.policies import PolicyError
from plumbline.selectors import selects

_SCOPES: Final = ("*", "Cluster", "Namespaced")
_SOURCES: Final = ("All", "Generated", "Original")


@dataclass(frozen=True, slots=True)
class ConstraintMatch:
    """What is empty or None narrows nothing. Names may begin or end with `*`."""

    kinds: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    scope: str = "*"
    namespaces: tuple[str, ...] = ()
    excluded_namespaces: tuple[str, ...] = ()
    label_selector: Mapping[str, Any] | None = None
    namespace_selector: Mapping[str, Any] | None = None
    name: str = ""
    source: str = "All"

    def matches(self, review: Review) -> bool:
        """Raises UndecidedError when it hangs on labels of a namespace that is not in the set, and SelectorError."""
        return (
            self.source != "Generated"
            and self._matches_kind(review)
            and self._matches_scope(review)
            and self._matches_names(review)
            and (self.label_selector is None or selects(self.label_selector, review.labels))
            and self._matches_namespace_labels(review)
        )

    def _matches_kind(self, review: Review) -> bool:
        return not self.kinds or any(
            _has(groups, review.group) and _has(kinds, review.kind) for groups, kinds in self.kinds
        )

    def _matches_scope(self, review: Review) -> bool:
        if self.scope == "Cluster":
            return review.is_namespace or not review.namespace
        return self.scope != "Namespaced" or (bool(review.namespace) and not review.is_namespace)

    def _matches_names(self, review: Review) -> bool:
        namespace = review.name if review.is_namespace else review.namespace
        if namespace:
            if self.namespaces and not any(globs(pattern, namespace) for pattern in self.namespaces):
                return False
            if any(globs(pattern, namespace) for pattern in self.excluded_namespaces):
                return False
        return not self.name or globs(self.name, review.name)

    def _matches_namespace_labels(self, review: Review) -> bool:
        selector = self.namespace_selector
        if selector is None:
            return True
        if review.is_namespace:
            return selects(selector, review.labels)
        if not review.namespace:
            return True
        if review.namespace_object is None and selector:
            raise UndecidedError(
                f"the constraint asks for labels of the namespace {review.namespace}, and the Namespace is not among "
                "the objects that were judged together"
            )
        return selects(selector, review.namespace_labels)


def parse_match(spec: Mapping[str, Any] | None) -> ConstraintMatch:
    """From `spec.match`, whose schema has been checked. Raises PolicyError for words that mean nothing."""
    spec = spec or {}
    scope, source = spec.get("scope") or "*", spec.get("source") or "All"
    if scope not in _SCOPES:
        raise PolicyError(f"must be one of {', '.join(_SCOPES)}", field="spec.match.scope")
    if source not in _SOURCES:
        raise PolicyError(f"must be one of {', '.join(_SOURCES)}", field="spec.match.source")
    return ConstraintMatch(
        kinds=tuple(
            (tuple(item.get("apiGroups") or ("*",)), tuple(item.get("kinds") or ("*",)))
            for item in spec.get("kinds") or ()
        ),
        scope=scope,
        namespaces=tuple(spec.get("namespaces") or ()),
        excluded_namespaces=tuple(spec.get("excludedNamespaces") or ()),
        label_selector=spec.get("labelSelector"),
        namespace_selector=spec.get("namespaceSelector"),
        name=spec.get("name") or "",
        source=source,
    )


def globs(pattern: str, name: str) -> bool:
    """Whether a name is meant by a pattern that may begin and end with `*`."""
    inner = pattern.removeprefix("*").removesuffix("*")
    if pattern.startswith("*") and pattern.endswith("*"):
        return inner in name
    if pattern.startswith("*"):
        return name.endswith(inner)
    if pattern.endswith("*"):
        return name.startswith(inner)
    return pattern == name


def _has(values: Sequence[str], value: str) -> bool:
    return "*" in values or value in values
