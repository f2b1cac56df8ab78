"""A rule that looks for secrets must not print the one that it finds."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.evaluation import Evaluator
from plumbline.library import library_policies
from plumbline.policies import Policy, parse_policy
from plumbline.resources import Resource
from tests.plumbline.objects import deployment

LIBRARY = {policy.id: policy for policy in library_policies()}
POD = {"name": "web", "image": "web:1", "args": ["--password=hunter2"], "env": [{"name": "TOKEN", "value": "hunter2"}]}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"password": "changeme"}}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"password": "hunter2"}}


def example(**rule: Any) -> Policy:
    return parse_policy(
        {
            "apiVersion": "plumbline.dev/v1",
            "kind": "Policy",
            "metadata": {"name": "example"},
            "spec": {
                "title": "An example",
                "category": "secrets",
                "severity": "high",
                "why": "Because.",
                "guidance": "Do.",
                "match": {"kinds": ["ConfigMap"]},
                "rules": [
                    {"name": "a", "expression": "false", "path": "data.password", "message": "It is {found}", **rule}
                ],
            },
        }
    )


@pytest.mark.parametrize(
    ("policy", "obj"),
    [
        ("credential-in-env", deployment(containers=[POD])),
        ("credential-in-args", deployment(containers=[POD])),
        ("secret-in-manifest", SECRET),
        ("default-password", SECRET),
        ("credential-in-configmap", CONFIG),
    ],
)
def test_library_does_not_repeat_the_secret(policy: str, obj: dict[str, Any]) -> None:
    failed = [result for result in Evaluator([LIBRARY[policy]]).evaluate(Resource(obj)) if result.status == "fail"]

    assert failed
    assert "hunter2" not in repr(failed)
    assert "changeme" not in repr(failed)


def test_sensitive_rule_says_that_there_is_a_value_and_nothing_more() -> None:
    [result] = Evaluator([example(sensitive=True)]).evaluate(Resource(CONFIG))

    assert result.found == "<redacted>"
    assert result.message == "It is <redacted>"
    assert result.path == "data.password"


def test_sensitive_rule_says_nothing_of_what_is_absent() -> None:
    [result] = Evaluator([example(sensitive=True)]).evaluate(Resource({**CONFIG, "data": {}}))

    assert result.found is None


def test_other_rules_show_what_they_found() -> None:
    [result] = Evaluator([example()]).evaluate(Resource(CONFIG))

    assert result.found == "hunter2"
