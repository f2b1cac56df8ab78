"""Coverage says which branches of the expressions the cases take, by the engine's own evaluation."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.library import library_directory, library_policies
from plumbline.policies import Policy, parse_policy
from plumbline.testing.cases import Case
from plumbline.testing.coverage import Coverage
from plumbline.testing.running import run_cases
from plumbline.testing.suites import run_directory
from tests.plumbline.objects import policy_document


def checking(expression: str, **changes: Any) -> Policy:
    rule = {"name": "r", "expression": expression, "path": "", "message": "no", **changes.pop("rule", {})}
    return parse_policy(policy_document(rule, match={"kinds": ["Pod"]}, **changes))


def measured(policy: Policy, *specs: dict[str, Any], params: dict[str, Any] | None = None) -> Coverage:
    objects = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec} for spec in specs]
    cases = [Case(f"case {number}", obj, "pass", 1, params=params) for number, obj in enumerate(objects)]
    coverage = run_cases(policy, cases, None, measure=True).coverage
    assert coverage is not None
    assert coverage.unmeasured == ()
    return coverage


def missing(coverage: Coverage) -> list[str]:
    return [str(item).removesuffix(" in the tests") for item in coverage.uncovered]


@pytest.mark.parametrize(
    ("expression", "specs", "uncovered"),
    [
        ("object.spec.a", [{"a": True}], ["rule r column 1: object.spec.a never false"]),
        ("object.spec.a", [{"a": True}, {"a": False}], []),
        (
            "object.spec.a || object.spec.b == 1",
            [{"a": True}],
            ["rule r column 1: object.spec.a never false", "rule r column 18: object.spec.b == 1 never reached"],
        ),
        ("object.spec.a && object.spec.b", [{"a": True, "b": True}, {"a": True, "b": False}, {"a": False}], []),
        (
            "object.spec.?a.orValue(true)",
            [{"a": False}],
            [
                "rule r column 1: object.spec.?a never absent",
                "rule r column 1: object.spec.?a.orValue(true) never true",
            ],
        ),
        ("object.spec.?a.orValue(true)", [{"a": False}, {}], []),
        (
            "object.spec.a ? object.spec.b : true",
            [{"a": True, "b": True}, {"a": False}],
            ["rule r column 17: object.spec.b never false"],
        ),
        (
            "object.spec.a.all(x, x > 1)",
            [{"a": [2, 3]}],
            ["rule r column 1: object.spec.a.all(x, x > 1) never false", "rule r column 22: x > 1 never false"],
        ),
        (
            "object.spec.a.filter(x, x.?b.orValue(0) > 1).size() == 1",
            [{"a": [{"b": 2}, {"b": 0}]}, {"a": []}],
            ["rule r column 25: x.?b never absent"],
        ),
        (
            "object.spec.a.map(x, x > 1, x).exists_one(y, y == 2)",
            [{"a": [1, 2, 3]}, {"a": []}],
            [],
        ),
        (
            "object.spec.?a.optMap(x, x > 1).orValue(true)",
            [{"a": 2}, {"a": 1}],
            [
                "rule r column 1: object.spec.?a never absent",
                "rule r column 1: object.spec.?a.optMap(x, x > 1) never absent",
            ],
        ),
        (
            "!(object.spec.a || object.spec.b)",
            [{"a": True}, {"a": False, "b": False}],
            ["rule r column 20: object.spec.b never true"],
        ),
        (
            "object.spec.a &&\n'? : ||' in object.spec.b",
            [{"a": True, "b": []}, {"a": False}],
            ["rule r line 2 column 1: '? : ||' in object.spec.b never true"],
        ),
        ("quantity(object.spec.a).isGreaterThan(quantity('1Gi')) || true", [{"a": "2Gi"}, {"a": "1Mi"}], []),
        ("object.spec.a.matches('^x')", [{"a": "x"}, {"a": "y"}], []),
    ],
)
def test_every_branch_that_no_case_takes_is_named(
    expression: str, specs: list[dict[str, Any]], uncovered: list[str]
) -> None:
    assert missing(measured(checking(expression), *specs)) == uncovered


def test_branches_are_two_for_each_condition() -> None:
    coverage = measured(checking("object.spec.a || object.spec.b"), {"a": True})
    assert (coverage.taken, coverage.total, coverage.percent) == (1, 4, 25.0)


def test_an_operand_that_errors_took_no_branch() -> None:
    coverage = measured(checking("object.spec.a == 1 || object.spec.b"), {"b": True}, {"b": False})
    assert missing(coverage) == ["rule r column 1: object.spec.a == 1 never reached"]


def test_a_variable_counts_once_and_where_it_is_defined() -> None:
    variables = [
        {"name": "a", "expression": "object.spec.?a.orValue(1)"},
        {"name": "both", "expression": "variables.a == 1 && object.spec.b"},
    ]
    rule = {"name": "s", "expression": "variables.a < 3", "path": "", "message": "no"}
    document = policy_document(
        {**rule, "name": "r", "expression": "variables.both"}, rule, match={"kinds": ["Pod"]}, variables=variables
    )
    coverage = measured(parse_policy(document), {"b": True}, {"a": 4})
    assert missing(coverage) == ["variable both column 21: object.spec.b never false"]
    assert coverage.total == 10


def test_parameters_are_those_of_the_case() -> None:
    schema = {"type": "object", "properties": {"least": {"type": "integer"}}}
    policy = checking("object.spec.a >= params.least", parameters={"schema": schema, "defaults": {"least": 0}})
    assert missing(measured(policy, {"a": 1}, params={"least": 2})) == [
        "rule r column 1: object.spec.a >= params.least never true"
    ]


def test_messages_and_fixes_count_where_the_rule_fails() -> None:
    rule = {
        "message": None,
        "messageExpression": "object.spec.?b.orValue('nothing')",
        "fix": [{"op": "set", "path": "spec.a", "valueExpression": "object.spec.?c.orValue(true)"}],
    }
    document = {name: value for name, value in rule.items() if value is not None}
    base = {"name": "r", "expression": "object.spec.a", "path": "", **document}
    policy = parse_policy(policy_document(base, match={"kinds": ["Pod"]}))
    assert missing(measured(policy, {"a": True}, {"a": False, "b": "x"})) == [
        "rule r message column 1: object.spec.?b never absent",
        "rule r fix column 1: object.spec.?c never present",
    ]


def test_elements_are_measured_one_by_one() -> None:
    policy = checking("container.?tty.orValue(false)", rule={"each": "containers"})
    coverage = measured(policy, {"containers": [{"tty": True}, {}]})
    assert missing(coverage) == []


def test_every_expression_of_the_library_is_measured_and_evaluates_alike_when_watched() -> None:
    coverages = run_directory(library_directory() / "policies", measure=True).coverages
    unmeasured = {f"{coverage.policy}: {text}" for coverage in coverages for text in coverage.unmeasured}
    assert {text for text in unmeasured if not text.endswith("its key and lookup")} == set()
    assert len(coverages) == len(library_policies())
