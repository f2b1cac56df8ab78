"""Cases are judged, and differences say what was expected and what was found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.testing.cases import Case
from plumbline.testing.running import CaseRun, run_cases
from plumbline.testing.suites import run_directory
from tests.plumbline.objects import PRIVILEGED, deployment, policy, policy_document
from tests.plumbline.testing.folders import FAIL, PASS, write_folder

MESSAGE = "Container web runs privileged"
UNFIXED = {**PRIVILEGED, "fix": [{"op": "set", "path": "securityContext.other", "value": True}]}
REFERRING = policy_document(
    {"name": "there", "expression": "size(related.configs) == 1", "path": "", "message": "not one"},
    match={"kinds": ["Pod"]},
    related=[
        {
            "name": "configs",
            "kinds": ["ConfigMap"],
            "key": "object.metadata.name",
            "lookup": "object.spec.config",
            "missing": "skip",
        }
    ],
)
ADMISSION = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: few-replicas}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
  validations: [{expression: object.spec.replicas <= 5, message: too many}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: few-replicas}
spec: {policyName: few-replicas, validationActions: [Deny]}
"""
SUITE = {
    "template.yaml": """\
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: ownedthings}
spec:
  crd: {spec: {names: {kind: OwnedThings}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    code:
    - engine: K8sNativeValidation
      source:
        validations: [{expression: "'owner' in object.metadata.?labels.orValue({})", message: no owner}]
""",
    "constraint.yaml": """\
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: OwnedThings
metadata: {name: owner}
spec: {match: {kinds: [{apiGroups: [""], kinds: [Namespace]}]}}
""",
    "object.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
    "suite.yaml": """\
apiVersion: test.gatekeeper.sh/v1alpha1
kind: Suite
metadata: {name: owners}
tests:
- name: owners
  template: template.yaml
  constraint: constraint.yaml
  cases:
  - {name: none, object: object.yaml, assertions: [{violations: 1, message: no owner}]}
  - {name: wrong, object: object.yaml, assertions: [{violations: no}]}
  - {name: later, object: object.yaml, skip: true}
""",
}


def privileged(**changes: Any) -> Case:
    return replace(Case(line=1, **{name: FAIL[name] for name in ("name", "object", "expect", "path")}), **changes)


def judged(case: Case, *rules: dict[str, Any]) -> CaseRun:
    return run_cases(policy(*rules), [case], "tests.yaml").cases[0]


def replicas(number: int, expect: str) -> dict[str, Any]:
    meta = {"name": "shop"}
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"replicas": number}}
    return {"name": f"{number} replicas", "object": obj, "expect": expect}


@pytest.mark.parametrize(
    "case",
    [
        privileged(),
        privileged(rule="privileged", message=MESSAGE),
        privileged(fixed=deployment(containers=[{"name": "web", "securityContext": {"privileged": False}}])),
        privileged(object=deployment(containers=12), expect="error", path="spec.template.spec.containers"),
        privileged(object={"apiVersion": "v1", "kind": "Service"}, expect="none", path=None),
        privileged(object=deployment(), expect="pass", path=None),
    ],
    ids=lambda case: f"{case.expect} {case.rule} {case.fixed is not None}",
)
def test_a_case_as_expected_has_no_differences(case: Case) -> None:
    assert judged(case).differences == []


@pytest.mark.parametrize(
    ("case", "difference"),
    [
        (privileged(expect="pass", path=None), "verdict: expected pass, got fail"),
        (privileged(expect="none", path=None), "verdict: expected none, got fail"),
        (privileged(path="spec"), f"path: expected spec, got {FAIL['path']}"),
        (privileged(path=""), f"path: expected (the object itself), got {FAIL['path']}"),
        (privileged(rule="root"), "rule: expected root, got privileged"),
        (privileged(message="no"), f"message: expected no, got {MESSAGE}"),
        (privileged(params={"a": 1}), "params: no-root: takes no parameters"),
    ],
)
def test_a_difference_says_what_was_expected_and_what_was_found(case: Case, difference: str) -> None:
    assert judged(case).differences == [difference]


