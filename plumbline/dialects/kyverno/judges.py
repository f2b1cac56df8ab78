"""A ValidatingPolicy asked about one object: its variants for pods and for what owns them, and its exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from plumbline.dialects.admission.judges import AdmissionJudge
from plumbline.dialects.admission.programs import Composition, truth
from plumbline.dialects.admission.reviews import creation_of
from plumbline.dialects.kyverno.lookups import objects
from plumbline.engines.cel import ExpressionError, Program
from plumbline.inventories import Inventory
from plumbline.judges import Verdict
from plumbline.resources import Resource


@dataclass(frozen=True, slots=True)
class ExceptionRule:
    """A PolicyException: excepts what all of its conditions are true of, until it expires."""

    name: str
    composition: Composition
    conditions: Sequence[tuple[str, Program]]
    expires_at: datetime | None

    def excepts(self, resource: Resource, known: tuple[Inventory, ...]) -> bool:
        """Raises ExpressionError when a condition cannot be evaluated."""
        if self.expires_at is not None and self.expires_at <= datetime.now(UTC):
            return False
        vocabulary = {**creation_of(resource, known).vocabulary, **objects(known)}
        activation = self.composition.activate(vocabulary, None)
        return all(truth(program, activation) for _, program in self.conditions)


@dataclass(frozen=True, slots=True)
class ExceptingJudge:
    """The verdicts of all variants; a skip instead where an exception applies.

    `namespace` bounds a namespaced policy.
    """

    variants: Sequence[AdmissionJudge]
    exceptions: Sequence[ExceptionRule]
    surroundings: Inventory = field(repr=False)
    namespace: str | None = None
    engine: str = "CEL"
    needs_inventory: bool = True

    def judge(self, resource: Resource, inventory: Inventory, params: dict[str, Any]) -> Sequence[Verdict] | None:
        """As `Judge.judge`."""
        known = (inventory, self.surroundings)
        if self.namespace is not None and creation_of(resource, known).namespace != self.namespace:
            return None
        verdicts: list[Verdict] = []
        applies = False
        for variant in self.variants:
            found = variant.judge(resource, inventory, params)
            applies = applies or found is not None
            verdicts.extend(found or ())
        if not applies:
            return None
        for exception in self.exceptions:
            try:
                if exception.excepts(resource, known):
                    return [Verdict("exception", "skip", f"excepted by the PolicyException {exception.name}")]
            except ExpressionError as error:
                verdicts.append(Verdict("exception", "error", f"the PolicyException {exception.name} failed: {error}"))
        return verdicts
