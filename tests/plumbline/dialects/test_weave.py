"""Policies of Weave's policy agent."""

from pathlib import Path
from typing import Any

import pytest

from plumbline.dialects.loading import read_directory
from plumbline.evaluation import Evaluator
from plumbline.resources import Resource
from tests.plumbline.dialects.directories import judged, problems, statuses, write

CODE = """package example.replicas
import future.keywords.in

exclude := input.parameters.exclude_namespaces
violation[result] {
    not excluded
    input.review.object.spec.replicas < input.parameters.count
    result = {
        "issue_detected": true,
        "msg": sprintf("'%v' is less than %v", [input.review.object.spec.replicas, input.parameters.count]),
        "violating_key": "spec.replicas"
    }
}
excluded { input.review.object.metadata.namespace in exclude }
"""
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {"replicas": 1},
}


def policy(code: str = CODE, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "pac.weave.works/v2beta2",
        "kind": "Policy",
        "metadata": {"name": "weave.policies.replicas"},
        "spec": {
            "id": "weave.policies.replicas",
            "name": "Enough replicas",
            "description": "One replica is none when it stops.",
            "how_to_solve": "Set spec.replicas.",
            "category": "weave.categories.reliability",
            "severity": "medium",
            "targets": {"kinds": ["Deployment"]},
            "standards": [],
            "parameters": [
                {"name": "count", "type": "integer", "required": True, "value": 2},
                {"name": "exclude_namespaces", "type": "array", "required": False, "value": None},
            ],
            "code": code,
            **spec,
        },
    }


def test_violation_becomes_a_result_at_its_key(tmp_path: Path) -> None:
    (result,) = judged(write(tmp_path, policy()), DEPLOYMENT)
    assert (result.status, result.policy, result.severity) == ("fail", "weave-policies-replicas", "medium")
    assert (result.message, result.path) == ("'1' is less than 2", "spec.replicas")


def test_policy_says_what_the_document_says(tmp_path: Path) -> None:
    (read,) = read_directory(write(tmp_path, policy())).policies
    assert (read.title, read.why, read.guidance) == (
        "Enough replicas",
        "One replica is none when it stops.",
        "Set spec.replicas.",
    )


def test_parameters_may_be_given_otherwise(tmp_path: Path) -> None:
    (read,) = read_directory(write(tmp_path, policy())).policies
    for given, expected in (({"count": 1}, "pass"), ({"count": 5}, "fail"), ({"exclude_namespaces": ["shop"]}, "pass")):
        evaluator = Evaluator([read], {read.id: given})
        assert statuses(evaluator.evaluate(Resource(DEPLOYMENT))) == [("violation", expected)]


@pytest.mark.parametrize(
    ("spec", "applies"),
    [
        ({"targets": {"kinds": ["Deployment", "StatefulSet"]}}, True),
        ({"targets": {"kinds": ["StatefulSet"]}}, False),
        ({"targets": {"kinds": ["Deployment"], "namespaces": ["shop"]}}, True),
        ({"targets": {"kinds": ["Deployment"], "namespaces": ["other"]}}, False),
        ({"targets": {"kinds": ["Deployment"], "labels": [{"app": "web"}]}}, True),
        ({"targets": {"kinds": ["Deployment"], "labels": [{"app": "*"}]}}, True),
        ({"targets": {"kinds": ["Deployment"], "labels": [{"app": "api"}]}}, False),
        ({"exclude": {"namespaces": ["shop"]}}, False),
        ({"exclude": {"resources": ["shop/web"]}}, False),
        ({"exclude": {"labels": [{"app": "web"}]}}, False),
        ({"exclude": {"namespaces": ["other"]}}, True),
        ({"enabled": False}, True),
    ],
)
def test_targets_and_exclusions_narrow(tmp_path: Path, spec: dict[str, Any], applies: bool) -> None:
    assert bool(judged(write(tmp_path, policy(**spec)), DEPLOYMENT)) is applies


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (policy(code="package x\nviolation[r] { r := }"), "spec.code: line 2, column 21: unexpected '}'"),
        (policy(code="package x\ndeny[r] { r := 1 }"), "spec.code: has no rule violation"),
        (policy(code="package x\nviolation[r] { r := http.send({}) }"), "line 2: uses http.send, which is refused"),
        (policy(severity="fatal"), "spec.severity"),
        (policy(provider="terraform"), "spec.provider: is not supported: it judges terraform"),
        (
            {"apiVersion": "pac.weave.works/v2beta2", "kind": "PolicyConfig", "metadata": {"name": "c"}},
            "PolicyConfig c: is not supported: give the parameters with --params",
        ),
        (
            {"apiVersion": "pac.weave.works/v2beta2", "kind": "PolicySet", "metadata": {"name": "s"}},
            "PolicySet s: is not supported: choose policies with --policy",
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, document: dict[str, Any], said: str) -> None:
    (found,) = problems(write(tmp_path, document))
    assert said in found


def test_result_without_a_message_is_an_error(tmp_path: Path) -> None:
    code = 'package x\nviolation[r] { r := {"issue_detected": true} }'
    (result,) = judged(write(tmp_path, policy(code)), DEPLOYMENT)
    assert result.status == "error"
