"""Defaults that a CustomResourceDefinition gives to its objects."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from plumbline import paths

MAX_DEPTH = 64


def versions_of(definitions: Iterable[Mapping[str, Any]], group: str, kind: str) -> dict[str, Any]:
    """The served versions of a kind with their schemas, by the definitions given; {} when none of them is about it."""
    found: dict[str, Any] = {}
    for definition in definitions:
        spec = definition.get("spec")
        if paths.lookup(spec, ("group",)) == group and paths.lookup(spec, ("names", "kind")) == kind:
            versions = paths.lookup(spec, ("versions",))
            for item in versions if isinstance(versions, list) else ():
                if isinstance(item, dict) and isinstance(item.get("name"), str) and item.get("served") is not False:
                    found.setdefault(item["name"], paths.lookup(item, ("schema", "openAPIV3Schema")))
    return found


def filled(value: Any, schema: Any, depth: int = 0) -> Any:
    """A copy of the value in which what is absent has the schema's default."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return value
    if isinstance(value, list):
        return [filled(item, schema.get("items"), depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties")
    known: dict[str, Any] = properties if isinstance(properties, dict) else {}
    others = schema.get("additionalProperties")
    made = {name: filled(item, known.get(name, others), depth + 1) for name, item in value.items()}
    for name, item in known.items():
        if name not in made and isinstance(item, dict) and "default" in item:
            made[name] = filled(copy.deepcopy(item["default"]), item, depth + 1)
    return made
