"""One ValidatingAdmissionPolicy with its bindings, asked about one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plumbline.dialects.admission.matching import MatchResources, UndecidedError
from plumbline.dialects.admission.parameters import ParameterError, ParameterReference, ParamKind
from plumbline.dialects.admission.programs import Composition, Validation, truth
from plumbline.dialects.admission.reviews import Review, creation_of
from plumbline.engines.cel import ExpressionError, Program
from plumbline.inventories import Inventory
from plumbline.judges import Verdict
from plumbline.resources import Resource
from plumbline.selectors import SelectorError


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a policy is in force, and with which parameter objects."""

    name: str
    match: MatchResources
    parameters: ParameterReference | None = None


@dataclass(frozen=True, slots=True)
class AdmissionJudge:
    """Answers as the API server would when somebody created the object, for every binding and parameter object.

    `names` yields what expressions see of the set besides the review.
    """

    composition: Composition
    match: MatchResources
    bindings: Sequence[Binding]
    conditions: Sequence[tuple[str, Program]]
    validations: Sequence[Validation]
    annotations: Sequence[tuple[str, Program]]
    param_kind: ParamKind | None
    surroundings: Inventory = field(repr=False)
    names: Callable[[tuple[Inventory, ...]], Mapping[str, Any]] | None = None
    engine: str = "CEL"
    needs_inventory: bool = True

    def judge(
        self, resource: Resource, inventory: Inventory, params: dict[str, Any]
    ) -> Sequence[Verdict] | None:
        """As `Judge.judge`; `params` are not used: parameters are objects here."""
        known = (inventory, self.surroundings)
        review = creation_of(resource, known)
        try:
            if not self.match.matches(review):
                return None
            bound = [binding for binding in self.bindings if binding.match.matches(review)]
        except UndecidedError as undecided:
            return [Verdict("match", "skip", str(undecided))]
        except SelectorError as error:
            return [Verdict("match", "error", f"whether the policy applies cannot be evaluated: {error}")]
        verdicts: dict[Verdict, None] = {}
        applies = False
        for binding in bound:
            for verdict in self._bound(binding, review, known):
                applies = True
                if verdict is not None:
                    verdicts[verdict] = None
        return list(verdicts) if applies else None

    def _bound(
        self, binding: Binding, review: Review, known: tuple[Inventory, ...]
    ) -> Sequence[Verdict | None]:
        """Verdicts of one binding; [] when its conditions or its absent parameters say that it does not apply."""
        parameters: Sequence[Any] = (None,)
        if self.param_kind is not None and binding.parameters is not None:
            try:
                parameters = binding.parameters.find(self.param_kind, review, known)
            except ParameterError as error:
                return [Verdict("params", error.status, f"binding {binding.name}: {error}")]
        verdicts: list[Verdict | None] = []
        vocabulary = {**review.vocabulary, **self.names(known)} if self.names else review.vocabulary
        for params in parameters:
            activation = self.composition.activate(vocabulary, params)
            verdicts.extend(self._with(activation))
        return verdicts

    def _with(self, activation: Any) -> Sequence[Verdict | None]:
        errors: list[Verdict] = []
        for name, program in self.conditions:
            try:
                if not truth(program, activation):
                    return []
            except ExpressionError as error:
                errors.append(Verdict("match-conditions", "error", f"the match condition {name} failed: {error}"))
        if errors:
            return errors
        verdicts: list[Verdict | None] = [validated(validation, activation) for validation in self.validations]
        verdicts.extend(_annotated(key, program, activation) for key, program in self.annotations)
        return verdicts


def validated(validation: Validation, activation: Any) -> Verdict:
    """What one validation says; an expression that fails is an error."""
    try:
        if truth(validation.program, activation):
            return Verdict(validation.rule, "pass", "")
    except ExpressionError as error:
        return Verdict(validation.rule, "error", f"{validation.source.strip()}: {error}")
    return Verdict(validation.rule, "fail", validation.failure(activation))


def _annotated(key: str, program: Program, activation: Any) -> Verdict | None:
    """A pass that carries the annotation; None when there is none to write."""
    rule = f"audit-annotation-{key}"
    try:
        value = program.evaluate(activation)
    except ExpressionError as error:
        return Verdict(rule, "error", f"the audit annotation {key} failed: {error}")
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        return Verdict(rule, "error", f"the audit annotation {key} must be text or null")
    return Verdict(rule, "pass", f"{key}: {value}")
