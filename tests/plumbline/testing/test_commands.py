"""`plumbline test`, `policy new` and `schema`, as their users meet them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from plumbline.cli import main
from plumbline.policies import load_policy
from tests.plumbline.objects import deployment, policy_document
from tests.plumbline.testing.folders import FAIL, PASS, write_folder

PRESENT = {
    "name": "a setting of false passes",
    "object": deployment(containers=[{"name": "web", "securityContext": {"privileged": False}}]),
    "expect": "pass",
}


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_good_tests_end_in_one_line_and_zero(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_folder(tmp_path)
    code, out, _ = run(capsys, "test", tmp_path)
    assert code == 0
    assert out.startswith("2 of 2 cases passed, 1 policy (1 by CEL), in ")


def test_a_difference_shows_what_was_found_and_where_the_case_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, PASS, {"name": "x", "object": FAIL["object"], "expect": "pass"}, FAIL)
    code, out, _ = run(capsys, "test", tmp_path)
    assert code == 1
    assert "FAIL  no-root: x\n" in out
    assert f"{folder / 'tests.yaml'}:15, judged by CEL" in out
    assert "      verdict  expected pass\n               got fail\n" in out
    assert "found true: Container web runs privileged" in out


def test_a_policy_without_tests_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (write_folder(tmp_path) / "tests.yaml").unlink()
    code, out, _ = run(capsys, "test", tmp_path)
    assert code == 1
    assert "FAIL  no-root: has no tests" in out


def test_a_case_that_cannot_be_used_makes_it_two(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_folder(tmp_path, PASS, FAIL, {**PASS, "name": "y", "expcet": "pass"})
    code, out, _ = run(capsys, "test", tmp_path)
    assert code == 2
    assert "unknown key expcet; did you mean expect?" in out
    assert "2 of 2 cases passed" in out


def test_coverage_below_the_minimum_makes_it_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_folder(tmp_path, PRESENT, FAIL)
    code, out, err = run(capsys, "test", tmp_path, "--min-coverage", 100)
    assert code == 1
    assert "no-root: 3 of 4 branches" in out
    assert "rule privileged column 2: container.?securityContext.?privileged never absent in the tests" in out
    assert "coverage is 75.0 %, below 100 %" in err
    assert run(capsys, "test", tmp_path, "--min-coverage", 75)[0] == 0


def test_only_the_policies_asked_for_are_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_folder(tmp_path)
    write_folder(tmp_path, document=policy_document(name="other"))
    assert run(capsys, "test", tmp_path, "--policy", "other")[1].startswith("2 of 2 cases passed, 1 policy")
    code, _, err = run(capsys, "test", tmp_path, "--policy", "othr")
    assert (code, "did you mean other?" in err) == (2, True)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_directory_without_policies_is_unusable(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(capsys, "test", tmp_path / name)[0] == 2


def test_json_holds_everything(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_folder(tmp_path, PRESENT, FAIL)
    code, out, err = run(capsys, "test", tmp_path, "--format", "json", "--output", tmp_path / "o.json", "--coverage")
    document = json.loads((tmp_path / "o.json").read_text())
    assert (code, out) == (0, "")
    assert "2 of 2 cases passed" in err
    assert document["summary"]["coverage"] == {"taken": 3, "total": 4, "percent": 75.0}
    assert document["policies"][0]["engine"] == "CEL"
    assert [case["got"] for case in document["policies"][0]["cases"]] == ["pass", "fail"]
    assert document["policies"][0]["coverage"]["uncovered"][0]["outcome"] == "never absent"


def test_junit_has_a_suite_for_each_policy(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_folder(tmp_path, PASS, {**FAIL, "path": "spec"})
    _, out, _ = run(capsys, "test", tmp_path, "--format", "junit")
    (suite,) = ElementTree.fromstring(out)
    assert (suite.attrib["name"], suite.attrib["package"]) == ("no-root", "pod-security")
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("2", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.attrib["message"].startswith("path: expected spec, got spec.template")


@pytest.mark.parametrize(
    "kinds",
    [
        "workloads",
        "Pod",
        "batch/CronJob",
        "Pod,Deployment",
        "Service",
        "workloads,Service",
        "networking.k8s.io/Ingress",
        "example.com/Widget",
        "*",
        "ConfigMap,Service",
    ],
)
def test_a_new_policy_works_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path, kinds: str) -> None:
    code, out, _ = run(
        capsys, "policy", "new", "mine", "--kinds", kinds, "--category", "cloud", "--severity", "low", "--dir", tmp_path
    )
    policy = load_policy(tmp_path / "cloud" / "mine" / "policy.yaml")
    assert code == 0
    assert (policy.category, policy.severity, list(policy.match.kinds)) == ("cloud", "low", kinds.split(","))
    assert f"plumbline test {tmp_path} --policy mine" in out
    assert run(capsys, "test", tmp_path, "--min-coverage", 100)[0] == 0


@pytest.mark.parametrize("name", ["policy.yaml", "tests.yaml"])
def test_the_files_of_a_new_policy_begin_with_a_schema_that_is_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    run(capsys, "policy", "new", "mine", "--dir", tmp_path)
    file = tmp_path / "metadata" / "mine" / name
    link, _, path = file.read_text().splitlines()[0].partition("$schema=")
    assert link == "# yaml-language-server: "
    assert json.loads((file.parent / path).read_text())["$id"].startswith("https://plumbline.dev/schemas/policy")


@pytest.mark.parametrize("identifier", ["1", "null", "on", "1e3"])
def test_an_id_that_yaml_takes_for_something_else_works(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, identifier: str
) -> None:
    run(capsys, "policy", "new", identifier, "--dir", tmp_path)
    assert run(capsys, "test", tmp_path)[0] == 0


def test_a_new_policy_overwrites_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    (folder / "policy.yaml").unlink()
    before = (folder / "tests.yaml").read_text()
    code, _, err = run(capsys, "policy", "new", "no-root", "--category", "pod-security", "--dir", tmp_path)
    assert (code, "tests.yaml exists already: nothing was written" in err) == (2, True)
    assert [file.name for file in folder.iterdir()] == ["tests.yaml"]
    assert (folder / "tests.yaml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["No_Root"], "small letters, digits and hyphens"),
        (["-x"], "small letters, digits and hyphens"),
        (["a" * 64], "at most 63"),
        (["a", "--category", "secret"], "did you mean secrets"),
        (["a", "--kinds", "apps/v1/Deployment"], "without a version"),
        (["a", "--kinds", ","], "names none"),
    ],
)
def test_what_a_new_policy_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    first, *others = arguments
    code, _, err = run(capsys, "policy", "new", "--dir", tmp_path, *others, "--", first)
    assert (code, words in err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_schemas_are_printed_as_published(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "schema", "policy-tests-v1")
    assert json.loads(out)["$id"].endswith("/policy-tests-v1.json")
    assert "policy-v1 " in run(capsys, "schema")[1]
    code, _, err = run(capsys, "schema", "polcy-v1")
    assert (code, "did you mean policy-v1" in err) == (2, True)


def properties(schema: object) -> list[tuple[str, object]]:
    """Every property that a schema describes, however deep, with its own schema."""
    inner = list(schema.values()) if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    own = schema.get("properties", {}) if isinstance(schema, dict) else {}
    return [*(own.items() if isinstance(own, dict) else ()), *(item for part in inner for item in properties(part))]


@pytest.mark.parametrize("name", ["policy-v1", "policy-tests-v1"])
def test_editors_can_explain_every_field(capsys: pytest.CaptureFixture[str], name: str) -> None:
    described = properties(json.loads(run(capsys, "schema", name)[1]))
    conditional = [field for field, schema in described if schema in ({"const": "fail"}, {"enum": ["fail", "error"]})]
    bare = [field for field, schema in described if isinstance(schema, dict) and "description" not in schema]
    assert set(bare) <= {"expect"}
    assert set(conditional) <= {"expect"}
