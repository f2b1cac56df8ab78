"""Documents of pac.weave.works read into policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from plumbline.dialects.documents import Loaded, Surroundings, check_schema, first_line, foreign_policy
from plumbline.dialects.weave.judges import RULE, Targets, WeaveJudge
from plumbline.engines.rego.choosing import rego_engine
from plumbline.engines.rego.errors import EngineError, RegoError
from plumbline.engines.rego.linking import Linked, Module, link
from plumbline.engines.rego.safety import foreign_data
from plumbline.policies import Policy, PolicyError
from plumbline.resources import Resource

GROUP: Final = "pac.weave.works"
_UNSUPPORTED: Final[Mapping[str, str]] = {
    "PolicyConfig": "give the parameters with --params",
    "PolicySet": "choose policies with --policy",
}
_TYPES: Final[Mapping[str, str]] = {
    "array": "array",
    "boolean": "boolean",
    "float": "number",
    "integer": "integer",
    "number": "number",
    "object": "object",
    "string": "string",
}


def is_read(document: Resource) -> bool:
    """Whether the document is of Weave's policy agent."""
    return document.group == GROUP


def read_policies(documents: Sequence[Resource], surroundings: Surroundings) -> Loaded:
    """A policy for each Policy. `enabled` is a note for other readers, which Weave's own agent does not heed either."""
    loaded = Loaded()
    for document in documents:
        if document.kind in _UNSUPPORTED:
            loaded.refuse(document, f"is not supported: {_UNSUPPORTED[document.kind]}")
        elif document.kind == "Policy":
            try:
                loaded.policies.append(_policy(document))
            except PolicyError as error:
                loaded.refuse(document, error)
    return loaded


def _policy(document: Resource) -> Policy:
    check_schema(document, "weave-policy")
    spec: Mapping[str, Any] = document.object["spec"]
    if spec.get("provider") not in (None, "kubernetes"):
        raise PolicyError(f"is not supported: it judges {spec['provider']}", field="spec.provider")
    parameters: Sequence[Mapping[str, Any]] = spec.get("parameters") or ()
    defaults = {item["name"]: item.get("value") for item in parameters}
    judge = _judge(spec, defaults)
    return foreign_policy(
        document,
        judge,
        severity=spec["severity"],
        title=first_line([spec["name"]]),
        why=first_line([spec.get("description")]),
        guidance=(spec.get("how_to_solve") or "").strip() or None,
        parameters_schema=_schema(parameters) if parameters else None,
        parameter_defaults=defaults,
    )


def _judge(spec: Mapping[str, Any], parameters: dict[str, Any]) -> WeaveJudge:
    try:
        linked = link([Module("code", spec["code"])])
        _check(linked)
        return WeaveJudge(rego_engine(), linked, _targets(spec), parameters)
    except RegoError as error:
        raise PolicyError(str(error).removeprefix("code: "), field="spec.code") from error
    except EngineError as error:
        raise PolicyError(f"cannot be evaluated: {error}") from error


def _check(linked: Linked) -> None:
    if not any(rule.name == RULE for rule in linked.trees[0].rules):
        raise RegoError(f"has no rule {RULE}", module="code")
    foreign_data(linked, ("inventory",))


def _targets(spec: Mapping[str, Any]) -> Targets:
    targets, excluded = spec.get("targets") or {}, spec.get("exclude") or {}
    return Targets(
        kinds=tuple(targets.get("kinds") or ()),
        namespaces=tuple(targets.get("namespaces") or ()),
        labels=tuple(targets.get("labels") or ()),
        excluded_namespaces=tuple(excluded.get("namespaces") or ()),
        excluded_resources=tuple(excluded.get("resources") or ()),
        excluded_labels=tuple(excluded.get("labels") or ()),
    )


def _schema(parameters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What parameters may be given: by their types, or null."""
    properties = {}
    for item in parameters:
        kind = _TYPES.get(item.get("type") or "")
        fits = {"type": [kind, "null"]} if kind else {}
        properties[item["name"]] = {**fits, "description": item.get("description") or item["name"]}
    return {"type": "object", "additionalProperties": False, "properties": properties}