def test_a_fix_after_which_the_rule_still_fails_is_a_difference() -> None:
    (difference,) = judged(privileged(), UNFIXED).differences
    assert difference.startswith("fix: rule privileged at spec.template.spec.containers[0]")


def test_an_object_that_is_fixed_otherwise_is_a_difference() -> None:
    (difference,) = judged(privileged(fixed=deployment())).differences
    assert difference.startswith("fixed: expected ")
    assert ', got {"apiVersion": "apps/v1"' in difference


def test_a_policy_tested_on_one_side_is_named() -> None:
    run = run_cases(policy(), [privileged()], "tests.yaml")
    assert (run.missing, run.is_good) == (("pass",), False)


def test_related_objects_are_judged_together_with_the_object(tmp_path: Path) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"config": "c"}}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    there = {"name": "there", "object": pod, "related": [config], "expect": "pass"}
    twice = {"name": "twice", "object": pod, "related": [config, config], "expect": "fail", "path": ""}
    missing = {"name": "missing", "object": pod, "expect": "skip"}
    write_folder(tmp_path, there, twice, missing, document=REFERRING)
    run = run_directory(tmp_path)
    assert [case.differences for case in run.policies[0].cases] == [[], [], []]


def test_policies_of_other_formats_are_judged_by_their_own_engine(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(ADMISSION)
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump([replicas(6, "fail"), replicas(5, "pass")]))
    run = run_directory(tmp_path, measure=True)
    (found,) = run.policies
    assert (run.is_good, run.problems) == (True, [])
    assert (found.policy.format, found.engine) == ("ValidatingAdmissionPolicy", "CEL")
    assert found.coverage is not None
    assert found.coverage.unmeasured == ("a ValidatingAdmissionPolicy is judged as a whole",)


def test_what_cannot_be_used_does_not_stop_the_rest(tmp_path: Path) -> None:
    write_folder(tmp_path)
    broken = write_folder(tmp_path, document=policy_document(name="broken", severity="urgent"))
    (tmp_path / "lonely").mkdir()
    (tmp_path / "lonely" / "tests.yaml").write_text(yaml.safe_dump([PASS]))
    run = run_directory(tmp_path)
    assert [(found.policy.id, found.passed) for found in run.policies] == [("no-root", 2)]
    assert [problem.file for problem in run.problems] == [str(tmp_path / "lonely"), str(broken / "policy.yaml")]


def test_several_policies_in_a_folder_are_told_apart_by_the_case(tmp_path: Path) -> None:
    second = ADMISSION.replace("few-replicas", "other").replace("<= 5", "<= 7")
    (tmp_path / "policy.yaml").write_text(f"{ADMISSION}---\n{second}")
    cases = [{**replicas(6, "fail"), "policy": "few-replicas"}, {**replicas(8, "fail"), "policy": "other"}]
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump([*cases, replicas(1, "pass")]))
    run = run_directory(tmp_path)
    assert [(found.policy.id, found.passed) for found in run.policies] == [("few-replicas", 1), ("other", 1)]
    assert run.problems[0].message.endswith("it must name its policy: few-replicas, other")


def test_suites_of_gator_are_run_by_the_engine_of_their_policy(tmp_path: Path) -> None:
    for name, text in SUITE.items():
        (tmp_path / name).write_text(text)
    run = run_directory(tmp_path)
    (suite,) = run.suites
    assert [(case.case, case.outcome) for case in suite.cases] == [
        ("none", "passed"),
        ("wrong", "failed"),
        ("later", "skipped"),
    ]
    assert (suite.engine, suite.passed, run.is_good, run.problems) == ("CEL", 1, False, [])


def test_a_suite_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE["suite.yaml"].replace("tests:", "tets:"))
    assert [problem.file for problem in run_directory(tmp_path).problems] == [str(tmp_path / "suite.yaml")]
