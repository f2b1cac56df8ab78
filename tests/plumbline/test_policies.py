"""Policies are checked when they are loaded, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plumbline.library import library_directory, library_policies, library_standards
from plumbline.manifests.parsing import parse_proven
from plumbline.manifests.strict import parse_strictly
from plumbline.policies import PolicyError, load_policies, parse_policy
from tests.plumbline.objects import PRIVILEGED, policy_document, write_policy


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (policy_document(severity="urgent"), "spec.severity"),
        (policy_document(match={"kinds": []}), "spec.match.kinds"),
        (policy_document({**PRIVILEGED, "path": "a..b"}), "spec.rules[0].path"),
        (policy_document({**PRIVILEGED, "expression": "nope == 1"}), "spec.rules[0].expression: column 1"),
        (policy_document({**PRIVILEGED, "expression": "variables.nope"}), "unknown variable nope"),
        (policy_document({**PRIVILEGED, "expression": "variables['x']"}), "followed by a dot"),
        (policy_document({**PRIVILEGED, "expression": "1 + 1"}), "must yield a bool"),
        (policy_document({**PRIVILEGED, "each": None} | {"each": "pods"}), "spec.rules[0].each"),
        (policy_document(PRIVILEGED, PRIVILEGED), "used twice"),
        (policy_document(variables=[{"name": "podSpec", "expression": "1"}]), "already defined"),
        (policy_document(parameters={"schema": {"type": "nonsense"}}), "spec.parameters.schema"),
        (policy_document(parameters={"schema": {}, "defaults": {"a": 1}}), "spec.parameters.defaults"),
        (policy_document(variables=[{"name": "namespace", "expression": "1"}]), "namespace is a reserved word"),
        (policy_document({**PRIVILEGED, "each": {"over": "spec.x", "as": "package"}}), "rules[0].each.as: package is"),
        (policy_document(related=[{"name": "in", "kinds": ["Pod"]}]), "spec.related[0].name: in is a reserved"),
        (policy_document({**PRIVILEGED, "expression": "'a'.matches('(')"}), "column 13: '(' is not a regular"),
        (policy_document({**PRIVILEGED, "expression": "'a'.matches(r'((a{1000}){1000})')"}), "column 13: '((a{1000}"),
        (policy_document({**PRIVILEGED, "expression": "true ||\n'a'.find('[') == ''"}), "line 2: '[' is not"),
        ({"kind": "Policy"}, "required"),
        ([], "not of type"),
        (None, "not of type"),
    ],
)
def test_a_broken_policy_is_refused_by_field(document: Any, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(document, file="policy.yaml")
    assert str(caught.value).startswith("policy.yaml: ")
    assert words in str(caught.value)


def test_two_policies_of_one_id_are_refused(tmp_path: Path) -> None:
    write_policy(tmp_path / "a", policy_document())
    write_policy(tmp_path / "b", policy_document())
    with pytest.raises(PolicyError, match="already taken"):
        load_policies(tmp_path)


def test_a_policy_file_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    file = write_policy(tmp_path, policy_document())
    file.write_bytes(b"a: [\xff")
    with pytest.raises(PolicyError, match=r"policy\.yaml"):
        load_policies(tmp_path)


def test_the_library_stands_every_check_that_loading_it_skips() -> None:
    checked = load_policies(library_directory() / "policies")
    assert [policy.id for policy in checked] == [policy.id for policy in library_policies()]


def test_every_standard_names_policies_of_the_library() -> None:
    known = {policy.id for policy in library_policies()}
    for standard in library_standards():
        assert set(standard.policies) <= known
        assert standard.policies


def test_a_standard_holds_what_it_extends() -> None:
    standards = {standard.name: set(standard.policies) for standard in library_standards()}
    assert standards["pss-baseline"] < standards["pss-restricted"]


def test_both_parsers_read_the_library_alike() -> None:
    for file in (library_directory() / "policies").rglob("policy.yaml"):
        text = file.read_text()
        assert parse_proven(text) == parse_strictly(text), file


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("true || " * 2100 + "true", "longer than"),
        ("(" * 400 + "true" + ")" * 400, "recursion"),
        ("[" * 400 + "]" * 400 + " == []", "recursion"),
    ],
)
def test_an_expression_beyond_the_limits_is_refused_when_it_is_loaded(expression: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        parse_policy(policy_document({**PRIVILEGED, "expression": expression}))
