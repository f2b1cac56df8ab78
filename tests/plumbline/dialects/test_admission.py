"""ValidatingAdmissionPolicy, as the API server evaluates it."""

from pathlib import Path
from typing import Any

import pytest

from plumbline.dialects.loading import read_directory
from tests.plumbline.dialects.directories import judged, problems, statuses, write

API = "admissionregistration.k8s.io/v1"
DEPLOYMENTS = {
    "apiGroups": ["apps"],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["deployments"],
}


def policy(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "asks"},
        "spec": {
            "matchConstraints": {"resourceRules": [DEPLOYMENTS]},
            "validations": [{"expression": "false"}],
            **spec,
        },
    }


def matching(**constraints: Any) -> dict[str, Any]:
    return policy(matchConstraints={"resourceRules": [DEPLOYMENTS], **constraints})


def binding(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "bound"},
        "spec": {"policyName": "asks", "validationActions": ["Deny"], **spec},
    }


def deployment(namespace: str | None = "shop", labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "web", "labels": labels or {}}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": 2, **spec}}


def config_map(name: str, namespace: str = "shop", labels: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def expression(source: str, **rest: Any) -> dict[str, Any]:
    return policy(validations=[{"expression": source, **rest}])


@pytest.mark.parametrize(
    ("constraints", "applies"),
    [
        ({"resourceRules": [DEPLOYMENTS]}, True),
        ({"resourceRules": [{**DEPLOYMENTS, "apiGroups": ["*"], "resources": ["*"]}]}, True),
        ({"resourceRules": [{**DEPLOYMENTS, "resources": ["*/*"]}]}, True),
        ({"resourceRules": [{**DEPLOYMENTS, "resources": ["deployments/scale"]}]}, False),
        ({"resourceRules": [{**DEPLOYMENTS, "resources": ["pods"]}]}, False),
        ({"resourceRules": [{**DEPLOYMENTS, "apiGroups": [""]}]}, False),
        ({"resourceRules": [{**DEPLOYMENTS, "resources": ["deployments/*"]}]}, True),
        ({"resourceRules": [{**DEPLOYMENTS, "apiVersions": ["v1beta1"]}]}, False),
        ({"resourceRules": [{**DEPLOYMENTS, "apiVersions": ["v1beta1", "v1"]}], "matchPolicy": "Exact"}, True),
        ({"resourceRules": [{**DEPLOYMENTS, "operations": ["UPDATE", "DELETE"]}]}, False),
        ({"resourceRules": [{**DEPLOYMENTS, "operations": ["*"]}]}, True),
        ({"resourceRules": [{**DEPLOYMENTS, "scope": "Cluster"}]}, False),
        ({"resourceRules": [{**DEPLOYMENTS, "resourceNames": ["api"]}]}, False),
        ({"excludeResourceRules": [{**DEPLOYMENTS, "resourceNames": ["web"]}]}, False),
        ({"objectSelector": {"matchLabels": {"tier": "front"}}}, True),
        ({"objectSelector": {"matchLabels": {"tier": "back"}}}, False),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}, True),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}, False),
        ({"namespaceSelector": {}}, True),
    ],
)
def test_constraints_say_what_a_policy_is_asked_about(
    tmp_path: Path, constraints: dict[str, Any], applies: bool
) -> None:
    results = judged(write(tmp_path, matching(**constraints)), deployment(labels={"tier": "front"}))

    assert bool(results) is applies


def served(*versions: str) -> dict[str, Any]:
    """The definition of Things, which gives them a size of 3."""
    schema = {"properties": {"spec": {"properties": {"size": {"default": 3}, "parts": {"items": {"default": "x"}}}}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.acme.example"},
        "spec": {
            "group": "acme.example",
            "names": {"kind": "Thing", "plural": "things"},
            "scope": "Cluster",
            "versions": [{"name": name, "served": True, "schema": {"openAPIV3Schema": schema}} for name in versions],
        },
    }


THING = {"apiVersion": "acme.example/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": {}}
THINGS = {"apiGroups": ["acme.example"], "apiVersions": ["v2"], "operations": ["*"], "resources": ["things"]}


@pytest.mark.parametrize(
    ("definitions", "applies"), [([], True), ([served("v1", "v2")], True), ([served("v1")], False)]
)
def test_only_served_versions_of_a_kind_are_equivalent(
    tmp_path: Path, definitions: list[dict[str, Any]], applies: bool
) -> None:
    results = judged(write(tmp_path, matching(resourceRules=[THINGS])), THING, *definitions)

    assert bool(results) is applies


def test_a_version_into_which_only_the_server_converts_is_a_skip(tmp_path: Path) -> None:
    scalers = {**DEPLOYMENTS, "apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"]}
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}}

    results = judged(write(tmp_path, matching(resourceRules=[scalers])), scaler)

    assert statuses(results) == [("match", "skip")]


