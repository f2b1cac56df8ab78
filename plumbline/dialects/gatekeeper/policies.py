"""Templates and constraints read into policies: one for each constraint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from plumbline.dialects.admission.policies import compile_conditions, compile_validations
from plumbline.dialects.admission.programs import Composition
from plumbline.dialects.documents import Loaded, Surroundings, check_schema, first_line, foreign_policy, policy_id
from plumbline.dialects.gatekeeper.judges import CelJudge, RegoJudge
from plumbline.dialects.gatekeeper.matching import ConstraintMatch, parse_match
from plumbline.dialects.gatekeeper.templates import RULE, Template, parse_template
from plumbline.dialects.gatekeeper.variables import Stages
from plumbline.engines.expressions import names_params
from plumbline.engines.rego.choosing import rego_engine
from plumbline.engines.rego.errors import EngineError, RegoError
from plumbline.engines.rego.linking import Linked, uses_inventory
from plumbline.judges import Judge
from plumbline.policies import Policy, PolicyError
from plumbline.resources import Resource
from plumbline.results import Severity

TEMPLATES: Final = "templates.gatekeeper.sh"
CONSTRAINTS: Final = "constraints.gatekeeper.sh"
_UNSUPPORTED: Final[Mapping[str, str]] = {
    "mutations.gatekeeper.sh": "it changes objects instead of judging them",
    "expansion.gatekeeper.sh": "workloads are not expanded into the objects that they create",
    "externaldata.gatekeeper.sh": "external data providers are not asked here",
}
# These choose what Gatekeeper keeps in its cache; here `data.inventory` is all that is judged together.
_HARMLESS: Final = frozenset(("config.gatekeeper.sh", "syncset.gatekeeper.sh", "test.gatekeeper.sh"))
_SEVERITIES: Final[Mapping[str, Severity]] = {"deny": "high", "warn": "medium", "dryrun": "low"}
_RESERVED: Final = "gatekeeper_internal_"
_ANY_OBJECT: Final = "object != null ? dyn(object) : dyn(oldObject)"


def is_read(document: Resource) -> bool:
    """Whether the document is Gatekeeper's."""
    return document.group in (TEMPLATES, CONSTRAINTS) or document.group in _UNSUPPORTED or document.group in _HARMLESS


def read_policies(documents: Sequence[Resource], surroundings: Surroundings) -> Loaded:
    """A policy for each constraint. A template that no constraint uses asks for nothing, as in a cluster, but is read:
    what is wrong with it is among the problems.
    """
    loaded = Loaded()
    templates = _read_templates([item for item in documents if item.group == TEMPLATES], loaded)
    for document in documents:
        if document.group == CONSTRAINTS:
            try:
                loaded.policies.append(_policy(document, templates, surroundings))
            except PolicyError as error:
                loaded.refuse(document, error)
        elif document.group in _UNSUPPORTED:
            loaded.refuse(document, f"is not supported: {_UNSUPPORTED[document.group]}")
        elif document.group == "config.gatekeeper.sh" and (document.object.get("spec") or {}).get("match"):
            loaded.refuse(document, "spec.match is not supported: exclude namespaces in each constraint")
    return loaded


def _read_templates(documents: Sequence[Resource], loaded: Loaded) -> dict[str, Template | None]:
    """Templates by kind; None for those that cannot be used."""
    templates: dict[str, Template | None] = {}
    for document in documents:
        names = document.object.get("spec")
        for step in ("crd", "spec", "names", "kind"):
            names = names.get(step) if isinstance(names, dict) else None
        try:
            if names in templates:
                raise PolicyError(f"another template defines the kind {names} too")
            template = parse_template(document)
            templates[template.kind] = template
        except PolicyError as error:
            loaded.refuse(document, error)
            if isinstance(names, str):
                templates.setdefault(names, None)
    return templates


def _policy(document: Resource, templates: Mapping[str, Template | None], surroundings: Surroundings) -> Policy:
    check_schema(document, "gatekeeper-constraint")
    if document.kind not in templates:
        raise PolicyError(f"there is no ConstraintTemplate for the kind {document.kind}")
    template = templates[document.kind]
    if template is None:
        raise PolicyError(f"the ConstraintTemplate for the kind {document.kind} cannot be used")
    spec: Mapping[str, Any] = document.object.get("spec") or {}
    match = parse_match(spec.get("match"))
    parameters = template.parameters.complete(spec.get("parameters"))
    if template.cel is not None:
        judge: Judge = _cel_judge(document, template.cel, match, parameters, surroundings)
    else:
        assert template.rego is not None
        judge = _rego_judge(template.rego, match, parameters, surroundings)
    title = first_line([template.title]) or template.kind
    policy = foreign_policy(
        document,
        judge,
        severity=_severity(spec),
        title=f"{title} ({document.name})",
        why=first_line([template.description]),
    )
    return replace(policy, id=policy_id(f"{document.kind}-{document.name}"))


def _severity(spec: Mapping[str, Any]) -> Severity:
    """That of the sternest action."""
    actions = [spec.get("enforcementAction") or "deny"]
    if actions == ["scoped"]:
        scoped = spec.get("scopedEnforcementActions")
        if not scoped:
            raise PolicyError("must say what `scoped` means", field="spec.scopedEnforcementActions")
        actions = [item["action"] for item in scoped]
    return next(severity for action, severity in _SEVERITIES.items() if action in actions)


def _rego_judge(linked: Linked, match: ConstraintMatch, parameters: Any, surroundings: Surroundings) -> RegoJudge:
    try:
        engine = rego_engine()
        query = engine.compile(linked, RULE, parameters)
    except RegoError as error:
        said = str(error).removeprefix(f"{error.module}: ")
        raise PolicyError(said, field=f"spec.targets[0].{error.module or 'rego'} of the template") from error
    except EngineError as error:
        raise PolicyError(f"cannot be evaluated: {error}") from error
    inventory = surroundings.inventory
    return RegoJudge(query, engine.name, match, inventory, uses_inventory=uses_inventory(linked))


def _cel_judge(
    document: Resource, source: Mapping[str, Any], match: ConstraintMatch, parameters: Any, surroundings: Surroundings
) -> CelJudge:
    """As Gatekeeper does, expressions find the parameters in `variables.params` and not in `params`."""
    variables = source.get("variables") or ()
    conditions = source.get("matchCondition") or source.get("matchConditions") or ()
    for index, item in enumerate(variables):
        if item["name"] in ("params", "anyObject") or item["name"].startswith(_RESERVED):
            raise PolicyError(f"the name {item['name']} is reserved", field=f"spec.variables[{index}]")
    for item in (*variables, *conditions, *(source.get("validations") or ())):
        for key in ("expression", "messageExpression"):
            if names_params(item.get(key) or ""):
                raise PolicyError(f"params is not known in `{item[key]:.80}`: use variables.params")
    composition = Composition(document.name, has_params=True)
    given = [{"name": "params", "expression": "params"}, {"name": "anyObject", "expression": _ANY_OBJECT}]
    composition.define([*given, *variables], "spec.variables")
    validations = compile_validations(composition, source["validations"])
    return CelJudge(
        match=match,
        surroundings=surroundings.inventory,
        composition=composition,
        conditions=compile_conditions(composition, conditions),
        validations=validations,
        stages=Stages(variables, validations, source["validations"]),
        parameters=parameters,
    )
