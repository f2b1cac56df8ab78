"""CEL as Kubernetes speaks it: the language of the library's policies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plumbline.engines import diagnoses, environments, hazards, references
from plumbline.engines.rewriting import as_written

VOCABULARY = environments.VOCABULARY
MAX_SOURCE_LENGTH = 16_384
COMPOSED = "cel.bind(v_"
"""How a source begins that was made of a policy's variables and an expression, each compiled by itself before."""

_POSITION = re.compile(r"<input>:(\d+):(\d+): ([^\n]*)")
_NOISE = re.compile(r"^(?:[A-Z_]+: )+|\s*\[[A-Z_]+\]\s*$|\(in container ''\)")
_FAILURE = re.compile(f"{references.FAILURE}(.*?){references.FAILURE_END}", re.DOTALL)
_OPTIONAL = "the expression yields an optional: end it with orValue(...), value() or hasValue()"


class CompileError(ValueError):
    """A source that is not a CEL expression. `line` and `column` count from 1 and are None when unknown."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


class ExpressionError(Exception):
    """An expression that could not be evaluated on this object; `str()` says why."""


class Program:
    """A compiled expression. Evaluating it never raises anything but `ExpressionError`."""

    __slots__ = ("_expression", "source", "type_name")

    def __init__(self, source: str, expression: Any, type_name: str) -> None:
        self.source = source
        self._expression = expression
        self.type_name = type_name
        """The type that the expression is known to have, in lower case: `dyn` when it depends on the object."""

    def serialized(self) -> bytes | None:
        """The checked expression as the engine writes it; None for what is not evaluated."""
        return None if self._expression is None else self._expression.serialize()

    def evaluate(self, activation: Any) -> Any:
        """The plain Python value of the expression; `activation` comes from `activate`."""
        try:
            value = self._expression.eval(activation)
            plain = value.plain_value()
            failed = plain.__class__ is str and value.type().name() == "ERROR"
        except (TypeError, SystemError) as error:  # a value, or one in a list, that is none in Python
            raise ExpressionError(_OPTIONAL) from error
        except Exception as error:  # the binding raises many kinds: all mean "no verdict"
            raise ExpressionError(_clean(str(error))) from error
        finally:
            if references.interrupted:
                references.reraise()
        if failed:
            raise ExpressionError(_clean(plain))
        return plain


class Refused(Program):
    """An expression whose parts compile one by one, and that is not evaluated for what they make together."""

    __slots__ = ("_why",)

    def __init__(self, source: str, why: str) -> None:
        super().__init__(source, None, "dyn")
        self._why = why

    def evaluate(self, activation: Any) -> Any:
        raise ExpressionError(self._why)


def compile_expression(source: str, names: Iterable[str] = (), *, boolean: bool = False) -> Program:
    """Compile `source`, in which `names` are known besides the vocabulary.

    With `boolean`, an expression that can only yield something else is refused. Raises `CompileError`.
    """
    if len(source) > MAX_SOURCE_LENGTH:
        raise CompileError(f"the expression is longer than {MAX_SOURCE_LENGTH} characters")
    try:
        program, why = _compile(source, tuple(sorted(names)), is_checked=hazards.is_suspect(source))
    except CompileError as error:
        if source.startswith(COMPOSED):
            return Refused(source, error.message)
        raise
    if boolean and program.type_name not in ("bool", "dyn"):
        raise CompileError(f"the expression must yield a bool, not {program.type_name}")
    if why is None:
        return program
    if source.startswith(COMPOSED):
        return Refused(source, why)
    raise CompileError(why)


def compile_list(sources: Sequence[str], names: Iterable[str] = (), *, are_proven: bool = False) -> Program:
    """One program that yields the list of all values: a third of the cost of one call for each of them.

    What compiles alone but not together yields a program that cannot be evaluated. Sources that `are_proven` have been
    looked at by `compile_expression` before, in a test.
    """
    known = tuple(sorted(names))
    try:
        for source in () if are_proven else filter(hazards.is_suspect, sources):
            _, why = _compile(source, known, is_checked=True)
            if why is not None:
                return Refused(source, why)
        together = "[" + ",\n".join(f"dyn({source}\n)" for source in sources) + "]"
        return _compile(together, known, is_checked=False)[0]
    except CompileError as error:
        return Refused(sources[0], error.message)


def activate(data: Mapping[str, Any]) -> Any:
    """Bind names to plain JSON-like values, to be shared by all programs that judge the same thing."""
    return environments.activate(dict(data))


def _compile(source: str, names: tuple[str, ...], *, is_checked: bool) -> tuple[Program, str | None]:
    """The program and, when that `is_checked`, why it must not be evaluated."""
    why = hazards.doubled_macros(source) if is_checked else None
    if why is not None:
        return Program(source, None, "dyn"), why
    try:
        expression, result = environments.compile(source, names)
        why = hazards.problem(expression.serialize()) if is_checked else None
    except Exception as error:  # the binding raises RuntimeError, and others on invalid text
        text = str(error)
        found = _POSITION.search(text)
        if found is None:
            raise CompileError(diagnoses.unplaced(_clean(text))) from error
        message, line = as_written(_NOISE.sub("", found[3]).strip()), int(found[1])
        message, column = diagnoses.explained(message, source, line, int(found[2]), (*VOCABULARY, *names))
        raise CompileError(message, line, column) from error
    return Program(source, expression, result.name().lower()), why


def _clean(text: str) -> str:
    failure = _FAILURE.search(text)
    if failure is not None:
        return failure[1]
    return as_written(_NOISE.sub("", text).strip()) or "the expression could not be evaluated"
