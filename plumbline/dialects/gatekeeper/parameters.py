"""Parameters of a constraint: checked by the template's schema, with its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from plumbline.nulls import without_nulls
from plumbline.policies import PolicyError
from plumbline.schemas import compiled, first_problem

_DRAFT: Final = "http://json-schema.org/draft-04/schema#"
_NESTED: Final = ("items", "additionalProperties", "not")
_LISTS: Final = ("allOf", "anyOf", "oneOf")
# Formats are remarks in a CRD's schema; the rest belongs to the API server or describes nothing.
_LEFT_OUT: Final = ("format", "default", "example", "description", "title", "externalDocs", "id")


class ParameterSchema:
    """`crd.spec.validation.openAPIV3Schema` of a template; None takes anything. Raises PolicyError for no schema."""

    def __init__(self, schema: Mapping[str, Any] | None) -> None:
        self._schema = schema
        self._validator: Any = None
        if schema:
            try:
                self._validator = compiled({"$schema": _DRAFT, **_plain(schema)})
            except Exception as error:  # of several kinds, for what is no schema
                message = f"is not a schema: {str(error).splitlines()[0][:200]}"
                raise PolicyError(message, field="spec.crd.spec.validation.openAPIV3Schema") from error

    def complete(self, parameters: Any) -> Any:
        """The parameters with defaults; {} for none. Raises PolicyError with the field that does not fit."""
        given = {} if parameters is None else parameters
        if isinstance(given, dict):
            given = without_nulls(given)
        filled = _with_defaults(given, self._schema or {})
        if self._validator is not None:
            problem = first_problem(self._validator, filled)
            if problem is not None and (parameters is not None or filled):
                path, message = problem
                raise PolicyError(message, field=".".join(("spec.parameters", *map(str, path))))
        return filled


def _plain(schema: Any) -> Any:
    """The schema without what only Kubernetes knows, `nullable` as JSON schema says it."""
    if not isinstance(schema, Mapping):
        return schema
    plain = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes") and key not in _LEFT_OUT}
    if "properties" in plain:
        plain["properties"] = {name: _plain(item) for name, item in (plain["properties"] or {}).items()}
    for key in _NESTED:
        if key in plain:
            plain[key] = _plain(plain[key])
    for key in _LISTS:
        if key in plain:
            plain[key] = [_plain(item) for item in plain[key] or ()]
    if schema.get("x-kubernetes-int-or-string"):
        plain["type"] = ["integer", "string"]
    if plain.pop("nullable", False) and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    return plain


def _with_defaults(value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        filled = dict(value)
        for name, item in properties.items():
            if isinstance(item, Mapping) and name not in filled and "default" in item:
                filled[name] = item["default"]
        others = schema.get("additionalProperties")
        for name, item in filled.items():
            inner = properties.get(name, others)
            filled[name] = _with_defaults(item, inner) if isinstance(inner, Mapping) else item
        return filled
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, Mapping):
        return [_with_defaults(item, items) for item in value]
    return value
