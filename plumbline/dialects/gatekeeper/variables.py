"""Variables evaluated one after the other.

Composed into one expression, as the API server sees them, long templates nest deeper than the engine goes. This is the
other way to the same value, for those that do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from plumbline.dialects.admission.programs import Validation
from plumbline.engines.cel import ExpressionError, Program, activate, compile_expression

_NAMES = ("oldObject",)
TOO_DEEP = "recursion limit"


class Stages:
    """The variables and validations of a template, whose sources have been checked already: `validations` were compiled
    from the `specs`.
    """

    def __init__(
        self,
        variables: Sequence[Mapping[str, Any]],
        validations: Sequence[Validation],
        specs: Sequence[Mapping[str, Any]],
    ) -> None:
        self._variables = [(item["name"], compile_expression(item["expression"], _NAMES)) for item in variables]
        self.validations = [
            replace(
                item,
                program=compile_expression(item.source, _NAMES),
                message_program=_alone(spec.get("messageExpression")),
            )
            for item, spec in zip(validations, specs, strict=True)
        ]

    def activate(self, vocabulary: Mapping[str, Any], parameters: Any) -> Any:
        """What the validations see. A variable that fails is not there: what reads it fails too."""
        known: dict[str, Any] = {"params": parameters}
        old = vocabulary.get("oldObject")
        known["anyObject"] = vocabulary["object"] if vocabulary["object"] is not None else old
        for name, program in self._variables:
            try:
                known[name] = program.evaluate(activate({**vocabulary, "variables": dict(known), "params": {}}))
            except ExpressionError:
                known.pop(name, None)
        return activate({**vocabulary, "variables": known, "params": {}})


def _alone(source: str | None) -> Program | None:
    return compile_expression(source, _NAMES) if source else None
