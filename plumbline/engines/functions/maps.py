"""What `transformMap` and `transformMapEntry` are made of: the engine has the macros, not the function below them."""

from __future__ import annotations

from typing import Any

from plumbline.engines.functions.values import returned
from plumbline.engines.references import FunctionError
from plumbline.engines.signatures import declare

MAX_ENTRIES = 1000
"""Each entry copies those before it: the time for a map grows with the square of its size."""


def insert(entries: dict[Any, Any], key: Any, value: Any) -> dict[Any, Any]:
    return merge(entries, {key: value})


def merge(entries: dict[Any, Any], others: dict[Any, Any]) -> dict[Any, Any]:
    if len(entries) + len(others) > MAX_ENTRIES:
        raise FunctionError(f"the map would have more than {MAX_ENTRIES} entries")
    for key in others:
        if key in entries:
            raise FunctionError(f"insert failed: key {key!r} already exists")
    return {key: returned(value) for key, value in {**entries, **others}.items()}


FUNCTIONS = (
    *declare(insert, "cel.@mapInsert(map<A, B>, A, B) -> map<A, B>"),
    *declare(merge, "cel.@mapInsert(map<A, B>, map<A, B>) -> map<A, B>"),
)
