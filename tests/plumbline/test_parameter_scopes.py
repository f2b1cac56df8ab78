"""Parameters by cluster, environment, team, namespace and resource: the most specific entry decides."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.evaluation import Evaluator
from plumbline.inventories import Inventory
from plumbline.judges import Verdict
from plumbline.parameters import Entry
from plumbline.parameters.loading import everywhere, load_parameters
from plumbline.policies import Policy, PolicyError
from plumbline.resources import Resource
from plumbline.scopes import ScopeMatch, Scopes, TeamSpaces
from tests.plumbline.declared import by_id, document, parameters_document, write
from tests.plumbline.objects import deployment, policy

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"min": {"type": "integer", "minimum": 1}, "max": {"type": "integer"}},
    "additionalProperties": False,
}
DEPENDENT = {**SCHEMA, "dependentRequired": {"max": ["min"]}}
RULE = {
    "name": "min",
    "expression": "object.?spec.?replicas.orValue(1) >= params.min",
    "path": "spec.replicas",
    "message": "Fewer than {params.min}",
}
REPLICAS = policy(RULE, name="replicas", parameters={"schema": SCHEMA, "defaults": {"min": 1}})
SCOPES = Scopes("eu-1", "production", (TeamSpaces("payments", ("shop",)),), {"shop": {"tier": "front"}})


def workload(replicas: int, name: str = "checkout", namespace: str = "shop", **labels: str) -> Resource:
    obj = deployment()
    obj["metadata"] = {"name": name, "namespace": namespace, "labels": labels}
    obj["spec"]["replicas"] = replicas
    return Resource(obj)


def entry(match: ScopeMatch, policy_id: str = "replicas", **values: Any) -> Entry:
    return Entry(policy_id, match, values)


def judged(evaluator: Evaluator, *resources: Resource) -> list[str]:
    return [result.message or "pass" for resource in resources for result in evaluator.evaluate(resource)]


LEVELS = [
    ScopeMatch(),
    ScopeMatch(environments=("production",)),
    ScopeMatch(clusters=("eu-*",)),
    ScopeMatch(clusters=("eu-1",)),
    ScopeMatch(clusters=("eu-1",), environments=("production",)),
    ScopeMatch(teams=("payments",)),
    ScopeMatch(teams=("payments",), clusters=("eu-1",)),
    ScopeMatch(namespaces=("sh*",)),
    ScopeMatch(namespaces=("shop",)),
    ScopeMatch(namespaces=("shop",), kinds=("Deployment",)),
    ScopeMatch(namespaces=("shop",), teams=("payments",)),
    ScopeMatch(namespaces=("shop",), names=("check*",)),
    ScopeMatch(namespaces=("shop",), names=("checkout",)),
]


@pytest.mark.parametrize(("general", "specific"), list(itertools.pairwise(LEVELS)))
@pytest.mark.parametrize("in_order", [True, False])
def test_the_more_specific_entry_decides_wherever_it_stands(
    general: ScopeMatch, specific: ScopeMatch, in_order: bool
) -> None:
    entries = [entry(general, min=5), entry(specific, min=3)]
    evaluator = Evaluator([REPLICAS], overlays=entries if in_order else entries[::-1], scopes=SCOPES)
    assert judged(evaluator, workload(1), workload(3)) == ["Fewer than 3", "pass"]


def test_of_equally_specific_entries_the_later_one_counts() -> None:
    same = ScopeMatch(namespaces=("shop",))
    evaluator = Evaluator([REPLICAS], overlays=[entry(same, min=5), entry(same, min=3)], scopes=SCOPES)
    assert judged(evaluator, workload(1)) == ["Fewer than 3"]


def test_parameters_are_put_together_key_by_key() -> None:
    both = {**RULE, "expression": "object.spec.replicas >= params.min && object.spec.replicas <= params.max"}
    ranged = policy(
        {**both, "message": "{params.min} to {params.max}"},
        name="replicas",
        parameters={"schema": SCHEMA, "defaults": {"min": 1, "max": 9}},
    )
    overlays = [entry(ScopeMatch(clusters=("eu-1",)), max=5), entry(ScopeMatch(namespaces=("shop",)), min=3)]
    evaluator = Evaluator([ranged], {"replicas": {"min": 2}}, overlays=overlays, scopes=SCOPES)
    assert judged(evaluator, workload(6), workload(6, namespace="other")) == ["3 to 5", "2 to 5"]


def test_resources_that_look_the_same_are_judged_by_their_own_parameters() -> None:
    overlays = [
        entry(ScopeMatch(namespaces=("strict",)), min=4),
        entry(ScopeMatch(namespaces=("loose",)), min=2),
        entry(ScopeMatch(namespaces=("loose",), names=("odd",)), min=4),
    ]
    evaluator = Evaluator([REPLICAS], overlays=overlays, scopes=SCOPES)
    places = [("strict", "web"), ("loose", "web"), ("other", "web"), ("loose", "odd")]
    resources = [workload(3, name, namespace) for namespace, name in places]
    expected = ["Fewer than 4", "pass", "pass", "Fewer than 4"]
    assert judged(evaluator, *resources) == expected
    assert judged(evaluator, *reversed(resources)) == expected[::-1]


@given(
    mins=st.lists(st.integers(1, 4), min_size=3, max_size=3),
    seen=st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.integers(1, 4)), max_size=12),
)
@settings(deadline=None, max_examples=50)
def test_remembered_verdicts_are_those_of_an_evaluator_that_remembers_nothing(
    mins: list[int], seen: list[tuple[str, int]]
) -> None:
    overlays = [entry(ScopeMatch(namespaces=(name,)), min=least) for name, least in zip("abc", mins, strict=True)]
    remembering = Evaluator([REPLICAS], overlays=overlays)
    resources = [workload(replicas, namespace=namespace) for namespace, replicas in seen]
    assert judged(remembering, *resources) == [
        message for resource in resources for message in judged(Evaluator([REPLICAS], overlays=overlays), resource)
    ]


def test_other_policies_keep_their_groups_and_their_memory() -> None:
    other = policy(name="other")
    evaluator = Evaluator([REPLICAS, other], overlays=[entry(ScopeMatch(namespaces=("shop",)), min=3)])
    groups = [
        {group.checks[0].policy.id: group for sheaf in evaluator.plan(resource).sheaves for group in sheaf.groups}
        for resource in (workload(1), workload(1, namespace="elsewhere"))
    ]
    assert groups[0]["other"] is groups[1]["other"]
    assert groups[0]["replicas"] is not groups[1]["replicas"]
    assert groups[0]["replicas"].program is groups[1]["replicas"].program


def test_places_with_the_same_parameters_share_one_plan() -> None:
    evaluator = Evaluator([REPLICAS], overlays=[entry(ScopeMatch(namespaces=("shop",)), min=3)])
    assert evaluator.plan(workload(1)) is evaluator.plan(workload(2, name="other"))
    assert evaluator.plan(workload(1, namespace="a")) is evaluator.plan(workload(1, namespace="b"))


@given(labels=st.dictionaries(st.sampled_from(["team", "tier", "cluster"]), st.sampled_from(["payments", "front"])))
@settings(deadline=None, max_examples=20)
def test_labels_of_a_manifest_never_choose_its_parameters(labels: dict[str, str]) -> None:
    overlays = [
        entry(ScopeMatch(teams=("payments",)), min=1),
        entry(ScopeMatch(namespace_selector={"matchLabels": {"tier": "front"}}), min=1),
    ]
    evaluator = Evaluator([REPLICAS], {"replicas": {"min": 3}}, overlays=overlays, scopes=SCOPES)
    assert judged(evaluator, workload(1, "x", "out", **labels), workload(1)) == ["Fewer than 3", "pass"]


def test_a_value_may_be_required_as_long_as_another_entry_gives_it() -> None:
    needing = policy({**RULE, "message": "m"}, name="replicas", parameters={"schema": DEPENDENT})
    overlays = [
        entry(ScopeMatch(clusters=("eu-1",)), min=2),
        entry(ScopeMatch(namespaces=("shop", "out")), max=5),
    ]
    together = Evaluator([needing], overlays=overlays, scopes=SCOPES)
    assert judged(together, workload(2)) == ["pass"]


def test_parameters_that_do_not_fit_together_are_an_error_and_never_a_pass() -> None:
    picky = policy({**RULE, "message": "m"}, name="replicas", parameters={"schema": DEPENDENT})
    evaluator = Evaluator([picky, policy()], overlays=[entry(ScopeMatch(namespaces=("shop",)), max=5)])
    outcome = evaluator.judge(workload(9), everything=True)
    assert sorted((result.policy, result.status) for result in outcome.results) == [
        ("no-root", "pass"),
        ("replicas", "error"),
    ]
    assert "could not be evaluated: parameters of replicas" in outcome.results[-1].message
    assert set(outcome.policies) == {"no-root", "replicas"}


class Echo:
    """A judge of another format that fails with its parameters."""

    engine = "none"
    needs_inventory = False

    def judge(self, resource: Resource, inventory: Inventory, params: dict[str, Any]) -> list[Verdict]:
        return [Verdict("echo", "fail", f"min is {params['min']}")]


def test_policies_of_other_formats_are_given_their_parameters() -> None:
    foreign = Policy(
        "foreign", "t", "imported", "low", "w", "g", REPLICAS.match, (), parameters_schema=SCHEMA, judge=Echo()
    )
    evaluator = Evaluator(
        [foreign], {"foreign": {"min": 1}}, overlays=[entry(ScopeMatch(namespaces=("shop",)), "foreign", min=7)]
    )
    assert judged(evaluator, workload(1), workload(1, namespace="out")) == ["min is 7", "min is 1"]


def test_policies_that_look_at_several_objects_are_given_their_parameters() -> None:
    lonely = policy(
        {**RULE, "expression": "size(related.quotas) >= params.min"},
        name="replicas",
        related=[{"name": "quotas", "kinds": ["ResourceQuota"]}],
        parameters={"schema": SCHEMA, "defaults": {"min": 1}},
    )
    evaluator = Evaluator([lonely], overlays=[entry(ScopeMatch(namespaces=("shop",)), min=2)])
    assert judged(evaluator, workload(1), workload(1, namespace="out")) == ["Fewer than 2", "Fewer than 1"]


# Files.


def test_a_file_is_read_into_what_holds_everywhere_and_what_holds_somewhere(tmp_path: Path) -> None:
    file = write(
        tmp_path / "params.yaml",
        parameters_document({"policy": "replicas", "values": {"min": 2}}),
        parameters_document(
            {"policy": "replicas", "match": {"namespaces": ["shop"], "names": ["checkout"]}, "values": {"max": 9}},
            {"policy": "replicas", "match": {}, "values": {"max": 7}},
        ),
    )
    entries, problems = load_parameters(file, by_id(REPLICAS))
    assert problems == []
    whole, others = everywhere(entries)
    assert whole == {"replicas": {"min": 2, "max": 7}}
    assert others == [Entry("replicas", ScopeMatch(namespaces=("shop",), names=("checkout",)), {"max": 9})]


@pytest.mark.parametrize(
    ("item", "field", "words"),
    [
        ({"policy": "replica", "values": {"min": 1}}, ".policy", "there is no policy replica; did you mean replicas?"),
        ({"policy": "replicas", "values": {"mim": 1}}, ".values.mim", "no parameter mim; did you mean min?"),
        ({"policy": "replicas", "values": {"min": "two"}}, ".values.min", '"two" is not of type "integer"'),
        ({"policy": "replicas", "values": {"min": 0}}, ".values.min", "0 is less than the minimum of 1"),
        ({"policy": "replicas", "values": {}}, ".values", "{} has less than 1 property"),
        ({"policy": "replicas", "valus": {"min": 1}, "values": {"min": 1}}, "", "'valus' was unexpected"),
        ({"policy": "replicas", "match": {"team": "a"}, "values": {"min": 1}}, ".match", "'team' was unexpected"),
        (
            {"policy": "replicas", "match": {"selector": {"matchLabels": {"a": "b"}}}, "values": {"min": 1}},
            ".match.selector",
            "labels of an object are written by its author",
        ),
        (
            {"policy": "replicas", "match": {"names": ["web"]}, "values": {"min": 1}},
            ".match.names",
            "could be taken by anybody",
        ),
        ({"policy": "no-root", "values": {"min": 1}}, ".values", "no-root takes no parameters"),
    ],
)
def test_what_is_wrong_is_named_by_field_and_line(
    tmp_path: Path, item: dict[str, Any], field: str, words: str
) -> None:
    file = write(tmp_path / "params.yaml", parameters_document({"policy": "replicas", "values": {"max": 1}}, item))
    _, (problem,) = load_parameters(file, by_id(REPLICAS, policy()))
    assert problem.message.startswith(f"PolicyParameters acme: spec.entries[1]{field}: ")
    assert words in problem.message
    assert problem.file == str(file)
    assert problem.line is not None
    assert problem.line >= 9


def test_what_depends_on_other_parameters_is_judged_once_they_are_together(tmp_path: Path) -> None:
    dependent = policy(RULE, name="replicas", parameters={"schema": DEPENDENT})
    file = write(tmp_path / "params.yaml", parameters_document({"policy": "replicas", "values": {"max": 3}}))
    assert load_parameters(file, by_id(dependent))[1] == []


def test_what_are_no_parameters_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "params.yaml", document("PolicyParams", "typo", {}))
    _, (problem,) = load_parameters(file, by_id(REPLICAS))
    assert "is PolicyParams of plumbline.dev/v1, not PolicyParameters" in problem.message


def test_parameters_that_hold_everywhere_must_fit(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="parameters of replicas"):
        Evaluator([REPLICAS], {"replicas": {"min": 0}}, overlays=[entry(ScopeMatch(namespaces=("shop",)), min=2)])
