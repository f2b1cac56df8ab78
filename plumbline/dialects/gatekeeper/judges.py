"""One constraint, asked about one object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from plumbline import paths
from plumbline.dialects.admission.judges import validated
from plumbline.dialects.admission.matching import UndecidedError
from plumbline.dialects.admission.programs import Composition, Validation, truth
from plumbline.dialects.admission.reviews import Review, review_of
from plumbline.dialects.gatekeeper.matching import ConstraintMatch
from plumbline.dialects.gatekeeper.reviews import FORM, input_of
from plumbline.dialects.gatekeeper.variables import TOO_DEEP, Stages
from plumbline.dialects.questions import Question, Reviewed, reviewed
from plumbline.engines.cel import ExpressionError, Program
from plumbline.engines.rego.engines import Answer, Query
from plumbline.engines.rego.errors import EngineError
from plumbline.inventories import Inventory
from plumbline.judges import Verdict
from plumbline.resources import Resource
from plumbline.selectors import SelectorError

RULE: Final = "violation"
_MAX_VIOLATIONS: Final = 1000
_PATH_KEYS: Final = ("path", "field", "violating_key")


class _ConstraintJudge(ABC):
    """Says first whether the constraint is about the object at all."""

    def __init__(self, match: ConstraintMatch, surroundings: Inventory) -> None:
        self.match, self.surroundings = match, surroundings
        self.needs_inventory = True

    def judge(
        self, resource: Resource, inventory: Inventory, params: dict[str, Any]
    ) -> Sequence[Verdict] | None:
        """As `Judge.judge`; `params` are not used: the constraint has its own."""
        review = review_of(resource, (inventory, self.surroundings))
        decided = self.decide(review)
        if decided is not True:
            return decided
        return self.verdicts(resource, review, inventory)

    def decide(self, review: Review) -> Literal[True] | list[Verdict] | None:
        """True when the constraint is about the object, None when not, else why that cannot be said."""
        try:
            return True if self.match.matches(review) else None
        except UndecidedError as undecided:
            return [Verdict("match", "skip", str(undecided))]
        except SelectorError as error:
            return [Verdict("match", "error", f"whether the constraint applies cannot be evaluated: {error}")]

    @abstractmethod
    def verdicts(self, resource: Resource, review: Review, inventory: Inventory) -> Sequence[Verdict]:
        """What the template says of an object that the constraint is about."""


class RegoJudge(_ConstraintJudge):
    """A constraint of a template in Rego."""

    def __init__(
        self, query: Query, engine: str, match: ConstraintMatch, surroundings: Inventory, *, uses_inventory: bool
    ) -> None:
        super().__init__(match, surroundings)
        self.engine = engine
        self._question = Question(query, FORM, self._input, self._applies, uses_inventory=uses_inventory)

    def verdicts(self, resource: Resource, review: Review, inventory: Inventory) -> Sequence[Verdict]:
        """What the rule says of the object."""
        return verdicts_of(self._question.ask(resource, inventory), review.object)

    def review(self, value: dict[str, Any], obj: dict[str, Any], inventory: Inventory) -> Sequence[Verdict]:
        """What the rule says of an input of one's own."""
        known: Reviewed = reviewed(inventory)
        return verdicts_of(self._question.ask_about(value, known), obj)

    def _input(self, resource: Resource, inventory: Inventory) -> dict[str, Any]:
        return input_of(review_of(resource, (inventory, self.surroundings)))

    def _applies(self, resource: Resource, inventory: Inventory) -> bool:
        try:
            return self.match.matches(review_of(resource, (inventory, self.surroundings)))
        except UndecidedError:
            return False


@dataclass
class CelJudge(_ConstraintJudge):
    """A constraint of a template in CEL."""

    match: ConstraintMatch
    surroundings: Inventory = field(repr=False)
    composition: Composition
    conditions: Sequence[tuple[str, Program]]
    validations: Sequence[Validation]
    stages: Stages
    parameters: Any
    engine: str = "CEL"
    needs_inventory: bool = True

    def verdicts(self, resource: Resource, review: Review, inventory: Inventory) -> Sequence[Verdict]:
        """What the validations say of the object; [] when a condition leaves it out."""
        return self.review(review.vocabulary)

    def review(self, vocabulary: dict[str, Any]) -> Sequence[Verdict]:
        """What the validations say of a vocabulary of one's own."""
        activation = self.composition.activate(vocabulary, self.parameters)
        verdicts = self._evaluated(activation)
        if any(verdict.status == "error" and TOO_DEEP in verdict.message for verdict in verdicts):
            staged = self.stages.activate(vocabulary, self.parameters)
            return [validated(validation, staged) for validation in self.stages.validations]
        return verdicts

    def _evaluated(self, activation: Any) -> Sequence[Verdict]:
        for name, program in self.conditions:
            try:
                if not truth(program, activation):
                    return []
            except ExpressionError as error:
                return [Verdict("match-conditions", "error", f"the match condition {name} failed: {error}")]
        return [validated(validation, activation) for validation in self.validations]


def verdicts_of(answer: Answer, obj: dict[str, Any]) -> Sequence[Verdict]:
    """Verdicts of what a `violation` rule yields: a set of objects with `msg` and, maybe, `details`."""
    if isinstance(answer, EngineError):
        return [Verdict(RULE, "error", str(answer))]
    if not isinstance(answer, list):
        return [Verdict(RULE, "error", f"{RULE} must be a set, and yields {answer!r:.80}")]
    if not answer:
        return [Verdict(RULE, "pass", "")]
    found = dict.fromkeys(_violation(item, obj) for item in answer[:_MAX_VIOLATIONS])
    if len(answer) > _MAX_VIOLATIONS:
        rest = len(answer) - _MAX_VIOLATIONS
        found[Verdict(RULE, "fail", f"and {rest} more violations, which are not listed")] = None
    return list(found)


def _violation(item: Any, obj: dict[str, Any]) -> Verdict:
    if not isinstance(item, dict) or not isinstance(item.get("msg"), str):
        return Verdict(RULE, "error", f"a violation must have a msg that is text, and this has none: {item!r:.200}")
    return Verdict(RULE, "fail", item["msg"], _path(item.get("details"), obj))


def _path(details: Any, obj: dict[str, Any]) -> paths.Path:
    """Where details say the violation is, when there is such a field."""
    if isinstance(details, dict):
        for key in _PATH_KEYS:
            if isinstance(details.get(key), str):
                return resolved(details[key], obj)
    return ()


def resolved(text: str, obj: dict[str, Any]) -> paths.Path:
    """The path that a text writes, () unless the object has it."""
    try:
        path = paths.parse(text)
    except ValueError:
        return ()
    return path if paths.lookup(obj, path) is not paths.MISSING else ()
