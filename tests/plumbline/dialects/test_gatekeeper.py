"""Gatekeeper's templates and constraints, as its audit judges."""

from pathlib import Path
from typing import Any

import pytest

from plumbline.dialects.loading import read_directory
from tests.plumbline.dialects.directories import judged, problems, statuses, write

REGO = """package k8sforbidden
violation[{"msg": msg, "details": {"path": path}}] {
    c := input.review.object.spec.containers[i]
    startswith(c.image, input.parameters.prefixes[_])
    msg := sprintf("container %v uses %v", [c.name, c.image])
    path := sprintf("spec.containers[%v].image", [i])
}
"""
SCHEMA = {
    "type": "object",
    "properties": {
        "prefixes": {"type": "array", "items": {"type": "string"}},
        "limit": {"type": "integer", "default": 3},
    },
}
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "a", "image": "good/a"}, {"name": "b", "image": "bad/b"}]},
}


def template(rego: str = REGO, kind: str = "K8sForbidden", **target: Any) -> dict[str, Any]:
    source = {} if "code" in target else {"rego": rego}
    return {
        "apiVersion": "templates.gatekeeper.sh/v1",
        "kind": "ConstraintTemplate",
        "metadata": {"name": kind.lower(), "annotations": {"metadata.gatekeeper.sh/title": "Forbidden images"}},
        "spec": {
            "crd": {"spec": {"names": {"kind": kind}, "validation": {"openAPIV3Schema": SCHEMA}}},
            "targets": [{"target": "admission.k8s.gatekeeper.sh", **source, **target}],
        },
    }


def constraint(match: dict[str, Any] | None = None, kind: str = "K8sForbidden", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "constraints.gatekeeper.sh/v1beta1",
        "kind": kind,
        "metadata": {"name": "no-bad"},
        "spec": {"match": match or {}, "parameters": {"prefixes": ["bad/"]}, **spec},
    }


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def test_violation_becomes_a_result_with_its_message_and_place(tmp_path: Path) -> None:
    (result,) = judged(write(tmp_path, template(), constraint()), POD)
    assert (result.status, result.policy, result.severity) == ("fail", "k8sforbidden-no-bad", "high")
    assert (result.message, result.path) == ("container b uses bad/b", "spec.containers[1].image")


def test_object_without_violation_passes(tmp_path: Path) -> None:
    good = {**POD, "spec": {"containers": [{"name": "a", "image": "good/a"}]}}
    assert statuses(judged(write(tmp_path, template(), constraint()), good)) == [("violation", "pass")]


