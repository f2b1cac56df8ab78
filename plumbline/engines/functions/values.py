"""Values as the engine hands them over and takes them back."""

from __future__ import annotations

import datetime
from typing import Any

from plumbline.engines.references import FunctionError

_PLAIN = {bool, int, float, str, bytearray, type(None), datetime.timedelta, datetime.datetime}
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


def returned(value: Any) -> Any:
    """`value` as the engine takes it, wherever its type is not known beforehand."""
    if isinstance(value, datetime.timedelta):
        return Duration(value)
    if isinstance(value, datetime.datetime):
        return Timestamp(value)
    if value.__class__ is list:
        return [returned(item) for item in value]
    if value.__class__ is dict:
        return {name: returned(item) for name, item in value.items()}
    if value.__class__ not in _PLAIN:
        raise FunctionError("no such overload: a type is among the elements")
    return value


def equal(one: Any, other: Any) -> bool:
    """CEL's equality: true is not 1, but 1.0 is."""
    if one.__class__ is bool or other.__class__ is bool:
        return one is other
    if one.__class__ is list and other.__class__ is list:
        return len(one) == len(other) and all(map(equal, one, other))
    if one.__class__ is dict and other.__class__ is dict:
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if one.__class__ not in _PLAIN or other.__class__ not in _PLAIN:
        return one.__class__ is other.__class__ and str(one) == str(other)
    return bool(one == other)


def key(value: Any) -> Any:
    """Something hashable that is equal for two values if and only if they are equal to CEL."""
    if value.__class__ is bool:
        return (bool, value)
    if value.__class__ is list:
        return (list, tuple(key(item) for item in value))
    if value.__class__ is dict:
        return (dict, frozenset((key(name), key(item)) for name, item in value.items()))
    if value.__class__ is bytearray:
        return (bytes, bytes(value))
    return value if value.__class__ in _PLAIN else (type, str(value))