def test_defaults_come_from_kubernetes_and_from_definitions_in_the_set(tmp_path: Path) -> None:
    replicas = write(tmp_path / "own", expression("object.spec.progressDeadlineSeconds == 600"))
    things = policy(matchConstraints={"resourceRules": [THINGS]}, validations=[{"expression": "object.spec.size == 3"}])
    sizes = write(tmp_path / "defined", things)

    assert statuses(judged(replicas, deployment())) == [("validation-1", "pass")]
    assert statuses(judged(sizes, THING, served("v1", "v2"))) == [("validation-1", "pass")]
    assert statuses(judged(sizes, THING)) == [("validation-1", "error")]


def test_a_name_is_made_where_only_its_beginning_is_given(tmp_path: Path) -> None:
    obj = {**deployment(), "metadata": {"generateName": "web-"}}

    results = judged(write(tmp_path, expression("false", messageExpression="object.metadata.name")), obj)

    assert [result.message for result in results] == ["web-xxxxx"]


def test_labels_of_a_namespace_come_from_the_set(tmp_path: Path) -> None:
    directory = write(tmp_path, matching(namespaceSelector={"matchLabels": {"env": "prod"}}))

    inside = judged(directory, deployment(), namespace("shop", env="prod"))
    outside = judged(directory, deployment(), namespace("shop", env="test"))

    assert (statuses(inside), outside) == ([("validation-1", "fail")], [])


def test_a_namespace_that_is_not_in_the_set_gives_a_skip_that_names_it(tmp_path: Path) -> None:
    directory = write(tmp_path, matching(namespaceSelector={"matchLabels": {"env": "prod"}}))

    results = judged(directory, deployment())

    assert statuses(results) == [("match", "skip")]
    assert "labels of the namespace shop" in results[0].message


def test_an_object_without_namespace_is_created_in_default(tmp_path: Path) -> None:
    directory = write(tmp_path, expression("object.metadata.namespace == 'default' && request.namespace == 'default'"))

    assert statuses(judged(directory, deployment(namespace=None))) == [("validation-1", "pass")]


def test_variables_see_those_before_them_and_are_evaluated_when_reached(tmp_path: Path) -> None:
    asks = policy(
        variables=[
            {"name": "broken", "expression": "object.spec.nothing.there"},
            {"name": "count", "expression": "object.spec.replicas"},
            {"name": "double", "expression": "variables.count * 2"},
        ],
        validations=[{"expression": "variables.double == 4 || variables.broken"}],
    )

    assert statuses(judged(write(tmp_path, asks), deployment())) == [("validation-1", "pass")]


def test_a_condition_that_is_false_makes_the_policy_silent_even_beside_an_error(tmp_path: Path) -> None:
    asks = policy(
        matchConditions=[
            {"name": "broken", "expression": "object.spec.nothing == 1"},
            {"name": "never", "expression": "false"},
        ]
    )

    assert judged(write(tmp_path, asks), deployment()) == []


def test_a_condition_that_fails_is_an_error(tmp_path: Path) -> None:
    conditions = [{"name": "broken", "expression": "object.spec.nothing == 1"}]
    asks = policy(matchConditions=conditions, failurePolicy="Ignore")

    results = judged(write(tmp_path, asks), deployment())

    assert statuses(results) == [("match-conditions", "error")]
    assert "broken" in results[0].message


def test_an_expression_that_fails_is_an_error_and_never_a_pass(tmp_path: Path) -> None:
    results = judged(write(tmp_path, expression("object.spec.nothing == 1")), deployment())

    assert statuses(results) == [("validation-1", "error")]


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ({}, "failed expression: object.spec.replicas > 2"),
        ({"message": "too few"}, "too few"),
        ({"message": "too few", "messageExpression": "'only ' + string(object.spec.replicas)"}, "only 2"),
        ({"message": "too few", "messageExpression": "object.spec.nothing"}, "too few"),
        ({"message": "too few", "messageExpression": "'  '"}, "too few"),
        ({"messageExpression": "'two\\nlines'"}, "failed expression: object.spec.replicas > 2"),
    ],
)
def test_the_message_is_the_one_that_the_api_server_gives(
    tmp_path: Path, validation: dict[str, str], message: str
) -> None:
    results = judged(write(tmp_path, expression("object.spec.replicas > 2", **validation)), deployment())

    assert [result.message for result in results] == [message]


def parameterized(**reference: Any) -> list[dict[str, Any]]:
    asks = policy(
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        validations=[{"expression": "object.spec.replicas <= int(params.data.max)"}],
    )
    return [asks, binding(paramRef=reference)]


