"""ValidatingPolicy and its exceptions, read into policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from plumbline import paths
from plumbline.dialects.admission.judges import AdmissionJudge, Binding
from plumbline.dialects.admission.matching import parse_match
from plumbline.dialects.admission.policies import compile_annotations, compile_conditions, compile_validations
from plumbline.dialects.admission.programs import Composition
from plumbline.dialects.documents import Loaded, Surroundings, check_schema, first_line, foreign_policy
from plumbline.dialects.kyverno import lookups
from plumbline.dialects.kyverno.controllers import generated
from plumbline.dialects.kyverno.judges import ExceptingJudge, ExceptionRule
from plumbline.policies import Policy, PolicyError
from plumbline.resources import Resource
from plumbline.results import Severity

GROUP: Final = "policies.kyverno.io"
KINDS: Final = frozenset(
    (GROUP, kind) for kind in ("ValidatingPolicy", "NamespacedValidatingPolicy", "PolicyException")
)
_CHANGES: Final = "it changes the cluster instead of judging objects"
_IMAGES: Final = "it verifies images against a registry, which a judgement of manifests does not ask"
_OLD: Final = "only Kyverno's policies in CEL are: `kyverno.io` is to be migrated to ValidatingPolicy"
UNSUPPORTED: Final[Mapping[tuple[str, str], str]] = {
    ("kyverno.io", "ClusterPolicy"): _OLD,
    ("kyverno.io", "Policy"): _OLD,
    ("kyverno.io", "PolicyException"): _OLD,
    **{
        (GROUP, f"{scope}{kind}"): _CHANGES
        for scope in ("", "Namespaced")
        for kind in ("MutatingPolicy", "GeneratingPolicy", "DeletingPolicy")
    },
    **{(GROUP, f"{scope}ImageValidatingPolicy"): _IMAGES for scope in ("", "Namespaced")},
}
_EVERYWHERE: Final = Binding("(all)", parse_match(None))


def read_policies(documents: Sequence[Resource], surroundings: Surroundings) -> Loaded:
    """A policy for each ValidatingPolicy, with the exceptions that name it."""
    loaded = Loaded()
    exceptions: dict[str, list[ExceptionRule]] = {}
    for document in documents:
        if document.kind == "PolicyException":
            try:
                rule = _exception(document)
            except PolicyError as error:
                loaded.refuse(document, error)
                continue
            for reference in document.object["spec"]["policyRefs"]:
                exceptions.setdefault(reference["name"], []).append(rule)
    for document in documents:
        if document.kind != "PolicyException":
            try:
                loaded.policies.append(_policy(document, exceptions.get(document.name, []), surroundings))
            except PolicyError as error:
                loaded.refuse(document, error)
    return loaded


def _policy(document: Resource, exceptions: Sequence[ExceptionRule], surroundings: Surroundings) -> Policy:
    mode = paths.lookup(document.object, ("spec", "evaluation", "mode"))
    if mode not in (paths.MISSING, None, "", "Kubernetes"):
        raise PolicyError(f"the mode {mode} is not supported, only Kubernetes is", field="spec.evaluation.mode")
    check_schema(document, "kyverno-validating-policy")
    spec: Mapping[str, Any] = document.object["spec"]
    judges = [_judge(document.name, item, surroundings) for item in (spec, *generated(spec))]
    namespace = document.namespace if document.kind == "NamespacedValidatingPolicy" else None
    judge = ExceptingJudge(judges, exceptions, surroundings.inventory, namespace)
    messages = [validation.message for validation in judges[0].validations]
    return foreign_policy(document, judge, severity=_severity(spec), guidance=first_line(messages))


def _judge(name: str, spec: Mapping[str, Any], surroundings: Surroundings) -> AdmissionJudge:
    composition = _composition(name)
    conditions = compile_conditions(composition, spec.get("matchConditions") or ())
    composition.define(spec.get("variables") or (), "spec.variables")
    return AdmissionJudge(
        composition=composition,
        match=parse_match(spec["matchConstraints"]),
        bindings=[_EVERYWHERE],
        conditions=conditions,
        validations=compile_validations(composition, spec["validations"] or ()),
        annotations=compile_annotations(composition, spec.get("auditAnnotations") or ()),
        param_kind=None,
        surroundings=surroundings.inventory,
        names=lookups.objects,
    )


def _composition(name: str) -> Composition:
    return Composition(name, has_params=False, names=lookups.NAMES, rewrite=lookups.rewrite)


def _exception(document: Resource) -> ExceptionRule:
    check_schema(document, "kyverno-policy-exception")
    spec = document.object["spec"]
    composition = _composition(document.name)
    conditions = compile_conditions(composition, spec.get("matchConditions") or ())
    return ExceptionRule(document.name, composition, conditions, _instant(spec.get("expiresAt")))


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise PolicyError(f"{text!r} is not an instant such as 2027-03-01T00:00:00Z", field="spec.expiresAt") from error
    if instant.tzinfo is None:
        raise PolicyError(f"{text!r} names no time zone", field="spec.expiresAt")
    return instant


def _severity(spec: Mapping[str, Any]) -> Severity:
    """What would be denied is high, what would be warned of medium, what would be audited only low."""
    actions = spec.get("validationActions") or ["Deny"]
    return "high" if "Deny" in actions else "medium" if "Warn" in actions else "low"
