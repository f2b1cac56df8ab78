"""What CEL keeps for itself, and what of an expression can be known to fail before anything is judged by it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plumbline.engines import patterns
from plumbline.engines.cel import CompileError, activate, compile_expression
from plumbline.engines.expressions import LITERAL

RESERVED = frozenset((
    "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
    "namespace", "null", "package", "return", "true", "var", "void", "while",
))
"""Words that are no names in CEL: the API server refuses a ValidatingAdmissionPolicy that calls a variable so."""

_PATTERN = re.compile(
    rf"\.\s*(?:matches|find|findAll)\s*\(\s*{LITERAL.replace('?P<text>', '?P<pattern>')}\s*(?=[,)])|{LITERAL}",
    re.DOTALL,
)


def check_patterns(source: str) -> None:
    """Raises CompileError for a regular expression, written as a literal in the compiled `source`, that RE2 refuses."""
    for at, literal in _patterns(source):
        pattern = compile_expression(literal).evaluate(activate({}))
        try:
            patterns.check(pattern)
        except patterns.PatternError as error:
            line = source.count("\n", 0, at) + 1
            raise CompileError(str(error), line, at - source.rfind("\n", 0, at)) from error


def _patterns(source: str) -> Iterator[tuple[int, str]]:
    for found in _PATTERN.finditer(source):
        if found["pattern"] and not found["pattern"].startswith("//"):
            yield found.start("pattern"), found["pattern"]
