"""A source that does not compile is told where, what was expected and what may have been meant."""

from __future__ import annotations

import pytest

from plumbline.engines.cel import CompileError, compile_expression
from tests.plumbline.engines.evaluations import refusal_of

CASES = [
    ("objct.spec.replicas > 1", 1, "undeclared reference to 'objct': did you mean object?"),
    ("true && continer.image == ''", 9, "undeclared reference to 'continer': did you mean container?"),
    ("foo == 1", 1, "known are container, namespaceObject, object"),
    ("quantiy('1') == quantity('1')", 1, "undeclared reference to 'quantiy': did you mean quantity?"),
    ("quantity('1').isGreatrThan(quantity('1'))", 15, "did you mean isGreaterThan?"),
    ("strings.qote('a')", 1, "undeclared reference to 'strings.qote': strings has no such function"),
    ("quantity()", 1, "expected is quantity(string)"),
    ("object.a.replace('a', 'b') + [1].join()", 38, "expected is list(string).join() or list(string).join(string)"),
    ("'a' + 1", 5, "no matching overload for '+' applied to '(string, int)'"),
    ("1 ? 2 : 3", 3, "'? :'"),
    ("object.spec ==", 15, "the expression ends where a value is expected"),
    ("[1, 2", 6, "the expression ends where ']' or ',' is expected"),
    ("(1", 3, "')' is missing at the end"),
    ("object.a object.b", 10, "unexpected 'object' where an operator or the end is expected"),
    ("object.a and object.b", 10, "unexpected 'and': write &&"),
    ("object.a = 1", 10, "unexpected '=': to compare is =="),
    ("object.a == 'b", 13, "the string is not closed"),
    ("object.", 8, "a name is missing after it"),
    ("object.a.all(1, true)", 14, "variable name must be a simple identifier"),
    ("has(object)", 5, "has() argument must be a field selection"),
]


@pytest.mark.parametrize(("source", "column", "message"), CASES)
def test_refusal_names_the_column_and_what_was_expected(source: str, column: int, message: str) -> None:
    with pytest.raises(CompileError) as caught:
        compile_expression(source, ["container"])
    assert message in caught.value.message
    assert (caught.value.line, caught.value.column) == (1, column)


def test_refusal_names_the_line() -> None:
    refusal = refusal_of("object.a == 1 &&\n  objct.b == 2")
    assert (refusal.line, refusal.column) == (2, 3)


def test_the_names_by_which_functions_are_run_are_never_shown() -> None:
    for source in ("'a'.replace(1)", "[1].join()", "sets.contains(1)", "format.date().validate(1)"):
        assert "_'" not in refusal_of(source).message
        assert "_(" not in refusal_of(source).message


def test_an_expression_that_must_decide_is_refused_when_it_yields_something_else() -> None:
    with pytest.raises(CompileError, match="must yield a bool, not kubernetes"):
        compile_expression("quantity('1')", boolean=True)
    with pytest.raises(CompileError, match="must yield a bool, not optional_type<dyn>"):
        compile_expression("object.?a", boolean=True)
