"""Bad input is named, located and bounded, and the rest is still evaluated."""

import copy
import functools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.dialects.loading import read_directory
from plumbline.engines.cel import ExpressionError
from plumbline.evaluation import Evaluator
from plumbline.library import library_policies
from plumbline.manifests import LoadError, load
from plumbline.policies import Policy
from plumbline.resources import Resource
from plumbline.results import Result

Object = dict[str, Any]
EXPLODES = "((a{1000}){1000}){1000}"


@functools.cache
def library() -> Evaluator:
    return Evaluator(library_policies())


def config_map(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": data}


def own(name: str, expression: str, **spec: Any) -> Object:
    rule = {"name": "look", "expression": expression, "path": "", "message": "No"}
    return {
        "apiVersion": "plumbline.dev/v1",
        "kind": "Policy",
        "metadata": {"name": name},
        "spec": {
            "title": "Own policy",
            "category": "metadata",
            "severity": "low",
            "why": "To see",
            "guidance": "Look",
            "match": {"kinds": ["ConfigMap"]},
            "rules": [rule],
            **spec,
        },
    }


def parameterized(name: str, schema: Object, defaults: Object) -> Object:
    return own(name, "object.data.x.matches(params.pattern)", parameters={"schema": schema, "defaults": defaults})


def admission(name: str, expression: str) -> Object:
    everything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [everything]},
            "validations": [{"expression": expression}],
        },
    }


TEXT = {"type": "object", "properties": {"pattern": {"type": "string"}}}
NESTED_LOOPS = "[1,2,3,4,5,6,7,8,9,10].map(a, " * 5 + "1" + ")" * 5 + " == []"
TEMPLATE = "{{- if .Values.on }}\napiVersion: plumbline.dev/v1\nkind: Policy\n{{- end }}\n"
LARGE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n" + f"  ? k\n  : {'x' * 1000}\n" * 50_000

BROKEN: dict[str, tuple[Object | str | bytes, str]] = {
    "an unknown field": (own("a", "true", surprise=1), "spec: Additional properties are not allowed ('surprise'"),
    "defaults that do not fit": (parameterized("a", TEXT, {"pattern": 1}), "spec.parameters.defaults.pattern: 1 is"),
    "a default without a schema": (parameterized("a", TEXT, {"other": "x"}), "other is not in the schema"),
    "a schema that is none": (parameterized("a", {"type": "thing"}, {}), "parameters.schema: is not a JSON schema"),
    "an expression that is none": (own("a", "object.data.x +"), "spec.rules[0].expression: column 16"),
    "an expression that is too deep": (own("a", "(" * 500 + "true" + ")" * 500), "more than 32 levels deep"),
    "an expression that is too long": (own("a", f"'{'x' * 20_000}' == ''"), "longer than 16384 characters"),
    "a pattern that explodes": (own("a", f"object.kind.matches('{EXPLODES}')"), "is not a regular expression"),
    "a template": (TEMPLATE, "this is a template, not a manifest ({{- if .Values.on }})"),
    "a binary file": (bytes(range(256)), "is not UTF-8 text"),
    "a NUL character": ("apiVersion: plumbline.dev/v1\nkind: Policy\nmetadata: {name: \0}\n", "NUL character"),
    "a key given twice": ("apiVersion: v1\nkind: Policy\nkind: Policy\n", "the key 'kind' is given twice"),
    "50 megabytes": (LARGE, "larger than 32 MiB"),
    "another format that is broken": (admission("a", "object.spec +"), "spec.validations[0].expression: column 14"),
}


