"""Fixes are patches that fit, and diffs that a person can read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline import paths
from plumbline.evaluation import Evaluator
from plumbline.fixes import FixError, apply_patch, build_patch, unified_diff
from plumbline.resources import Resource
from tests.plumbline import objects
from tests.plumbline.objects import deployment, policy

OBJECT: dict[str, Any] = {"spec": {"containers": [{"name": "web", "image": "web:1"}]}}
PRIVILEGED: paths.Path = ("spec", "containers", 0, "securityContext", "privileged")


def test_setting_creates_the_parents_that_are_missing() -> None:
    patch = build_patch(OBJECT, [("set", PRIVILEGED, False)])
    assert patch == [{"op": "add", "path": "/spec/containers/0/securityContext", "value": {"privileged": False}}]
    assert paths.lookup(apply_patch(OBJECT, patch or []), PRIVILEGED) is False
    assert paths.lookup(OBJECT, PRIVILEGED) is paths.MISSING


def test_steps_build_on_each_other() -> None:
    user: paths.Path = (*PRIVILEGED[:-1], "runAsUser")
    patch = build_patch(OBJECT, [("set", PRIVILEGED, False), ("set", user, 1000)])
    patched = apply_patch(OBJECT, patch or [])
    assert patched["spec"]["containers"][0]["securityContext"] == {"privileged": False, "runAsUser": 1000}


def test_pointers_escape_what_they_must() -> None:
    patch = build_patch({"labels": {"a/b~c": 1}}, [("remove", ("labels", "a/b~c"), None)])
    assert patch == [{"op": "remove", "path": "/labels/a~1b~0c"}]


@pytest.mark.parametrize("path", [("spec", "containers", 5, "x"), ("spec", "containers", "web"), ()])
def test_a_path_that_leads_nowhere_gives_no_patch(path: paths.Path) -> None:
    assert build_patch(OBJECT, [("remove" if not path else "set", path, 1)]) is None


def test_a_patch_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(FixError):
        apply_patch(OBJECT, [{"op": "remove", "path": "/nope"}])


def test_the_diff_shows_the_field_in_block_style() -> None:
    patch = build_patch(OBJECT, [("set", PRIVILEGED, False)])
    diff = unified_diff(OBJECT, patch or [], context=1)
    assert [line for line in diff.splitlines() if line[:1] == "+"][1:] == [
        "+      securityContext:",
        "+        privileged: false",
    ]
    assert "     - name: web" not in diff
    assert unified_diff(OBJECT, []) == ""


@given(steps=st.lists(st.text(min_size=1, max_size=6) | st.integers(0, 99), min_size=1, max_size=5))
def test_paths_survive_their_text(steps: list[str | int]) -> None:
    assert paths.parse(paths.render(tuple(steps))) == tuple(steps)


def test_a_map_that_an_expression_makes_has_its_keys_in_order() -> None:
    made = "{'d': {'z': 1, 'b': 2, 'y': 3}, 'c': 1, 'a': 2, 'e': 4, 'b': 3}"
    fix = [{"op": "set", "path": "resources", "valueExpression": made}]
    container = {"name": "web", "securityContext": {"privileged": True}}
    evaluator = Evaluator([policy({**objects.PRIVILEGED, "fix": fix})])

    results = evaluator.evaluate(Resource(deployment(containers=[container])))

    (operation,) = results[0].fix or []
    assert list(operation["value"]) == ["a", "b", "c", "d", "e"]
    assert list(operation["value"]["d"]) == ["b", "y", "z"]