@pytest.mark.parametrize(
    ("match", "applies"),
    [
        ({}, True),
        ({"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}, True),
        ({"kinds": [{"apiGroups": ["*"], "kinds": ["*"]}]}, True),
        ({"kinds": [{"kinds": ["Pod"]}]}, True),
        ({"kinds": [{"apiGroups": ["apps"], "kinds": ["Pod"]}]}, False),
        ({"kinds": [{"apiGroups": [""], "kinds": ["Service"]}, {"apiGroups": [""], "kinds": ["Pod"]}]}, True),
        ({"scope": "Namespaced"}, True),
        ({"scope": "Cluster"}, False),
        ({"namespaces": ["shop"]}, True),
        ({"namespaces": ["sh*"]}, True),
        ({"namespaces": ["*op"]}, True),
        ({"namespaces": ["*ho*"]}, True),
        ({"namespaces": ["other", "sho"]}, False),
        ({"excludedNamespaces": ["shop"]}, False),
        ({"excludedNamespaces": ["sh*"]}, False),
        ({"excludedNamespaces": ["kube-*"]}, True),
        ({"labelSelector": {"matchLabels": {"app": "web"}}}, True),
        ({"labelSelector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}}, False),
        ({"namespaceSelector": {"matchLabels": {"team": "a"}}}, True),
        ({"namespaceSelector": {"matchLabels": {"team": "b"}}}, False),
        ({"name": "web"}, True),
        ({"name": "w*"}, True),
        ({"name": "api"}, False),
        ({"source": "Generated"}, False),
        ({"source": "Original"}, True),
    ],
)
def test_match_narrows_as_gatekeeper_does(tmp_path: Path, match: dict[str, Any], applies: bool) -> None:
    results = judged(write(tmp_path, template(), constraint(match)), POD, namespace("shop", team="a"))
    assert bool(results) is applies


def test_labels_of_an_unknown_namespace_leave_the_constraint_undecided(tmp_path: Path) -> None:
    directory = write(tmp_path, template(), constraint({"namespaceSelector": {"matchLabels": {"team": "a"}}}))
    assert statuses(judged(directory, POD)) == [("match", "skip")]


@pytest.mark.parametrize(
    ("spec", "severity"),
    [
        ({}, "high"),
        ({"enforcementAction": "warn"}, "medium"),
        ({"enforcementAction": "dryrun"}, "low"),
        (
            {
                "enforcementAction": "scoped",
                "scopedEnforcementActions": [
                    {"action": "dryrun", "enforcementPoints": [{"name": "audit.gatekeeper.sh"}]},
                    {"action": "warn", "enforcementPoints": [{"name": "*"}]},
                ],
            },
            "medium",
        ),
    ],
)
def test_severity_is_that_of_the_sternest_action(tmp_path: Path, spec: dict[str, Any], severity: str) -> None:
    (policy,) = read_directory(write(tmp_path, template(), constraint(**spec))).policies
    assert policy.severity == severity


def test_defaults_of_the_schema_are_filled_in(tmp_path: Path) -> None:
    rego = 'package k\nviolation[{"msg": msg}] { msg := sprintf("limit %v", [input.parameters.limit]) }'
    (result,) = judged(write(tmp_path, template(rego), constraint()), POD)
    assert result.message == "limit 3"


def test_referential_policy_sees_the_other_objects(tmp_path: Path) -> None:
    rego = """package k
    violation[{"msg": msg}] {
        other := data.inventory.namespace[ns].v1.Pod[name]
        other.spec.hostname == input.review.object.spec.hostname
        not same(other)
        msg := sprintf("%v/%v has that hostname", [ns, name])
    }
    same(other) { other.metadata.name == input.review.object.metadata.name }
    """
    first = {**POD, "spec": {"hostname": "h"}}
    second = {**first, "metadata": {"name": "api"}}
    (result,) = judged(write(tmp_path, template(rego), constraint()), first, second)
    assert result.message == "default/api has that hostname"


def test_violation_without_a_message_is_an_error(tmp_path: Path) -> None:
    rego = 'package k\nviolation[{"message": "x"}] { true }'
    (result,) = judged(write(tmp_path, template(rego), constraint()), POD)
    assert result.status == "error"
    assert "a violation must have a msg" in result.message


def test_many_objects_are_judged_each_for_itself(tmp_path: Path) -> None:
    directory = write(tmp_path, template(), constraint())
    others = [
        {**POD, "metadata": {"name": f"p{index}"}, "spec": {"containers": [{"name": "c", "image": "good/c"}]}}
        for index in range(150)
    ]
    (result,) = judged(directory, POD, *others)
    assert result.message == "container b uses bad/b"


CEL: dict[str, Any] = {
    "engine": "K8sNativeValidation",
    "source": {
        "variables": [
            {"name": "bad", "expression": "variables.anyObject.spec.containers.filter(c, c.image.startsWith("
             "variables.params.prefixes[0]))"}
        ],
        "validations": [
            {
                "expression": "size(variables.bad) == 0",
                "messageExpression": "'bad images: ' + variables.bad.map(c, c.image).join(', ')",
            }
        ],
    },
}


def test_cel_is_preferred_where_a_template_brings_both(tmp_path: Path) -> None:
    code = [CEL, {"engine": "Rego", "source": {"rego": REGO}}]
    directory = write(tmp_path, template(code=code), constraint())
    (result,) = judged(directory, POD)
    assert result.message == "bad images: bad/b"
    (policy,) = read_directory(directory).policies
    assert policy.judge is not None
    assert policy.judge.engine == "CEL"


def test_long_chains_of_variables_are_evaluated_one_by_one(tmp_path: Path) -> None:
    variables = [{"name": "v0", "expression": "variables.anyObject.spec.containers.map(c, c.image)"}]
    variables += [{"name": f"v{n}", "expression": f"variables.v{n - 1} + variables.v{n - 1}.filter(i, false)"}
                  for n in range(1, 40)]
    source = {"variables": variables, "validations": [{"expression": "!('bad/b' in variables.v39)", "message": "no"}]}
    code = [{"engine": "K8sNativeValidation", "source": source}]
    (result,) = judged(write(tmp_path, template(code=code), constraint()), POD)
    assert (result.status, result.message) == ("fail", "no")


def test_conditions_leave_objects_out(tmp_path: Path) -> None:
    source = {**CEL["source"], "matchCondition": [{"name": "never", "expression": "false"}]}
    code = [{"engine": "K8sNativeValidation", "source": source}]
    assert judged(write(tmp_path, template(code=code), constraint()), POD) == []


def test_rego_of_version_1_and_libraries(tmp_path: Path) -> None:
    source = {
        "version": "v1",
        "rego": "package k\nimport data.lib.images\n"
        'violation contains {"msg": msg} if { some c in input.review.object.spec.containers; msg := images.said(c) }',
        "libs": ['package lib.images\nsaid(c) := sprintf("%v is bad", [c.name]) if startswith(c.image, "bad/")'],
    }
    code = [{"engine": "Rego", "source": source}]
    (result,) = judged(write(tmp_path, template(code=code), constraint()), POD)
    assert result.message == "b is bad"


def _template_without(step: str) -> dict[str, Any]:
    made = template()
    del made["spec"][step]
    return made


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ([constraint()], "there is no ConstraintTemplate for the kind K8sForbidden"),
        ([_template_without("targets")], "targets"),
        ([template("package k\nviolation[x] {\n x := \n}")], "spec.targets[0].rego: line 4, column 1: unexpected '}'"),
        ([template("package k\ndeny[x] { x := 1 }")], "has no rule violation"),
        ([template('package k\nviolation[{"msg": m}] { m := data.secrets.x }')], "line 2: there is no data.secrets"),
        (
            [template('package k\nviolation[{"msg": "x"}] {\n http.send({}) }')],
            "spec.targets[0].rego: line 3: uses http.send, which is refused",
        ),
        ([template(rego=REGO, libs=["package other\nf(x) = x"])], "must be of a package below lib, not other"),
        ([{**template(), "metadata": {"name": "other"}}], "metadata.name: must be k8sforbidden"),
        ([template(), template()], "another template defines the kind K8sForbidden too"),
        ([template(), constraint(parameters={"prefixes": "bad"})], "spec.parameters.prefixes"),
        ([template(), constraint({"namespace": ["a"]})], "spec.match"),
        ([template(), constraint({"scope": "cluster"})], "spec.match.scope: must be one of *, Cluster, Namespaced"),
        ([template(), constraint(enforcementAction="block")], "spec.enforcementAction"),
        ([template(code=[{"engine": "Lua", "source": {"rego": ""}}])], "there is no engine Lua here"),
        (
            [
                template(
                    code=[{"engine": "K8sNativeValidation", "source": {"validations": [{"expression": "params.x"}]}}]
                ),
                constraint(),
            ],
            "use variables.params",
        ),
        (
            [{"apiVersion": "mutations.gatekeeper.sh/v1", "kind": "Assign", "metadata": {"name": "a"}}],
            "Assign a: is not supported: it changes objects",
        ),
        (
            [{"apiVersion": "externaldata.gatekeeper.sh/v1beta1", "kind": "Provider", "metadata": {"name": "p"}}],
            "Provider p: is not supported: external data",
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, documents: list[dict[str, Any]], said: str) -> None:
    found = problems(write(tmp_path, *documents))
    assert any(said in problem for problem in found), found


def test_template_that_no_constraint_uses_asks_for_nothing(tmp_path: Path) -> None:
    loaded = read_directory(write(tmp_path, template()))
    assert (loaded.policies, loaded.problems) == ([], [])
