"""Parts of objects of which nobody knows whether they have the right type."""

from __future__ import annotations

from typing import Any

Fields = dict[str, Any]


def fields_of(value: Fields, name: str) -> Fields:
    """The map at `name`; an empty one when there is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def items_of(value: Fields, name: str) -> list[Fields]:
    """The maps in the list at `name`; none when there is no list."""
    found = value.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
