"""The library, judged by its own tests and by the engine that customers run."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.evaluation import Evaluator
from plumbline.fixes import apply_patch
from plumbline.library import library_policies, library_standards
from plumbline.mappings import mapping_problems, policies_by_control
from plumbline.policies import Policy
from plumbline.resources import Resource
from plumbline.results import Result
from tests.policies.pod_security import CHECKS, refused
from tests.policies.pods import WORKLOADS, annotations, specs, workload

POLICIES = {policy.id: policy for policy in library_policies()}
STANDARDS = {standard.name: standard for standard in library_standards()}
PUBLISHED = [
    "privileged-container",
    "host-path",
    "host-network",
    "host-pid",
    "host-ipc",
    "host-ports",
    "host-process",
    "proc-mount",
    "run-as-non-root",
    "run-as-user-root",
    "allow-privilege-escalation",
    "capabilities-drop-all",
    "capabilities-add-baseline",
    "drop-net-raw",
    "seccomp",
    "selinux-options",
    "apparmor-profile",
    "sysctls",
    "host-probes",
    "volume-types",
    "read-only-root-filesystem",
    "cpu-limits",
    "memory-limits",
    "resource-requests",
    "image-latest-tag",
    "image-digest",
    "image-pull-policy-always",
    "liveness-probe",
    "readiness-probe",
    "automount-sa-token",
    "secrets-in-env",
    "docker-socket",
    "default-namespace",
    "service-nodeport",
    "service-loadbalancer",
    "service-external-ips",
    "ingress-tls",
    "ingress-wildcard-host",
    "rbac-wildcard",
    "cluster-admin-binding",
    "replicas",
    "pdb",
    "required-labels",
    "allowed-repos",
]
BASELINE = {
    "apparmor-profile",
    "capabilities-add-baseline",
    "host-ipc",
    "host-network",
    "host-path",
    "host-pid",
    "host-ports",
    "host-probes",
    "host-process",
    "privileged-container",
    "proc-mount",
    "seccomp-baseline",
    "selinux-options",
    "sysctls",
}
RESTRICTED_ONLY = {
    "allow-privilege-escalation",
    "capabilities-drop-all",
    "proc-mount-restricted",
    "run-as-non-root",
    "run-as-user-root",
    "seccomp",
    "volume-types",
}
POD_SECURITY = Evaluator(POLICIES[name] for name in CHECKS)


def cases_of(policy: Policy) -> list[dict[str, Any]]:
    assert policy.file is not None
    cases: list[dict[str, Any]] = yaml.safe_load((Path(policy.file).parent / "tests.yaml").read_text())
    return cases


CASES = [(policy, case) for policy in POLICIES.values() for case in cases_of(policy)]
MENDED = [
    (policy, case, kind)
    for policy, case in CASES
    if case["expect"] == "fail" and any(rule.fix for rule in policy.rules)
    for kind in (WORKLOADS if policy.match.kinds == ("workloads",) else [case["object"]["kind"]])
]


def evaluate(policy: Policy, obj: dict[str, Any], case: dict[str, Any]) -> list[Result]:
    """The policy's results for the object, judged together with the case's related objects."""
    params = case.get("params")
    evaluator = Evaluator([policy], {policy.id: params} if params else {})
    evaluator.survey(Resource(item) for item in (obj, *case.get("related", ())))
    return evaluator.evaluate(Resource(obj))


def verdict(results: list[Result]) -> str:
    statuses = {result.status for result in results}
    return next((status for status in ("fail", "error", "skip", "pass") if status in statuses), "none")


def transplanted(obj: dict[str, Any], kind: str) -> dict[str, Any]:
    """The same pod, owned by another kind."""
    if obj["kind"] == kind:
        return obj
    path = WORKLOADS[obj["kind"]][1]
    holder = obj
    for step in path[:-1]:
        holder = holder[step]
    return workload(kind, holder["spec"], (holder.get("metadata") or {}).get("annotations"))


def mended(policy: Policy, obj: dict[str, Any], case: dict[str, Any], rules: set[str]) -> dict[str, Any]:
    """The object after every fix that the failing rules propose, one at a time because list indexes move."""
    for _ in range(20):
        patches = [r.fix for r in evaluate(policy, obj, case) if r.status == "fail" and r.rule in rules]
        if not patches:
            return obj
        assert patches[0], "a failing rule that has a fix must propose it"
        obj = apply_patch(obj, patches[0])
    raise AssertionError("the fixes never end")


def test_published_ids_all_exist() -> None:
    assert set(PUBLISHED) - set(POLICIES) == set()


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
def test_policy_is_complete_and_tested_on_both_sides(policy: Policy) -> None:
    expected = [case["expect"] for case in cases_of(policy)]

    assert len(expected) >= 4
    assert {"pass", "fail"} <= set(expected)
    assert len(policy.why) > 80
    assert len(policy.guidance) > 60
    assert policy.severity_reason
    assert policy.references
    assert any(policy.controls.values())
    assert policy.file is not None
    assert Path(policy.file).parent.name == policy.id
    assert Path(policy.file).parent.parent.name == policy.category


@pytest.mark.parametrize(("policy", "case"), CASES, ids=[f"{p.id}: {c['name']}" for p, c in CASES])
def test_policy_judges_its_example_as_written(policy: Policy, case: dict[str, Any]) -> None:
    results = evaluate(policy, case["object"], case)

    assert verdict(results) == case["expect"]
    assert {case.get("path")} - {None} <= {result.path for result in results if result.status == "fail"}


@pytest.mark.parametrize(
    ("policy", "case", "kind"), MENDED, ids=[f"{p.id}: {c['name']}, {k}" for p, c, k in MENDED]
)
def test_fixes_make_their_own_rules_pass(policy: Policy, case: dict[str, Any], kind: str) -> None:
    obj = transplanted(case["object"], kind)
    fixable = {rule.name for rule in policy.rules if rule.fix}
    before = evaluate(policy, obj, case)

    after = evaluate(policy, mended(policy, obj, case, fixable), case)

    assert verdict(before) == "fail"
    assert verdict([result for result in after if result.rule in fixable]) in ("pass", "none")
    assert {result.rule for result in after} == {result.rule for result in before}


def test_pod_security_standards_select_exactly_their_policies() -> None:
    assert set(STANDARDS["pss-baseline"].policies) == BASELINE
    assert set(STANDARDS["pss-restricted"].policies) == BASELINE | RESTRICTED_ONLY


def test_standards_name_only_policies_that_exist() -> None:
    named = {name for standard in STANDARDS.values() for name in standard.policies}

    assert named - set(POLICIES) == set()


@pytest.mark.parametrize("name", STANDARDS)
def test_standard_and_policies_agree_on_the_controls(name: str) -> None:
    by_standard = {control.id: list(control.policies) for control in STANDARDS[name].own if control.policies}

    assert by_standard == policies_by_control(POLICIES.values(), name), "Run: plumbline standard sync"


def test_policies_name_only_controls_that_exist() -> None:
    assert [str(problem) for problem in mapping_problems(POLICIES.values(), STANDARDS.values())] == []


def test_the_model_covers_every_pod_security_policy() -> None:
    assert set(CHECKS) == BASELINE | RESTRICTED_ONLY


@settings(max_examples=300, deadline=None, derandomize=True)
@given(spec=specs, notes=annotations, kind=st.sampled_from(sorted(WORKLOADS)))
def test_pod_security_policies_agree_with_the_model(
    spec: dict[str, Any], notes: dict[str, str], kind: str
) -> None:
    results = POD_SECURITY.evaluate(Resource(workload(kind, spec, notes)))

    assert {result.policy for result in results if result.status == "error"} == set()
    assert {result.policy for result in results if result.status == "fail"} == refused(spec, notes)
