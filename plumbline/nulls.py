"""Nulls, which the API server drops from maps before it stores an object."""

from __future__ import annotations

from typing import Any


def without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    """The object without map entries that are null, as the API server stores it; the same object when there
    are none.
    """
    return _strip(value) if _has_null(value) else value


def _has_null(value: Any) -> bool:
    for item in value.values() if value.__class__ is dict else value:
        kind = item.__class__
        if item is None:
            if value.__class__ is dict:
                return True
        elif (kind is dict or kind is list) and item and _has_null(item):
            return True
    return False


def _strip(value: Any) -> Any:
    if value.__class__ is dict:
        return {key: _strip(item) for key, item in value.items() if item is not None}
    if value.__class__ is list:
        return [_strip(item) for item in value]
    return value
