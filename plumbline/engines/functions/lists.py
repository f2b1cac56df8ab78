"""Functions of lists: Kubernetes' own, and those of CEL that need a bound on what they make."""

from __future__ import annotations

import datetime
from functools import reduce
from typing import Any

from plumbline.engines.functions.values import equal, key, returned
from plumbline.engines.references import FunctionError
from plumbline.engines.signatures import declare

_COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_SUMMABLE = ("int", "uint", "double", "duration")
_ORDERED = {bool, int, float, str, bytearray, datetime.timedelta, datetime.datetime}
_MAX_INT, _MAX_UINT = 2**63 - 1, 2**64 - 1

MAX_ITEMS = 10_000
"""As many as the engine iterates over."""


def _comparable(values: list[Any]) -> list[Any]:
    if any(value.__class__ not in _ORDERED for value in values):
        raise FunctionError("no such overload: the elements cannot be compared")
    return values


def _greater(one: Any, other: Any) -> bool:
    """Whether `one` is; false of values of different types, as for the API server."""
    same = one.__class__ is other.__class__ or {one.__class__, other.__class__} == {int, float}
    return bool(same and one > other)


def is_sorted(values: list[Any]) -> bool:
    _comparable(values)
    return not any(_greater(values[at - 1], values[at]) for at in range(1, len(values)))


def smallest(values: list[Any]) -> Any:
    return returned(reduce(lambda best, value: value if _greater(best, value) else best, _some(values)))


def largest(values: list[Any]) -> Any:
    return returned(reduce(lambda best, value: value if _greater(value, best) else best, _some(values)))


def _some(values: list[Any]) -> list[Any]:
    if not values:
        raise FunctionError("called on empty list")
    return _comparable(values)


def total(values: list[Any]) -> Any:
    """Of one type of number, or of durations; 0 of an empty list."""
    classes = {value.__class__ for value in values}
    if len(classes) > 1 or not classes <= {int, float, datetime.timedelta}:
        raise FunctionError("no such overload: the elements cannot be added up")
    if not values:
        return 0
    result = sum(values[1:], values[0])
    if result.__class__ is int:
        limit = _MAX_UINT if max(values) > _MAX_INT else _MAX_INT
        if not -_MAX_INT - 1 <= result <= limit:
            raise FunctionError("integer overflow")
    return returned(result)


def index(values: list[Any], item: Any) -> int:
    """Of the first element that equals `item`, or -1."""
    return next((at for at, value in enumerate(values) if equal(value, item)), -1)


def last_index(values: list[Any], item: Any) -> int:
    """Of the last element that equals `item`, or -1."""
    return next((at for at in range(len(values) - 1, -1, -1) if equal(values[at], item)), -1)


def distinct(values: list[Any]) -> list[Any]:
    """Without those that equal an earlier one."""
    found: dict[Any, Any] = {}
    for value in _limited(values):
        found.setdefault(key(value), value)
    return [returned(value) for value in found.values()]


def flattened(values: list[Any], depth: int = 1) -> list[Any]:
    """With the elements of the lists in it, down to `depth` levels."""
    if depth < 0:
        raise FunctionError("level must be non-negative")
    return [returned(value) for value in _flat(values, depth, [])]


def _flat(values: list[Any], depth: int, result: list[Any]) -> list[Any]:
    for value in values:
        if value.__class__ is list and depth:
            _flat(value, depth - 1, result)
        else:
            result.append(value)
        _limited(result)
    return result


def _limited(values: list[Any]) -> list[Any]:
    if len(values) > MAX_ITEMS:
        raise FunctionError(f"the list has more than {MAX_ITEMS} elements")
    return values


def numbers(count: int) -> list[int]:
    """From 0, `count` of them."""
    if count > MAX_ITEMS:
        raise FunctionError(f"the list would have more than {MAX_ITEMS} elements")
    return list(range(count))


def contains(values: list[Any], others: list[Any]) -> bool:
    """Whether all of `others` are among `values`."""
    return {key(value) for value in values} >= {key(other) for other in others}


def intersects(values: list[Any], others: list[Any]) -> bool:
    return not {key(value) for value in values}.isdisjoint(key(other) for other in others)


def equivalent(values: list[Any], others: list[Any]) -> bool:
    """Whether the same values are in both, however often."""
    return {key(value) for value in values} == {key(other) for other in others}


FUNCTIONS = (
    *declare(is_sorted, *(f"<list<{kind}>>.isSorted() -> bool" for kind in _COMPARABLE)),
    *declare(smallest, *(f"<list<{kind}>>.min() -> {kind}" for kind in _COMPARABLE)),
    *declare(largest, *(f"<list<{kind}>>.max() -> {kind}" for kind in _COMPARABLE)),
    *declare(total, *(f"<list<{kind}>>.sum() -> {kind}" for kind in _SUMMABLE)),
)
REPLACED = (
    *declare(index, "<list<A>>.indexOf(A) -> int"),
    *declare(last_index, "<list<A>>.lastIndexOf(A) -> int"),
    *declare(distinct, "<list<A>>.distinct() -> list<A>"),
    *declare(flattened, "<list<A>>.flatten() -> list<dyn>", "<list<A>>.flatten(int) -> list<dyn>"),
    *declare(numbers, "lists.range(int) -> list<int>"),
    *declare(contains, "sets.contains(list<A>, list<A>) -> bool"),
    *declare(intersects, "sets.intersects(list<A>, list<A>) -> bool"),
    *declare(equivalent, "sets.equivalent(list<A>, list<A>) -> bool"),
)
"""What the engine has, with results of any size or otherwise than the API server."""
