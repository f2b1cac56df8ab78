"""Kubernetes' list functions: `isSorted`, `sum`, `min`, `max`, `indexOf`, `lastIndexOf`."""

from __future__ import annotations

import datetime
from functools import reduce
from typing import Any

from plumbline.engines.references import FunctionError
from plumbline.engines.signatures import declare

_COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_SUMMABLE = ("int", "uint", "double", "duration")
_MAX_INT, _MAX_UINT = 2**63 - 1, 2**64 - 1
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Duration:
    """A duration, in the only form in which the binding takes one as a value of any type."""

    DESCRIPTOR = type("Descriptor", (), {"full_name": "google.protobuf.Duration"})

    def __init__(self, value: datetime.timedelta) -> None:
        self.seconds = value.days * 86_400 + value.seconds
        self.nanos = value.microseconds * 1000


class Timestamp:
    """A moment, in the only form in which the binding takes one as a value of any type."""

    DESCRIPTOR = type("Descriptor", (), {"full_name": "google.protobuf.Timestamp"})

    def __init__(self, value: datetime.datetime) -> None:
        since = value - _EPOCH if value.tzinfo else value.replace(tzinfo=datetime.UTC) - _EPOCH
        self.seconds = since.days * 86_400 + since.seconds
        self.nanos = since.microseconds * 1000


def _engine_value(value: Any) -> Any:
    if isinstance(value, datetime.timedelta):
        return Duration(value)
    return Timestamp(value) if isinstance(value, datetime.datetime) else value


def _comparable(values: list[Any]) -> list[Any]:
    if any(value.__class__ in (list, dict, type(None)) for value in values):
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
    return _engine_value(reduce(lambda best, value: value if _greater(best, value) else best, _some(values)))


def largest(values: list[Any]) -> Any:
    return _engine_value(reduce(lambda best, value: value if _greater(value, best) else best, _some(values)))


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
    return _engine_value(result)


def index(values: list[Any], item: Any) -> int:
    """Of the first element that equals `item`, or -1."""
    return next((at for at, value in enumerate(values) if _equal(value, item)), -1)


def last_index(values: list[Any], item: Any) -> int:
    """Of the last element that equals `item`, or -1."""
    return next((at for at in range(len(values) - 1, -1, -1) if _equal(values[at], item)), -1)


def _equal(one: Any, other: Any) -> bool:
    """CEL's equality: true is not 1."""
    if one.__class__ is bool or other.__class__ is bool:
        return one is other
    if one.__class__ is list and other.__class__ is list:
        return len(one) == len(other) and all(map(_equal, one, other))
    if one.__class__ is dict and other.__class__ is dict:
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    return bool(one == other)


FUNCTIONS = (
    *declare(is_sorted, *(f"<list<{kind}>>.isSorted() -> bool" for kind in _COMPARABLE)),
    *declare(smallest, *(f"<list<{kind}>>.min() -> {kind}" for kind in _COMPARABLE)),
    *declare(largest, *(f"<list<{kind}>>.max() -> {kind}" for kind in _COMPARABLE)),
    *declare(total, *(f"<list<{kind}>>.sum() -> {kind}" for kind in _SUMMABLE)),
    *declare(index, "<list<A>>.indexOf(A) -> int"),
    *declare(last_index, "<list<A>>.lastIndexOf(A) -> int"),
)