def test_parameters_come_from_the_object_that_the_binding_names(tmp_path: Path) -> None:
    asks = parameterized(name="limits", namespace="ops")
    low = write(tmp_path / "low", *asks, config_map("limits", "ops", max="1"), config_map("limits", "shop", max="9"))
    high = write(tmp_path / "high", *asks, config_map("limits", "ops", max="2"))

    assert statuses(judged(low, deployment())) == [("validation-1", "fail")]
    assert statuses(judged(high, deployment())) == [("validation-1", "pass")]


def test_parameters_without_namespace_come_from_that_of_the_object(tmp_path: Path) -> None:
    directory = write(tmp_path, *parameterized(name="limits"), config_map("limits", "shop", max="1"))

    assert statuses(judged(directory, deployment())) == [("validation-1", "fail")]
    assert judged(directory, deployment("other")) == []


def test_each_selected_parameter_object_is_asked(tmp_path: Path) -> None:
    directory = write(
        tmp_path,
        *parameterized(selector={"matchLabels": {"is": "limit"}}),
        config_map("low", labels={"is": "limit"}, max="1"),
        config_map("high", labels={"is": "limit"}, max="9"),
        config_map("other", max="0"),
    )

    assert sorted(statuses(judged(directory, deployment()))) == [("validation-1", "fail"), ("validation-1", "pass")]


def test_absent_parameters_deny_only_where_the_binding_says_so(tmp_path: Path) -> None:
    denies = write(tmp_path / "deny", *parameterized(name="limits", parameterNotFoundAction="Deny"))
    allows = write(tmp_path / "allow", *parameterized(name="limits", parameterNotFoundAction="Allow"))

    assert statuses(judged(denies, deployment())) == [("params", "fail")]
    assert judged(allows, deployment()) == []


def test_a_binding_narrows_where_a_policy_is_in_force(tmp_path: Path) -> None:
    selector = {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}
    directory = write(tmp_path, policy(), binding(matchResources={"namespaceSelector": selector}))

    assert statuses(judged(directory, deployment())) == [("validation-1", "fail")]
    assert judged(directory, deployment("other")) == []


@pytest.mark.parametrize(
    ("actions", "severity"), [(["Deny"], "high"), (["Warn", "Audit"], "medium"), (["Audit"], "low")]
)
def test_severity_follows_what_the_binding_would_do(tmp_path: Path, actions: list[str], severity: str) -> None:
    results = judged(write(tmp_path, policy(), binding(validationActions=actions)), deployment())

    assert [result.severity for result in results] == [severity]


def test_audit_annotations_carry_their_value(tmp_path: Path) -> None:
    asks = policy(
        validations=[],
        auditAnnotations=[
            {"key": "count", "valueExpression": "'has ' + string(object.spec.replicas)"},
            {"key": "none", "valueExpression": "null"},
            {"key": "broken", "valueExpression": "object.spec.nothing"},
        ],
    )

    results = judged(write(tmp_path, asks), deployment())

    assert statuses(results) == [("audit-annotation-count", "pass"), ("audit-annotation-broken", "error")]
    assert results[0].message == "count: has 2"


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (expression("object.spec.replicas +"), "spec.validations[0].expression: column 23"),
        (expression("size(object.spec)"), "spec.validations[0].expression: the expression must yield a bool, not int"),
        (expression("true", messageExpression="1 + 1"), "messageExpression: the expression must yield string"),
        (expression("variables.nothing"), "unknown variable nothing"),
        (expression("params.data.max == '1'"), "undeclared reference to 'params'"),
        (expression("authorizer.group('').resource('pods').check('get').allowed()"), "authorizer"),
        (policy(paramKind={"apiVersion": "v1", "kind": "ConfigMap"}), "no ValidatingAdmissionPolicyBinding says which"),
        (policy(validation=[]), "spec: Additional properties are not allowed ('validation' was unexpected)"),
        (matching(resourceRules=[{**DEPLOYMENTS, "operations": ["LOOK"]}]), "spec.matchConstraints.resourceRules.0"),
        (binding(policyName="nobody"), "there is no ValidatingAdmissionPolicy nobody to bind"),
        ({**policy(), "kind": "MutatingAdmissionPolicy"}, "is not supported: it changes objects"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, document: dict[str, Any], problem: str) -> None:
    found = problems(write(tmp_path, document))

    assert [problem in text for text in found] == [True], found
    assert document["metadata"]["name"] in found[0]


def test_a_broken_policy_does_not_hide_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, expression("object.spec.replicas +"), name="broken.yaml")
    fine = policy()
    fine["metadata"] = {"name": "fine"}
    write(tmp_path, fine, name="fine.yaml")

    loaded = read_directory(tmp_path)

    assert [one.id for one in loaded.policies] == ["fine"]
    assert len(loaded.problems) == 1
