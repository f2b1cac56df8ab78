"""Names that an expression binds have their own value, whatever was evaluated before them."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.engines.cel import ExpressionError, activate, compile_expression, compile_list
from plumbline.evaluation import Evaluator
from plumbline.resources import Resource
from tests.plumbline.objects import policy

DATA = activate({"object": {"names": ["a", "b"]}})
EARLY = ("[1, 2].exists(x, x == 1)", "![1, 2].all(x, x != 1)", "[[5], [2]].exists(x, x.exists(y, y == 5))")


@pytest.mark.parametrize("early", EARLY)
@pytest.mark.parametrize(
    "binding",
    [
        "cel.bind(w, 'z', w == 'z')",
        "optional.of('z').optMap(w, w == 'z').value()",
        "optional.of('z').optFlatMap(w, optional.of(w == 'z')).value()",
        "cel.bind(v, 1, cel.bind(w, v + 1, w == 2))",
        "object.names.map(n, n).sortBy(n, n) == ['a', 'b']",
        "quantity('1').isLessThan(cel.bind(w, quantity('2'), w))",
    ],
)
def test_a_loop_that_ends_early_leaves_nothing_behind(early: str, binding: str) -> None:
    assert compile_expression(f"{early} && {binding}").evaluate(DATA) is True
    assert compile_list([early, binding]).evaluate(DATA) == [True, True]


def test_a_binding_that_errors_does_so_only_where_it_is_read() -> None:
    start = "[1].exists(x, x == 1) && cel.bind(w, object.nothing"
    assert compile_expression(f"{start}, true || w)").evaluate(DATA) is True
    with pytest.raises(ExpressionError, match="nothing"):
        compile_expression(f"{start}, w)").evaluate(DATA)


def test_a_text_that_looks_like_a_binding_is_a_text() -> None:
    source = "[1].exists(x, x == 1) && cel.bind(w, '#unused', w)  == '#unused'"
    assert compile_expression(source).evaluate(DATA) is True


def test_rules_that_are_evaluated_together_agree_with_each_one_alone() -> None:
    rules: list[dict[str, Any]] = [
        {"name": "loop", "expression": "object.spec.names.exists(n, n == 'a')", "path": "", "message": "loop"},
        {"name": "text", "expression": "variables.text == 'x'", "path": "", "message": "text"},
    ]
    variables = [{"name": "text", "expression": "object.spec.?text.orValue('x')"}]
    judging = policy(*rules, variables=variables, match={"kinds": ["Pod"]})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"names": ["a", "b"]}}
    assert [result.status for result in Evaluator([judging]).evaluate(Resource(pod))] == ["pass", "pass"]