def write(directory: Path, name: str, content: Object | str | bytes) -> None:
    if isinstance(content, dict):
        content = yaml.safe_dump(content)
    (directory / name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(("content", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_a_policy_that_cannot_be_used_is_named_and_its_neighbour_judges(
    tmp_path: Path, content: Object | str | bytes, problem: str
) -> None:
    write(tmp_path, "broken.yaml", content)
    write(tmp_path, "fine.yaml", own("fine", "false"))

    loaded = read_directory(tmp_path)
    results = Evaluator(loaded.policies).evaluate(Resource(config_map(x="a")))

    assert [problem in item.message for item in loaded.problems] == [True], loaded.problems
    assert [(Path(str(item.file)).name, bool(item.line)) for item in loaded.problems] == [("broken.yaml", True)]
    assert [(result.policy, result.status) for result in results] == [("fine", "fail")]


def test_of_two_policies_with_one_id_the_second_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", own("same", "false"))
    write(tmp_path, "b.yaml", own("same", "true"))

    loaded = read_directory(tmp_path)

    assert [policy.id for policy in loaded.policies] == ["same"]
    assert [item.message for item in loaded.problems] == [f"the id same is already taken by {tmp_path / 'a.yaml'}"]


ENDLESS: dict[str, tuple[Object, str]] = {
    "nested loops": (own("a", NESTED_LOOPS), "budget"),
    "nested loops of an admission policy": (admission("a", NESTED_LOOPS), "budget"),
    "a pattern from parameters": (parameterized("a", TEXT, {"pattern": EXPLODES}), "is not a regular expression"),
    "a pattern made up": (admission("a", f"object.kind.matches(object.kind + '{EXPLODES}')"), "is not a regular"),
    "a text that doubles": (own("a", "object.data.x" + ".replace('a', 'aaaaaaaaaa')" * 8 + " == ''"), "characters"),
}


@pytest.mark.parametrize(("policy", "reason"), ENDLESS.values(), ids=ENDLESS.keys())
def test_what_takes_too_much_is_an_error_with_its_reason_and_others_judge(
    tmp_path: Path, policy: Object, reason: str
) -> None:
    write(tmp_path, "a.yaml", policy)
    write(tmp_path, "b.yaml", own("fine", "false"))
    loaded = read_directory(tmp_path)

    results = {item.policy: item for item in Evaluator(loaded.policies).evaluate(Resource(config_map(x="a" * 1000)))}

    assert (loaded.problems, results["a"].status, results["fine"].status) == ([], "error", "fail")
    assert reason in results["a"].message


def test_a_pattern_that_backtracks_elsewhere_is_linear_here(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", own("a", "object.data.x.matches('^(a+)+$') || object.data.x.matches('^(a|aa)+$')"))

    results = Evaluator(read_directory(tmp_path).policies).evaluate(Resource(config_map(x="a" * 100_000 + "b")))

    assert [result.status for result in results] == ["fail"]


def test_checks_that_do_not_compile_together_are_judged_alone(tmp_path: Path) -> None:
    """Two expressions as deep as one may be do not fit into one list."""
    deepest = "dyn(" * 30 + "false" + ")" * 30
    for name in ("a", "b"):
        write(tmp_path, f"{name}.yaml", own(name, deepest))

    results = Evaluator(read_directory(tmp_path).policies).evaluate(Resource(config_map()))

    assert [(result.policy, result.status) for result in results] == [("a", "fail"), ("b", "fail")]


def pod(containers: int) -> Object:
    listed = [{"name": f"c{i}", "image": f"registry.acme.example/a{i}:1"} for i in range(containers)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "crowd"}, "spec": {"containers": listed}}


def test_a_pod_of_5000_containers_is_an_error_with_its_reason_for_the_whole_library() -> None:
    results = library().evaluate(Resource(pod(5000)))

    assert len(results) > 100
    assert {result.status for result in results} == {"error"}
    assert all("has 5000 entries, and no more than 500 are judged" in result.message for result in results)


def test_a_pod_of_500_containers_is_judged(tmp_path: Path) -> None:
    policies = [policy for policy in library_policies() if policy.category == "images"]

    outcome = Evaluator(policies).judge(Resource(pod(500)))

    assert outcome.passed > 500
    assert outcome.errored == 0


def nested(depth: int) -> Object:
    obj = config_map()
    for _ in range(depth):
        obj = {"apiVersion": "v1", "kind": "List", "items": [obj]}
    return obj


def found(tmp_path: Path, text: str | bytes, name: str = "m.yaml") -> list[str]:
    write(tmp_path, name, text)
    return [
        f"{item.line}: {item.message}" if isinstance(item, LoadError) else item.kind for item in load([tmp_path / name])
    ]


def test_lists_of_lists_are_opened_and_nested_ones_named(tmp_path: Path) -> None:
    assert found(tmp_path, json.dumps(nested(3))) == ["ConfigMap"]
    assert found(tmp_path, json.dumps(nested(40))) == ["1: Lists are nested deeper than 5 levels"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("apiVersion: v1\nkind: List\nitems: null\n", []),
        ("apiVersion: v1\nkind: List\nitems: {a: 1}\n", ["1: the items of a List must be a list"]),
        ("apiVersion: v1\nkind: [Pod]\n", ["1: kind must be text"]),
        ("apiVersion: 1\nkind: Pod\n", ["1: apiVersion must be text"]),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nmetadata: {}\n", ["4: the key 'metadata' is given twice"]),
        ("a: " + "[" * 5000 + "]" * 5000, ["1: nested deeper than 100 levels"]),
        ("apiVersion: v1\nkind: {{ .Values.kind }}\n---\napiVersion: v1\nkind: Pod\n", ["Pod"]),
    ],
)
def test_a_manifest_that_cannot_be_read_is_located(tmp_path: Path, text: str, said: list[str]) -> None:
    assert found(tmp_path, text)[-len(said) or 1 :] == said


SELECTORS: list[Any] = ["app=web", 1, ["app"], {"matchLabels": "app"}, {"matchExpressions": [{"key": 1}]}, {"a": {}}]


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
@pytest.mark.parametrize(
    ("api", "kind", "field"),
    [
        ("v1", "Service", "selector"),
        ("networking.k8s.io/v1", "NetworkPolicy", "podSelector"),
        ("policy/v1", "PodDisruptionBudget", "selector"),
        ("apps/v1", "Deployment", "selector"),
    ],
)
def test_a_selector_that_is_none_is_never_an_exception(api: str, kind: str, field: str, selector: Any) -> None:
    obj = {"apiVersion": api, "kind": kind, "metadata": {"name": "odd"}, "spec": {field: selector}}
    resources = [Resource(obj), Resource(pod(1))]
    library().survey(resources)

    assert all(library().evaluate(resource) for resource in resources)


def test_thousands_of_related_objects_are_judged() -> None:
    """Each is looked up by its labels: asking every pair would take minutes."""
    policies = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"n{i}", "namespace": "shop"},
            "spec": {"podSelector": {"matchLabels": {"app": f"a{i}"}}, "policyTypes": ["Ingress"]},
        }
        for i in range(5000)
    ]
    labelled = pod(1)
    labelled["metadata"] = {"name": "web", "namespace": "shop", "labels": {"app": "a4999"}}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    library().survey(Resource(item) for item in (labelled, space, *policies))

    outcomes = [library().judge(Resource(item)) for item in (labelled, space, *policies[:200])]

    assert [outcome.errored for outcome in outcomes] == [0] * 202


