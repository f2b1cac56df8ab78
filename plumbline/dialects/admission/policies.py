"""ValidatingAdmissionPolicy and its bindings, read into policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from plumbline.dialects.admission.judges import AdmissionJudge, Binding
from plumbline.dialects.admission.matching import parse_match
from plumbline.dialects.admission.parameters import ParamKind, parse_reference
from plumbline.dialects.admission.programs import Composition, Validation
from plumbline.dialects.documents import Loaded, Surroundings, check_schema, first_line, foreign_policy, rule_name
from plumbline.engines.cel import Program
from plumbline.policies import Policy, PolicyError
from plumbline.resources import Resource
from plumbline.results import Severity

GROUP: Final = "admissionregistration.k8s.io"
KINDS: Final = frozenset(((GROUP, "ValidatingAdmissionPolicy"), (GROUP, "ValidatingAdmissionPolicyBinding")))
UNSUPPORTED: Final[Mapping[tuple[str, str], str]] = {
    (GROUP, "MutatingAdmissionPolicy"): "it changes objects instead of judging them",
    (GROUP, "MutatingAdmissionPolicyBinding"): "it binds a policy that changes objects instead of judging them",
}
_EVERYWHERE: Final = Binding("(none)", parse_match(None))


def read_policies(documents: Sequence[Resource], surroundings: Surroundings) -> Loaded:
    """A policy for each ValidatingAdmissionPolicy. One that no binding names is judged as if bound everywhere: the API
    server would not enforce it yet.
    """
    loaded = Loaded()
    bindings: dict[str, list[Resource]] = {}
    policies = [document for document in documents if document.kind == "ValidatingAdmissionPolicy"]
    for document in documents:
        if document.kind != "ValidatingAdmissionPolicy":
            try:
                check_schema(document, "validating-admission-policy-binding")
            except PolicyError as error:
                loaded.refuse(document, error)
                continue
            bindings.setdefault(document.object["spec"]["policyName"], []).append(document)
    for document in policies:
        try:
            loaded.policies.append(_policy(document, bindings.pop(document.name, []), surroundings))
        except PolicyError as error:
            bindings.pop(document.name, None)
            loaded.refuse(document, error)
    for name, unused in bindings.items():
        for document in unused:
            loaded.refuse(document, f"there is no ValidatingAdmissionPolicy {name} to bind")
    return loaded


def _policy(document: Resource, bindings: Sequence[Resource], surroundings: Surroundings) -> Policy:
    check_schema(document, "validating-admission-policy")
    spec: Mapping[str, Any] = document.object["spec"]
    kind = _param_kind(spec.get("paramKind"))
    if kind is not None and not bindings:
        raise PolicyError(
            "takes parameters, and no ValidatingAdmissionPolicyBinding says which: add the binding and its objects",
            field="spec.paramKind",
        )
    composition = Composition(document.name, has_params=kind is not None)
    # Conditions come before variables and do not see them.
    conditions = compile_conditions(composition, spec.get("matchConditions") or ())
    composition.define(spec.get("variables") or (), "spec.variables")
    validations = compile_validations(composition, spec.get("validations") or ())
    judge = AdmissionJudge(
        composition=composition,
        match=parse_match(spec["matchConstraints"]),
        bindings=[_binding(item) for item in bindings] or [_EVERYWHERE],
        conditions=conditions,
        validations=validations,
        annotations=compile_annotations(composition, spec.get("auditAnnotations") or ()),
        param_kind=kind,
        surroundings=surroundings.inventory,
    )
    title = first_line([validation.message for validation in validations])
    return foreign_policy(document, judge, severity=_severity(bindings), guidance=title)


def compile_conditions(
    composition: Composition, conditions: Sequence[Mapping[str, Any]]
) -> list[tuple[str, Program]]:
    """Match conditions by name. Raises PolicyError."""
    compiled = []
    for index, item in enumerate(conditions):
        where = f"spec.matchConditions[{index}].expression"
        compiled.append((item["name"], composition.compile(item["expression"], where, yields=["bool"])))
    return compiled


def compile_validations(composition: Composition, validations: Sequence[Mapping[str, Any]]) -> list[Validation]:
    """Validations, numbered from 1 as rules. Raises PolicyError."""
    compiled = []
    for index, item in enumerate(validations):
        where = f"spec.validations[{index}]"
        text = item.get("messageExpression")
        compiled.append(
            Validation(
                rule=f"validation-{index + 1}",
                source=item["expression"],
                program=composition.compile(item["expression"], f"{where}.expression", yields=["bool"]),
                message=item.get("message") or None,
                message_program=composition.compile(text, f"{where}.messageExpression", yields=["string"])
                if text
                else None,
                reason=item.get("reason") or "Invalid",
            )
        )
    return compiled


def compile_annotations(
    composition: Composition, annotations: Sequence[Mapping[str, Any]]
) -> list[tuple[str, Program]]:
    """Audit annotations by key. Raises PolicyError."""
    return [
        (
            rule_name(item["key"]),
            composition.compile(
                item["valueExpression"], f"spec.auditAnnotations[{index}].valueExpression", yields=["string", "null"]
            ),
        )
        for index, item in enumerate(annotations)
    ]


def _param_kind(spec: Mapping[str, Any] | None) -> ParamKind | None:
    if not spec:
        return None
    group, _, version = spec["apiVersion"].rpartition("/")
    return ParamKind(group, version, spec["kind"])


def _binding(document: Resource) -> Binding:
    spec = document.object["spec"]
    return Binding(document.name, parse_match(spec.get("matchResources")), parse_reference(spec.get("paramRef")))


def _severity(bindings: Sequence[Resource]) -> Severity:
    """What would be denied is high, what would be warned of medium, what would be audited only low."""
    actions = {action for item in bindings for action in item.object["spec"].get("validationActions") or ()}
    if "Deny" in actions or not bindings:
        return "high"
    return "medium" if "Warn" in actions else "low"
