"""Expressions of a policy made ready to run, with `variables` composed lazily around each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from plumbline.engines.cel import CompileError, ExpressionError, Program, activate, compile_expression
from plumbline.engines.expressions import check_variables, names_params, scoped
from plumbline.policies import PolicyError
from plumbline.policies.vocabulary import check_patterns

_NAMES: Final = ("oldObject",)


class Composition:
    """The expressions of one policy. `names` are known besides what admission policies see, and `rewrite` turns what a
    dialect has of its own into plain CEL.
    """

    def __init__(
        self,
        policy: str,
        *,
        has_params: bool,
        names: Sequence[str] = (),
        rewrite: Callable[[str], str] = str,
    ) -> None:
        self._policy = policy
        self._rewrite = rewrite
        self._has_params = has_params
        self._names = (*_NAMES, *names)
        self._variables: list[tuple[str, str]] = []

    def define(self, variables: Sequence[Mapping[str, Any]], where: str) -> None:
        """Add variables, each of which may use those before it. Raises PolicyError with the field and column."""
        for index, variable in enumerate(variables):
            name, source = variable["name"], variable["expression"]
            if any(name == known for known, _ in self._variables):
                raise PolicyError(f"the variable {name} is already defined", field=f"{where}[{index}].name")
            self._variables.append((name, self._checked(source, f"{where}[{index}].expression")))

    def compile(self, source: str, where: str, *, yields: Sequence[str] = ()) -> Program:
        """A program; `yields` names the types that it may have. Raises PolicyError with the field and column."""
        source = self._checked(source, where, yields)
        return compile_expression(scoped(source, self._policy, self._variables), self._names)

    def activate(self, vocabulary: Mapping[str, Any], params: Any) -> Any:
        """What programs see: the review's vocabulary and one parameter object (None without)."""
        return activate({**vocabulary, "params": {self._policy: params}})

    def _checked(self, source: str, where: str, yields: Sequence[str] = ()) -> str:
        source = self._rewrite(source)
        try:
            check_variables(source, [name for name, _ in self._variables], composed=())
            if names_params(source) and not self._has_params:
                raise CompileError("undeclared reference to 'params': the policy has no paramKind")
            program = compile_expression(source, self._names, boolean=tuple(yields) == ("bool",))
            check_patterns(source)
            if yields and program.type_name not in (*yields, "dyn"):
                raise CompileError(f"the expression must yield {' or '.join(yields)}, not {program.type_name}")
        except CompileError as error:
            message = error.message if error.line in (None, 1) else f"line {error.line}: {error.message}"
            raise PolicyError(message, field=where, column=error.column) from error
        return source


@dataclass(frozen=True, slots=True)
class Validation:
    """One of `validations`: fails when its program yields false."""

    rule: str
    source: str
    program: Program
    message: str | None = None
    message_program: Program | None = None
    reason: str = "Invalid"

    def failure(self, activation: Any) -> str:
        """What the API server would say: the message expression's text when it is one, else the message."""
        if self.message_program is not None:
            try:
                text = self.message_program.evaluate(activation)
            except ExpressionError:
                text = None
            if isinstance(text, str) and text.strip() and "\n" not in text:
                return text.strip()
        return self.message or f"failed expression: {self.source.strip()}"


def truth(program: Program, activation: Any) -> bool:
    """The program's answer. Raises ExpressionError, also when it is neither true nor false."""
    value = program.evaluate(activation)
    if value.__class__ is not bool:
        raise ExpressionError(f"the expression yields {value!r:.80}, not true or false")
    return bool(value)
