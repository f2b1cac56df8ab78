"""Kyverno's ValidatingPolicy, as Kyverno evaluates it."""

from pathlib import Path
from typing import Any

import pytest

from tests.plumbline.dialects.directories import judged, problems, statuses, write

API = "policies.kyverno.io/v1"
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}


def policy(
    expression: str, kind: str = "ValidatingPolicy", namespace: str | None = None, **spec: Any
) -> dict[str, Any]:
    metadata = {"name": "asks", "namespace": namespace} if namespace else {"name": "asks"}
    return {
        "apiVersion": API,
        "kind": kind,
        "metadata": metadata,
        "spec": {
            "matchConstraints": {"resourceRules": [PODS]},
            "validations": [{"expression": expression, "message": "not so"}],
            **spec,
        },
    }


def exception(*conditions: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "PolicyException",
        "metadata": {"name": "legacy"},
        "spec": {
            "policyRefs": [{"name": "asks", "kind": "ValidatingPolicy"}],
            "matchConditions": [{"name": f"c{index}", "expression": text} for index, text in enumerate(conditions)],
            **spec,
        },
    }


def pod(namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": namespace, "labels": {"app": "web"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"hostNetwork": True, **spec}}


def owner(kind: str, group: str = "apps") -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod()["spec"]}
    spec = {"template": template}
    return {
        "apiVersion": f"{group}/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"jobTemplate": {"spec": spec}} if kind == "CronJob" else spec,
    }


HOST_NETWORK = "!object.spec.hostNetwork && object.metadata.namespace != ''"


@pytest.mark.parametrize(
    "obj",
    [
        pod(),
        owner("Deployment"),
        owner("StatefulSet"),
        owner("DaemonSet"),
        owner("ReplicaSet"),
        owner("Job", "batch"),
        owner("CronJob", "batch"),
    ],
    ids=lambda obj: obj["kind"],
)
def test_a_policy_on_pods_is_asked_of_what_owns_them(tmp_path: Path, obj: dict[str, Any]) -> None:
    results = judged(write(tmp_path, policy(HOST_NETWORK)), obj)

    assert [(result.status, result.message) for result in results] == [("fail", "not so")]


def test_labels_of_the_pod_template_are_meant_and_the_namespace_is_not(tmp_path: Path) -> None:
    asks = policy("object.metadata.labels.app == 'web' && object.metadata.namespace == 'shop'")

    assert statuses(judged(write(tmp_path, asks), owner("Deployment"))) == [("validation-1", "pass")]


def test_texts_within_expressions_are_left_alone(tmp_path: Path) -> None:
    asks = policy("object.spec.hostNetwork && 'object.spec' != 'object.' + 'spec.template.spec'")

    assert statuses(judged(write(tmp_path, asks), owner("Deployment"))) == [("validation-1", "pass")]


def test_a_policy_may_choose_its_controllers(tmp_path: Path) -> None:
    asks = policy(HOST_NETWORK, autogen={"podControllers": {"controllers": ["cronjobs"]}})
    directory = write(tmp_path, asks)

    assert judged(directory, owner("Deployment")) == []
    assert statuses(judged(directory, owner("CronJob", "batch"))) == [("validation-1", "fail")]


def test_a_policy_on_more_than_pods_is_asked_of_them_alone(tmp_path: Path) -> None:
    rules = [{**PODS, "resources": ["pods", "services"]}]

    assert (
        judged(write(tmp_path, policy("false", matchConstraints={"resourceRules": rules})), owner("Job", "batch")) == []
    )


def test_a_namespaced_policy_is_asked_in_its_namespace(tmp_path: Path) -> None:
    directory = write(tmp_path, policy("false", kind="NamespacedValidatingPolicy", namespace="shop"))

    assert statuses(judged(directory, pod())) == [("validation-1", "fail")]
    assert judged(directory, pod("other")) == []


def test_an_exception_gives_a_skip_that_names_it(tmp_path: Path) -> None:
    directory = write(tmp_path, policy(HOST_NETWORK), exception("object.metadata.name == 'web'", "true"))

    results = judged(directory, pod())

    assert [(result.status, result.message) for result in results] == [
        ("skip", "excepted by the PolicyException legacy")
    ]


@pytest.mark.parametrize(
    "other",
    [
        exception("object.metadata.name == 'api'"),
        exception("true", "false"),
        exception("true", expiresAt="2020-01-01T00:00:00Z"),
        exception("true", policyRefs=[{"name": "another"}]),
    ],
)
def test_an_exception_that_does_not_hold_excepts_nothing(tmp_path: Path, other: dict[str, Any]) -> None:
    assert statuses(judged(write(tmp_path, policy(HOST_NETWORK), other), pod())) == [("validation-1", "fail")]


def test_an_exception_that_cannot_be_evaluated_excepts_nothing_and_is_an_error(tmp_path: Path) -> None:
    results = judged(write(tmp_path, policy(HOST_NETWORK), exception("object.spec.nothing == 1")), pod())

    assert statuses(results) == [("validation-1", "fail"), ("exception", "error")]


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": data}


def test_other_objects_are_looked_up_in_the_set(tmp_path: Path) -> None:
    asks = policy(
        "object.metadata.name in variables.names && variables.count == 2",
        variables=[
            {
                "name": "names",
                "expression": "resource.Get('v1', 'configmaps', 'sh' + 'op', 'na' + 'mes').data.l.split(',')",
            },
            {"name": "count", "expression": "size(resource.List('v1', 'configmaps', 'shop').items)"},
        ],
        autogen={"podControllers": {"controllers": []}},
    )
    directory = write(tmp_path, asks)

    known = judged(directory, pod(), config_map("names", l="api,web"), config_map("other"))
    unknown = judged(directory, pod(), config_map("one"), config_map("other"))

    assert statuses(known) == [("validation-1", "pass")]
    assert statuses(unknown) == [("validation-1", "error")]


def test_a_list_of_nothing_is_empty(tmp_path: Path) -> None:
    asks = policy("resource.list('v1', 'secrets', 'shop').items.size() == 0")

    assert statuses(judged(write(tmp_path, asks), pod())) == [("validation-1", "pass")]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (policy("true", evaluation={"mode": "JSON"}), "spec.evaluation.mode: the mode JSON is not supported"),
        (policy("http.Get('http://example.com').body == ''"), "undeclared reference to 'http'"),
        (policy("true", rules=[]), "Additional properties are not allowed ('rules' was unexpected)"),
        (exception("true", expiresAt="tomorrow"), "spec.expiresAt: 'tomorrow' is not an instant"),
        (exception("true", images=["*"]), "Additional properties are not allowed ('images' was unexpected)"),
        (policy("true", kind="MutatingPolicy"), "is not supported: it changes the cluster"),
        (policy("true", kind="ImageValidatingPolicy"), "is not supported: it verifies images"),
        ({**policy("true", kind="ClusterPolicy"), "apiVersion": "kyverno.io/v1"}, "is not supported: only Kyverno's"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, document: dict[str, Any], problem: str) -> None:
    found = problems(write(tmp_path, document))

    assert [problem in text for text in found] == [True], found
    assert document["metadata"]["name"] in found[0]


def test_policies_of_two_formats_may_share_a_name(tmp_path: Path) -> None:
    native = policy("true")
    native |= {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy"}

    results = judged(write(tmp_path, policy("false"), native), pod())

    assert {result.policy for result in results} == {"asks", "asks-validatingadmissionpolicy"}
