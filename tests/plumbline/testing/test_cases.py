"""tests.yaml is read strictly: what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.testing.cases import load_cases

POD = "  object: {apiVersion: v1, kind: Pod}\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"- name: a\n{POD}  expcet: fail\n  expect: fail\n", 3, "unknown key expcet; did you mean expect?"),
        (f"- name: a\n{POD}  zzz: fail\n  expect: fail\n", 3, "unknown key zzz; there are name, policy, object"),
        (f"- name: a\n{POD}", 1, "case 'a': it has no expect"),
        ("- name: a\n  object: {kind: Pod}\n  expect: pass\n", 2, "case 'a': object has no apiVersion"),
        (f"- name: a\n{POD}  expect: passes\n", 3, "expect: 'passes' is none of pass, fail, error, skip, none"),
        (f"- name: a\n{POD}  expect: pass\n  path: spec\n", 4, "path goes with expect: fail or error alone"),
        (f"- name: a\n{POD}  expect: none\n  message: oh\n", 4, "message goes with expect: fail, error or skip alone"),
        (f"- name: a\n{POD}  expect: pass\n- name: a\n{POD}  expect: pass\n", 4, "already taken in line 1"),
        ("- 12\n", 1, 'a case: 12 is not of type "object"'),
        ("name: a\n", 1, "must be a list of cases"),
        ("", 1, "must be a list of cases"),
        ("- name: a\n  name: b\n", 2, "given twice"),
    ],
)
def test_a_case_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    file = tmp_path / "tests.yaml"
    file.write_text(text)
    _, problems = load_cases(file)
    assert (problems[0].file, problems[0].line) == (str(file), line)
    assert words in problems[0].message


def test_the_cases_that_can_be_used_are_still_there(tmp_path: Path) -> None:
    file = tmp_path / "tests.yaml"
    file.write_text(f"- name: a\n{POD}  expect: pass\n- name: b\n{POD}\n- name: c\n{POD}  expect: none\n")
    cases, problems = load_cases(file)
    assert [(case.name, case.line) for case in cases] == [("a", 1), ("c", 7)]
    assert len(problems) == 1


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert load_cases(tmp_path / "tests.yaml")[1][0].message.startswith("cannot be read: No such file")
