"""The proof for the library: every fix, on every kind of workload, in the text of manifests."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline import paths
from plumbline.edits import fix_text
from plumbline.edits.places import steps_of
from plumbline.evaluation import Evaluator
from plumbline.fixes import apply_patch
from plumbline.manifests.parsing import parse_document
from plumbline.policies import Policy
from plumbline.resources import Resource
from tests.plumbline.edits.styles import STYLES, Style, write_json
from tests.policies.pods import WORKLOADS, specs, workload
from tests.policies.test_library import MENDED, POLICIES, transplanted

NAMED = [f"{policy.id}: {case['name']}, {kind}" for policy, case, kind in MENDED]
AS_WRITTEN = [(policy, case) for policy, case, kind in MENDED if case["object"]["kind"] == kind]

WHOLE = Evaluator(POLICIES.values())


@lru_cache(maxsize=1024)
def _evaluator(policy: str, params: str) -> Evaluator:
    return Evaluator([POLICIES[policy]], {policy: json.loads(params)} if params != "null" else {})


def evaluator_of(policy: Policy, case: dict[str, Any]) -> Evaluator:
    return _evaluator(policy.id, json.dumps(case.get("params") or None))


def mended(evaluator: Evaluator, obj: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The object after its fixes, one at a time, and how many lines at most a value of it that changed takes up."""
    touched = 0
    for _ in range(50):
        patches = [result.fix for result in evaluator.judge(Resource(obj)).results if result.fix]
        if not patches:
            break
        for op in patches[0]:
            path = steps_of(op["path"], obj)
            touched += 2 + len(leaves(paths.lookup(obj, path)))
            obj = apply_patch(obj, [op])
    return obj, touched


def leaves(value: Any) -> list[Any]:
    children = list(value.values() if isinstance(value, dict) else value) if isinstance(value, dict | list) else []
    return [value, *(leaf for child in children for leaf in leaves(child))]


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())
@pytest.mark.parametrize(("policy", "case", "kind"), MENDED, ids=NAMED)
def test_fixed_text_passes_and_keeps_the_rest(policy: Policy, case: dict[str, Any], kind: str, style: Style) -> None:
    evaluator = evaluator_of(policy, case)
    obj = transplanted(case["object"], kind)
    text = style.write(obj)
    expected, touched = mended(evaluator, obj)

    fixed = fix_text(text, evaluator)

    fixable = {rule.name for rule in policy.rules if rule.fix}
    broken = [r for r in evaluator.judge(Resource(obj)).results if r.status == "fail" and r.rule in fixable]
    assert fixed.fixed >= len(broken)
    assert [violation for violation in fixed.remaining if violation.rule in fixable] == []
    assert parse_document(fixed.text.removeprefix(style.lead)) == expected
    before, after = text.split(style.newline), fixed.text.split(style.newline)
    assert [line for line in after if line in set(before)] == [line for line in before if line in set(after)]
    assert len(set(before) - set(after)) <= touched
    assert fixed.text.endswith(style.newline) is style.ends_with_newline
    assert fixed.text.count("\n") == fixed.text.count(style.newline)
    again = fix_text(fixed.text, evaluator)
    assert (again.text, again.fixed) == (fixed.text, 0)


@pytest.mark.parametrize(("policy", "case"), AS_WRITTEN, ids=[f"{p.id}: {c['name']}" for p, c in AS_WRITTEN])
def test_fixed_json_is_json_as_it_was_laid_out(policy: Policy, case: dict[str, Any]) -> None:
    evaluator = evaluator_of(policy, case)
    expected, _ = mended(evaluator, case["object"])

    fixed = fix_text(write_json(case["object"]), evaluator)

    assert json.loads(fixed.text) == expected
    assert fix_text(fixed.text, evaluator).text == fixed.text


@settings(max_examples=60, deadline=None, derandomize=True)
@given(spec=specs, kind=st.sampled_from(sorted(WORKLOADS)), style=st.sampled_from(sorted(STYLES)))
def test_all_policies_together_come_to_rest(spec: dict[str, Any], kind: str, style: str) -> None:
    text = STYLES[style].write(workload(kind, spec))

    fixed = fix_text(text, WHOLE)

    assert fixed.refused == []
    assert fix_text(fixed.text, WHOLE).text == fixed.text
