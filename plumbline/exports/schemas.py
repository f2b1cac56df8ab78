"""JSON schemas as the structural OpenAPI schemas that CustomResourceDefinitions take."""

from __future__ import annotations

from typing import Any

_KEPT = (
    "type",
    "description",
    "enum",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "default",
)


def structural(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without what a CustomResourceDefinition may not hold; what is left accepts all that it accepted."""
    kept: dict[str, Any] = {name: schema[name] for name in _KEPT if name in schema}
    if isinstance(kept.get("type"), list):
        kinds = [kind for kind in kept.pop("type") if kind != "null"]
        if set(kinds) == {"integer", "string"}:
            kept["x-kubernetes-int-or-string"] = True
        elif len(kinds) == 1:
            kept["type"] = kinds[0]
            kept["nullable"] = True
        else:
            kept["x-kubernetes-preserve-unknown-fields"] = True
    if "properties" in schema:
        kept["properties"] = {name: structural(item) for name, item in schema["properties"].items()}
    elif isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = structural(schema["additionalProperties"])
    elif kept.get("type") == "object":
        kept["x-kubernetes-preserve-unknown-fields"] = True
    if isinstance(schema.get("items"), dict):
        kept["items"] = structural(schema["items"])
    elif kept.get("type") == "array":
        kept["items"] = {"x-kubernetes-preserve-unknown-fields": True}
    if not kept.keys() - {"description", "enum"}:
        kept["x-kubernetes-preserve-unknown-fields"] = True
    return kept
