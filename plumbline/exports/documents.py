"""The documents of each engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from plumbline.exports.matching import kind_rules, resource_rules
from plumbline.exports.schemas import structural
from plumbline.exports.sources import literal
from plumbline.exports.translation import Translation, translate
from plumbline.policies import Policy

Documents = list[dict[str, Any]]
_ACTIONS: Final = {"audit": "Audit", "warn": "Warn", "enforce": "Deny"}
_GATEKEEPER_ACTIONS: Final = {"audit": "dryrun", "warn": "warn", "enforce": "deny"}


def export_policy(
    policy: Policy, form: str, params: dict[str, Any] | None = None, enforcement: str = "enforce"
) -> Documents:
    """The policy as documents of `form` (a key of FORMATS), with `params` over its defaults.

    Raises InexpressibleError, and PolicyError for parameters that do not fit.
    """
    return FORMATS[form](policy, policy.parameters(params), enforcement)


def _admission(policy: Policy, params: dict[str, Any], enforcement: str) -> Documents:
    name = _name(policy)
    return [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name, "annotations": _annotations(policy)},
            "spec": {"failurePolicy": "Fail", **_native(policy, params)},
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": [_ACTIONS[enforcement]]},
        },
    ]


def _kyverno(policy: Policy, params: dict[str, Any], enforcement: str) -> Documents:
    annotations = {
        **_annotations(policy),
        "policies.kyverno.io/title": policy.title,
        "policies.kyverno.io/severity": policy.severity,
        "policies.kyverno.io/description": " ".join(policy.why.split()),
    }
    return [
        {
            "apiVersion": "policies.kyverno.io/v1",
            "kind": "ValidatingPolicy",
            "metadata": {"name": _name(policy), "annotations": annotations},
            "spec": {
                "validationActions": [_ACTIONS[enforcement]],
                # The rules name the kinds that own pods themselves.
                "autogen": {"podControllers": {"controllers": []}},
                **_native(policy, params),
            },
        }
    ]


def _native(policy: Policy, params: dict[str, Any]) -> dict[str, Any]:
    """What the API server and Kyverno share: parameters stand in a variable."""
    translation = translate(policy, "variables.parameters")
    uses_params = any("variables.parameters" in text for text in _texts(translation))
    variables = [("parameters", literal(params)), *translation.variables] if uses_params else translation.variables
    spec: dict[str, Any] = {"matchConstraints": {"resourceRules": resource_rules(policy)}}
    if translation.conditions:
        spec["matchConditions"] = _named(translation.conditions)
    if variables:
        spec["variables"] = _named(variables)
    spec["validations"] = _validations(translation)
    return spec


def _gatekeeper(policy: Policy, params: dict[str, Any], enforcement: str) -> Documents:
    translation = translate(policy, "variables.params")
    kind = "Plumbline" + "".join(part.capitalize() for part in policy.id.split("-"))
    source: dict[str, Any] = {"failurePolicy": "Fail"}
    if translation.variables:
        source["variables"] = _named(translation.variables)
    source["validations"] = _validations(translation)
    template: dict[str, Any] = {"crd": {"spec": {"names": {"kind": kind}}}}
    if policy.parameters_schema is not None:
        schema = structural(policy.parameters_schema)
        template["crd"]["spec"]["validation"] = {"openAPIV3Schema": schema}
    template["targets"] = [
        {"target": "admission.k8s.gatekeeper.sh", "code": [{"engine": "K8sNativeValidation", "source": source}]}
    ]
    match: dict[str, Any] = {"kinds": kind_rules(policy)}
    if policy.match.excluded_namespaces:
        match["excludedNamespaces"] = list(policy.match.excluded_namespaces)
    constraint: dict[str, Any] = {"enforcementAction": _GATEKEEPER_ACTIONS[enforcement], "match": match}
    if policy.parameters_schema is not None:
        constraint["parameters"] = params
    return [
        {
            "apiVersion": "templates.gatekeeper.sh/v1",
            "kind": "ConstraintTemplate",
            "metadata": {"name": kind.lower(), "annotations": _annotations(policy)},
            "spec": template,
        },
        {
            "apiVersion": "constraints.gatekeeper.sh/v1beta1",
            "kind": kind,
            "metadata": {"name": policy.id},
            "spec": constraint,
        },
    ]


def _texts(translation: Translation) -> list[str]:
    texts = [source for _, source in (*translation.variables, *translation.conditions)]
    for item in translation.validations:
        texts += [item.expression, item.message_expression or ""]
    return texts


def _named(items: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "expression": expression} for name, expression in items]


def _validations(translation: Translation) -> list[dict[str, str]]:
    validations = []
    for item in translation.validations:
        validation = {"expression": item.expression, "message": item.message}
        if item.message_expression is not None:
            validation["messageExpression"] = item.message_expression
        validations.append(validation)
    return validations


def _name(policy: Policy) -> str:
    return f"plumbline-{policy.id}"


def _annotations(policy: Policy) -> dict[str, str]:
    return {
        "plumbline.dev/policy": policy.id,
        "plumbline.dev/title": policy.title,
        "plumbline.dev/severity": policy.severity,
    }


FORMATS: Final[Mapping[str, Callable[[Policy, dict[str, Any], str], Documents]]] = {
    "vap": _admission,
    "gatekeeper": _gatekeeper,
    "kyverno": _kyverno,
}
