"""What `transformMap` and `transformMapEntry` are made of: the engine has the macros, not the function below them."""

from __future__ import annotations

from typing import Any

from plumbline.engines.references import FunctionError
from plumbline.engines.signatures import declare


def insert(entries: dict[Any, Any], key: Any, value: Any) -> dict[Any, Any]:
    return merge(entries, {key: value})


def merge(entries: dict[Any, Any], others: dict[Any, Any]) -> dict[Any, Any]:
    for key in others:
        if key in entries:
            raise FunctionError(f"insert failed: key {key!r} already exists")
    return {**entries, **others}


FUNCTIONS = (
    *declare(insert, "cel.@mapInsert(map<A, B>, A, B) -> map<A, B>"),
    *declare(merge, "cel.@mapInsert(map<A, B>, map<A, B>) -> map<A, B>"),
)
