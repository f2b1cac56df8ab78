"""Scoped parameters from a file of `PolicyParameters` documents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from plumbline import paths
from plumbline.declarations import DeclarationError, check_schema, read_declarations, refuse_selectors, scope_match
from plumbline.manifests import LoadError
from plumbline.parameters.model import Entry
from plumbline.policies import Policy
from plumbline.resources import Resource
from plumbline.schemas import compiled, first_problem
from plumbline.scopes import ScopeMatch
from plumbline.spelling import nearest

KIND: Final = "PolicyParameters"
SCHEMA: Final = "policy-parameters-v1"
# What a schema says of each parameter by itself.
_SINGLE: Final = ("$schema", "$defs", "definitions", "type", "properties", "patternProperties", "additionalProperties")


def load_parameters(file: Path | str, policies: Mapping[str, Policy]) -> tuple[list[Entry], list[LoadError]]:
    """All entries in the order of the file, and what is wrong with others; `policies` are all that there are, by id."""
    declared = read_declarations([file], KIND)
    entries: list[Entry] = []
    for document in declared.documents:
        try:
            entries.extend(parse_parameters(document, policies))
        except DeclarationError as error:
            declared.refuse(document, error)
    return entries, declared.problems


def parse_parameters(document: Resource, policies: Mapping[str, Policy]) -> list[Entry]:
    """The entries of one document. Raises DeclarationError with the path of the field."""
    spec: Any = document.object.get("spec")
    items = spec.get("entries") if isinstance(spec, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else ()):
        where: paths.Path = ("spec", "entries", index, "match")
        refuse_selectors(item.get("match") if isinstance(item, dict) else None, where)
    check_schema(document, SCHEMA)
    return [_entry(item, ("spec", "entries", index), policies) for index, item in enumerate(spec["entries"])]


def _entry(item: dict[str, Any], where: paths.Path, policies: Mapping[str, Policy]) -> Entry:
    name = item["policy"]
    policy = policies.get(name)
    if policy is None:
        raise DeclarationError((*where, "policy"), f"there is no policy {name}{nearest(name, policies)}")
    match = scope_match(item.get("match", {}), (*where, "match"))
    _check_values(policy, item["values"], (*where, "values"))
    return Entry(name, match, item["values"])


def _check_values(policy: Policy, values: dict[str, Any], where: paths.Path) -> None:
    """Each value by itself: what it needs beside it may come from another entry."""
    schema = policy.parameters_schema
    if schema is None:
        raise DeclarationError(where, f"{policy.id} takes no parameters")
    properties = schema.get("properties", {})
    if properties and not schema.get("additionalProperties") and "patternProperties" not in schema:
        for name in values:
            if name not in properties:
                message = f"{policy.id} has no parameter {name}{nearest(name, properties)}"
                raise DeclarationError((*where, name), message)
    single: dict[str, Any] = {key: schema[key] for key in _SINGLE if key in schema}
    problem = first_problem(compiled(single), {**policy.parameter_defaults, **values})
    if problem is not None:
        raise DeclarationError((*where, *problem[0]), problem[1])


def everywhere(entries: list[Entry]) -> tuple[dict[str, dict[str, Any]], list[Entry]]:
    """Parameters that hold in the whole organization, by policy; and the other entries."""
    whole: dict[str, dict[str, Any]] = {}
    others: list[Entry] = []
    for entry in entries:
        if entry.match == ScopeMatch():
            whole.setdefault(entry.policy, {}).update(entry.values)
        else:
            others.append(entry)
    return whole, others
