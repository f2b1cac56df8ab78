"""Label selectors as the API server reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FIELDS = frozenset(("matchLabels", "matchExpressions"))
_PLAIN_KINDS = frozenset((("", "Service"), ("", "ReplicationController")))


class SelectorError(ValueError):
    """A selector that the API server would refuse."""


def is_plain(group: str, kind: str) -> bool:
    """Whether objects of this kind select by a plain map of labels, in which none selects nothing."""
    return (group, kind) in _PLAIN_KINDS


def selects(selector: Any, labels: Mapping[str, Any], *, plain: bool = False) -> bool:
    """Whether `selector` selects what has these labels: a LabelSelector (empty selects all) or, with `plain` or when it
    has other fields, a map of labels (empty selects nothing). None selects nothing. Raises SelectorError.
    """
    if selector is None:
        return False
    if not isinstance(selector, dict):
        raise SelectorError("a selector must be an object")
    if plain or selector.keys() - _FIELDS:
        return bool(selector) and _has(selector, labels)
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    if not isinstance(wanted, dict) or not isinstance(expressions, list):
        raise SelectorError("matchLabels must be an object and matchExpressions a list")
    return _has(wanted, labels) and all(_meets(expression, labels) for expression in expressions)


def _has(wanted: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    return all(key in labels and labels[key] == value for key, value in wanted.items())


def _meets(expression: Any, labels: Mapping[str, Any]) -> bool:
    if not isinstance(expression, dict) or not isinstance(expression.get("key"), str):
        raise SelectorError("an entry of matchExpressions must have a key")
    key, operator, values = expression["key"], expression.get("operator"), expression.get("values") or []
    if not isinstance(values, list):
        raise SelectorError(f"the values for {key} must be a list")
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    raise SelectorError(f"the operator for {key} must be In, NotIn, Exists or DoesNotExist, not {operator!r:.40}")
