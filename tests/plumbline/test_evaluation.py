"""One expression, one verdict; an error is never a pass."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.engines.dependencies import parts_of
from plumbline.evaluation import Evaluator
from plumbline.fixes import apply_patch
from plumbline.library import library_policies
from plumbline.policies import PolicyError
from plumbline.resources import Resource
from tests.plumbline.fleet import FLEET, with_value_at
from tests.plumbline.objects import PRIVILEGED, deployment, policy

PRIVILEGED_WEB = [
    {"name": "log", "image": "log:1"},
    {"name": "web", "image": "web:1", "securityContext": {"privileged": True}},
]


def results(evaluator: Evaluator, obj: dict[str, Any]) -> list[Any]:
    return evaluator.evaluate(Resource(obj))


def test_each_container_is_judged_by_itself() -> None:
    found = results(Evaluator([policy()]), deployment(containers=PRIVILEGED_WEB))
    assert [(result.status, result.path) for result in found] == [
        ("pass", "spec.template.spec.containers[0].securityContext.privileged"),
        ("fail", "spec.template.spec.containers[1].securityContext.privileged"),
    ]
    assert found[1].found is True
    assert found[1].message == "Container web runs privileged"


def test_place_names_the_container_so_that_reordering_changes_nothing() -> None:
    evaluator = Evaluator([policy()])
    one = evaluator.judge(Resource(deployment(containers=PRIVILEGED_WEB))).results[0]
    other = evaluator.judge(Resource(deployment(containers=PRIVILEGED_WEB[::-1]))).results[0]
    assert one.place == other.place == "spec.template.spec.containers[web].securityContext.privileged"
    assert one.path != other.path


def test_containers_of_one_name_keep_their_indexes_apart() -> None:
    twins = [PRIVILEGED_WEB[1], PRIVILEGED_WEB[1]]
    places = {result.place for result in results(Evaluator([policy()]), deployment(containers=twins))}
    assert len(places) == 2


def test_applying_the_fix_makes_the_check_pass() -> None:
    obj = deployment(containers=PRIVILEGED_WEB)
    evaluator = Evaluator([policy()])
    fix = evaluator.judge(Resource(obj)).results[0].fix
    assert fix == [
        {
            "op": "replace",
            "path": "/spec/template/spec/containers/1/securityContext/privileged",
            "value": False,
        }
    ]
    assert evaluator.judge(Resource(apply_patch(obj, fix))).failed == 0


def test_judging_counts_what_evaluating_lists() -> None:
    resource = Resource(deployment(containers=PRIVILEGED_WEB))
    evaluator = Evaluator(library_policies())
    outcome, listed = evaluator.judge(resource), evaluator.evaluate(resource)
    assert outcome.checks == len(listed)
    assert outcome.failed == sum(result.status == "fail" for result in listed)
    assert [result for result in listed if result.status != "pass"] == outcome.results


def test_no_elements_is_one_pass_at_the_list() -> None:
    found = results(Evaluator([policy()]), deployment(containers=[]))
    assert [(result.status, result.path) for result in found] == [("pass", "spec.template.spec.containers")]


def test_null_fields_are_absent_as_for_the_api_server() -> None:
    containers = [{"name": "web", "securityContext": None}]
    assert [r.status for r in results(Evaluator([policy()]), deployment(containers=containers))] == ["pass"]


@pytest.mark.parametrize("containers", ["web", [None], [1], {"name": "web"}])
def test_malformed_containers_are_errors(containers: Any) -> None:
    found = results(Evaluator([policy()]), deployment(containers=containers))
    assert [result.status for result in found] == ["error"]
    assert "spec.template.spec.containers" in found[0].message


def test_a_pod_spec_that_is_no_object_is_an_error_for_every_rule() -> None:
    obj = {**deployment(), "spec": "nonsense"}
    found = results(Evaluator([policy()]), obj)
    assert [(result.status, result.path) for result in found] == [("error", "spec")]


def test_an_expression_that_errs_spoils_no_other() -> None:
    broken = {
        "name": "broken",
        "each": "containers",
        "expression": "container.nope == 1",
        "path": "",
        "message": "m",
    }
    found = results(Evaluator([policy(PRIVILEGED, broken)]), deployment())
    assert [result.status for result in found] == ["pass", "error"]
    assert "nope" in found[1].message


def test_a_verdict_that_is_not_boolean_is_an_error() -> None:
    rule = {"name": "text", "expression": "object.kind", "path": "kind", "message": "m"}
    found = results(Evaluator([policy(rule)]), deployment())
    assert [result.status for result in found] == ["error"]
    assert "not true or false" in found[0].message


def test_variables_and_parameters_of_two_policies_do_not_mix() -> None:
    parameters = {"schema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
    rule = {"name": "n", "expression": "variables.n == params.n", "path": "", "message": "m"}
    first = policy(
        rule,
        name="one",
        variables=[{"name": "n", "expression": "1"}],
        parameters={**parameters, "defaults": {"n": 1}},
    )
    second = policy(
        rule,
        name="two",
        variables=[{"name": "n", "expression": "2"}],
        parameters={**parameters, "defaults": {"n": 1}},
    )
    evaluator = Evaluator([first, second])
    assert [result.status for result in results(evaluator, deployment())] == ["pass", "fail"]
    given = Evaluator([first, second], {"two": {"n": 2}})
    assert [result.status for result in results(given, deployment())] == ["pass", "pass"]


def test_words_in_strings_are_left_alone() -> None:
    rule = {
        "name": "s",
        "expression": "'params variables.x .matches(' == \"params variables.x .matches(\"",
        "path": "",
        "message": "m",
    }
    assert [result.status for result in results(Evaluator([policy(rule)]), deployment())] == ["pass"]


def test_patterns_match_as_in_cel() -> None:
    rule = {
        "name": "s",
        "expression": "object.metadata.name.matches('^check.ut$')",
        "path": "",
        "message": "m",
    }
    assert [result.status for result in results(Evaluator([policy(rule)]), deployment())] == ["pass"]
    bad = {"name": "s", "expression": "object.metadata.name.matches(object.kind + '(')", "path": "", "message": "m"}
    assert [result.status for result in results(Evaluator([policy(bad)]), deployment())] == ["error"]


def test_evaluation_without_end_is_an_error_with_its_reason() -> None:
    over = "object.spec.list.all({name}, {inner})"
    inner = over.format(name="b", inner=over.format(name="c", inner="a + b + c >= 0"))
    rule = {"name": "s", "expression": over.format(name="a", inner=inner), "path": "", "message": "m"}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "spec": {"list": list(range(1000))}}
    found = results(Evaluator([policy(rule)]), job)
    assert [result.status for result in found] == ["error"]
    assert "iteration" in found[0].message.lower()


def test_a_pattern_that_would_backtrack_for_ever_is_matched_in_linear_time() -> None:
    rule = {"name": "s", "expression": "object.data.matches('^(a+)+$')", "path": "", "message": "m"}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "data": "a" * 100_000 + "!"}
    assert [result.status for result in results(Evaluator([policy(rule)]), job)] == ["fail"]


def test_nested_elements_bind_both_names() -> None:
    rule = {
        "name": "port",
        "each": {"in": "containers", "over": "ports", "as": "port"},
        "expression": "container.name == 'web' && !has(port.hostPort)",
        "path": "hostPort",
        "message": "Port {port.hostPort} of {container.name} is the node's",
        "fix": [{"op": "remove", "path": ""}],
    }
    containers = [{"name": "web", "ports": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 81}]}]
    failed = Evaluator([policy(rule)]).judge(Resource(deployment(containers=containers))).results
    assert [result.path for result in failed] == ["spec.template.spec.containers[0].ports[1].hostPort"]
    assert failed[0].message == "Port 81 of web is the node's"
    assert failed[0].fix == [{"op": "remove", "path": "/spec/template/spec/containers/0/ports/1"}]


def test_pod_spec_paths_begin_wherever_the_pod_spec_lies() -> None:
    rule = {
        "name": "host",
        "expression": "!variables.podSpec.?hostPID.orValue(false)",
        "path": "podSpec.hostPID",
        "message": "m",
    }
    job = {"spec": {"template": {"spec": {"hostPID": True}}}}
    cron_job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {}, "spec": {"jobTemplate": job}}
    assert [r.path for r in results(Evaluator([policy(rule)]), cron_job)] == [
        "spec.jobTemplate.spec.template.spec.hostPID"
    ]


def test_a_kind_of_the_same_name_in_another_group_owns_no_pods() -> None:
    other = {**deployment(), "apiVersion": "example.com/v1"}
    assert results(Evaluator([policy()]), other) == []


def test_excluded_namespaces_are_not_judged() -> None:
    excluding = policy(match={"kinds": ["workloads"], "namespaces": {"exclude": ["sh*"]}})
    assert results(Evaluator([excluding]), deployment()) == []


def test_parameters_that_do_not_fit_are_named() -> None:
    schema = {"type": "object", "properties": {"min": {"type": "integer"}}, "additionalProperties": False}
    taking = policy(parameters={"schema": schema})
    with pytest.raises(PolicyError, match="min"):
        Evaluator([taking], {"no-root": {"min": "two"}})
    with pytest.raises(PolicyError, match="takes no parameters"):
        Evaluator([policy()], {"no-root": {"min": 2}})
    with pytest.raises(PolicyError, match="no policy nope"):
        Evaluator([policy()], {"nope": {}})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["spec", "template", "containers", "volumes", "securityContext", "name", "env"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None)
@given(spec=JSON_VALUES, metadata=JSON_VALUES, kind=st.sampled_from(["Deployment", "CronJob", "Service", "Role"]))
def test_no_object_makes_the_library_crash(spec: Any, metadata: Any, kind: str) -> None:
    group = {"Deployment": "apps/v1", "CronJob": "batch/v1", "Role": "rbac.authorization.k8s.io/v1"}
    obj = {
        "apiVersion": group.get(kind, "v1"),
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
        "rules": spec,
    }
    outcome = LIBRARY.judge(Resource(obj), everything=True)
    assert outcome.checks == len(outcome.results)


@settings(max_examples=150, deadline=None)
@given(
    context=st.dictionaries(
        st.sampled_from(["privileged", "runAsNonRoot", "runAsUser", "procMount"]), JSON_VALUES, max_size=2
    ),
    pod=st.dictionaries(st.sampled_from(["hostUsers", "os", "hostPID", "securityContext"]), JSON_VALUES),
    image=st.sampled_from(["web", "web:1", "web:latest"]),
)
def test_what_was_remembered_is_what_would_be_judged_anew(
    context: dict[str, Any], pod: dict[str, Any], image: str
) -> None:
    resource = Resource(deployment(containers=[{"image": image, "securityContext": context}], **pod))
    remembering = LIBRARY.evaluate(resource)
    assert LIBRARY.evaluate(resource) == remembering
    ANEW.forget()
    assert ANEW.evaluate(resource) == remembering


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_order_of_objects_changes_what_is_said_of_them(data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.sampled_from(FLEET), min_size=2, max_size=12))
    objects = [copy.deepcopy(resource.object) for resource in drawn]
    resources = [Resource(with_value_at(data, obj)) for obj in objects]
    LIBRARY.survey(resources)
    remembering = {id(resource): LIBRARY.evaluate(resource) for resource in data.draw(st.permutations(resources))}
    ANEW.forget()
    ANEW.survey(resources)
    assert [ANEW.evaluate(resource) for resource in resources] == [remembering[id(resource)] for resource in resources]


def test_what_is_related_is_seen_anew_when_it_changed() -> None:
    rule = {"name": "t", "expression": "related.pods.all(pod, pod.spec.ok)", "path": "", "message": "m"}
    related = [{"name": "pods", "kinds": ["Pod"]}]
    evaluator = Evaluator([policy(rule, match={"kinds": ["Namespace"]}, related=related)])
    namespace = Resource({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    verdicts = []
    for ok in (True, False, True, 1):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "spec": {"ok": ok}}
        evaluator.survey([namespace, Resource(pod)])
        verdicts.append(evaluator.evaluate(namespace)[0].status)
    assert verdicts == ["pass", "fail", "pass", "error"]


def test_a_program_that_was_looked_into_says_what_it_said_before() -> None:
    rule = {"name": "t", "expression": "object.?spec.?on.orValue(object.spec.size > 1)", "path": "", "message": "m"}
    evaluator = Evaluator([policy(rule, match={"kinds": ["Service"]})])
    specs = [{"size": size} for size in range(60)] + [{"on": True}, {}, {"on": 1}]
    services = [Resource({"apiVersion": "v1", "kind": "Service", "spec": spec}) for spec in specs]
    first = [evaluator.evaluate(service)[0].status for service in services]
    assert [evaluator.evaluate(service)[0].status for service in services] == first
    assert first == ["fail"] * 2 + ["pass"] * 58 + ["pass", "error", "error"]


def test_what_is_no_map_is_not_taken_for_a_field_of_one() -> None:
    rule = {"name": "t", "expression": "object.?spec.?type.orValue('a') == 'a'", "path": "", "message": "m"}
    evaluator = Evaluator([policy(rule, match={"kinds": ["Service"]})])
    specs: list[Any] = [{}, "a", {"type": "a"}, {"type": "b"}, 1, [], {"type": True}, {"type": 1}]
    verdicts = [
        evaluator.evaluate(Resource({"apiVersion": "v1", "kind": "Service", "spec": spec}))[0].status for spec in specs
    ]
    assert verdicts == ["pass", "error", "pass", "fail", "error", "error", "fail", "fail"]


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("container.?image.orValue('')", {("container", "image")}),
        ("container.securityContext.privileged", {("container", "securityContext")}),
        ("container.all(key, key == 'name')", {("container",)}),
        ("container['image'] == '' && container.tty", {("container",)}),
        ("'a' in.container", {("container",)}),
        ("object.spec.container.x == 1", {("object", "spec", "container", "x")}),
        ("object.spec.exists(x, x == 1)", {("object", "spec")}),
        ("object . spec", None),
        ("variables.podSpec.?os.?name", {("variables", "podSpec", "os")}),
        ("variables.podSpec", None),
        ("variables.podMetadata.annotations", {("variables", "podMetadata", "annotations")}),
        ("cel.bind(c, container, c.image)", {("container",)}),
        ("params.min == 1", set()),
    ],
)
def test_an_expression_sees_at_least_what_it_reads(source: str, parts: set[Any] | None) -> None:
    assert parts_of(source, ["container"]) == parts


LIBRARY = Evaluator(library_policies())
ANEW = Evaluator(library_policies())
