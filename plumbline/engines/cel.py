"""Google's CEL, the engine of the library's policies. The only module that imports `cel_expr_python`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings

from plumbline.engines import patterns

VOCABULARY = ("object", "params", "variables", "namespaceObject", "request", "related")
MAX_SOURCE_LENGTH = 16_384

_POSITION = re.compile(r"<input>:(\d+):(\d+): ([^\n]*)")
_NOISE = re.compile(r"^(?:[A-Z_]+: )+|\s*\[[A-Z_]+\]\s*$|\(in container ''\)")


_TEXT = cel.Type.STRING
_MATCHES = cel.FunctionDecl(
    "matchesPattern",
    [cel.Overload("matches_pattern", cel.Type.BOOL, [_TEXT, _TEXT], is_member=True, impl=patterns.matches)],
)


class CompileError(ValueError):
    """A source that is not a CEL expression. `line` and `column` count from 1 and are None when unknown."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


class ExpressionError(Exception):
    """An expression that could not be evaluated on this object; `str()` says why."""


class Program:
    """A compiled expression. Evaluating it never raises anything but `ExpressionError`."""

    __slots__ = ("_expression", "source")

    def __init__(self, source: str, expression: Any) -> None:
        self.source = source
        self._expression = expression

    @property
    def type_name(self) -> str:
        """The type that the expression is known to have, in lower case: `dyn` when it depends on the object."""
        return str(self._expression.return_type().name()).lower()

    def evaluate(self, activation: Any) -> Any:
        """The plain Python value of the expression; `activation` comes from `activate`."""
        try:
            value = self._expression.eval(activation)
            plain = value.plain_value()
            failed = plain.__class__ is str and value.type().name() == "ERROR"
        except Exception as error:  # the binding raises many kinds: all mean "no verdict"
            raise ExpressionError(_clean(str(error))) from error
        if failed:
            raise ExpressionError(_clean(plain))
        return plain


@lru_cache(maxsize=64)
def _environment(names: tuple[str, ...]) -> Any:
    variables = dict.fromkeys((*VOCABULARY, *names), cel.Type.DYN)
    extensions = [
        ext_optional.ExtOptional(),
        ext_strings.ExtStrings(),
        ext_bindings.ExtBindings(),
        ext_math.ExtMath(),
        ext_encoders.ExtEncoders(),
    ]
    return cel.NewEnv(variables=variables, extensions=extensions, functions=[_MATCHES])


def compile_expression(source: str, names: Iterable[str] = (), *, boolean: bool = False) -> Program:
    """Compile `source`, in which `names` are known besides the vocabulary.

    With `boolean`, an expression that can only yield something else is refused. Raises `CompileError`.
    """
    if len(source) > MAX_SOURCE_LENGTH:
        raise CompileError(f"the expression is longer than {MAX_SOURCE_LENGTH} characters")
    expression = _compile(source, tuple(sorted(names)))
    if boolean:
        name = expression.return_type().name()
        if name not in ("BOOL", "DYN"):
            raise CompileError(f"the expression must yield a bool, not {name.lower()}")
    return Program(source, expression)


def compile_list(sources: Sequence[str], names: Iterable[str] = ()) -> Program:
    """One program that yields the list of all values: a third of the cost of one call for each of them."""
    source = "[" + ",\n".join(f"dyn({source}\n)" for source in sources) + "]"
    return Program(source, _compile(source, tuple(sorted(names))))


def activate(data: Mapping[str, Any]) -> Any:
    """Bind names to plain JSON-like values, to be shared by all programs that judge the same thing."""
    return _environment(()).Activation(data)


def _compile(source: str, names: tuple[str, ...]) -> Any:
    try:
        return _environment(names).compile(source)
    except Exception as error:  # the binding raises RuntimeError, and others on invalid text
        text = str(error)
        found = _POSITION.search(text)
        if found is None:
            raise CompileError(_clean(text)) from error
        message = _NOISE.sub("", found[3]).strip()
        raise CompileError(message, int(found[1]), int(found[2])) from error


def _clean(text: str) -> str:
    return _NOISE.sub("", text).strip() or "the expression could not be evaluated"