JUNK: list[Any] = [
    None, 0, -1, 1.5, True, "", "x", "\0", "é" * 50, "9" * 40, "x" * 100_000, "a/b:c@d", "*", "{{ x }}", "[",
    "(a+)+$", [], [None], [[]], ["x"], [1, {}], {}, {"a": None}, {"name": []}, {"matchLabels": "x"}, {"": ""},
    2**62, -(2**63), 1e308,
]  # fmt: skip


@functools.cache
def bases() -> list[Object]:
    """The objects of the library's own tests: each shape that some policy looks into."""
    return [case["object"] for policy in library_policies() for case in cases_of(policy)]


def cases_of(policy: Policy) -> list[Object]:
    assert policy.file is not None
    cases: list[Object] = yaml.safe_load((Path(policy.file).parent / "tests.yaml").read_text())
    return cases


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to all that is in an object but its kind."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        if path or step not in ("apiVersion", "kind"):
            yield (*path, step)
            yield from places(item, (*path, step))


def spoiled(obj: Object, changes: list[tuple[int, int]]) -> Object:
    """A copy with something else at some places."""
    obj = copy.deepcopy(obj)
    for where, junk in changes:
        *path, last = (known := list(places(obj)))[where % len(known)]
        functools.reduce(lambda value, step: value[step], path, obj)[last] = copy.deepcopy(JUNK[junk % len(JUNK)])
    return obj


def errors_alone(resource: Resource) -> Counter[tuple[str, str]]:
    """By policy and rule, for how many elements the expression alone errs."""
    errors: Counter[tuple[str, str]] = Counter()
    for check, instance in library().instances(resource):
        try:
            check.program.evaluate(instance.activation)
        except ExpressionError:
            errors[check.policy.id, check.rule.name] += 1
    return errors


def errors_of(results: list[Result]) -> Counter[tuple[str, str]]:
    return Counter((result.policy, result.rule) for result in results if result.status == "error")


numbers = st.integers(0, 10_000)
changes = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(which=numbers, changed=changes, other=numbers, changed_other=changes)
def test_objects_of_wrong_types_are_never_an_exception_and_an_error_is_never_a_pass(
    which: int, changed: list[tuple[int, int]], other: int, changed_other: list[tuple[int, int]]
) -> None:
    resource = Resource(spoiled(bases()[which % len(bases())], changed))
    library().survey([resource, Resource(spoiled(bases()[other % len(bases())], changed_other))])

    results = library().evaluate(resource)

    alone, together = errors_alone(resource), errors_of(results)
    assert {rule: count for rule, count in alone.items() if together[rule] < count} == {}
