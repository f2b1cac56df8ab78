"""The command as its users meet it: exit codes, formats, and words instead of tracebacks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from plumbline.cli import main
from tests.plumbline.objects import PRIVILEGED, deployment, policy_document, write_policy


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "manifests" / "checkout.yaml"
    file.parent.mkdir()
    containers = [{"name": "web", "image": "web:1", "securityContext": {"privileged": True}}]
    file.write_text(yaml.safe_dump(deployment(containers=containers), sort_keys=False))
    return file


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def scanned(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    code, out, _ = run(capsys, "scan", *arguments, "--format", "json")
    return code, json.loads(out)


def test_json_keeps_its_contract(capsys: pytest.CaptureFixture[str], manifest: Path) -> None:
    code, report = scanned(capsys, manifest, "--policy", "privileged-container")
    assert code == 1
    assert report["schema"] == "plumbline.scan/v1"
    summary = report["summary"]
    assert (summary["resources"], summary["policies"], summary["checks"], summary["fail"]) == (1, 1, 1, 1)
    (result,) = report["results"]
    assert result["status"] == "fail"
    assert result["severity"] == "critical"
    assert result["resource"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "checkout",
    }
    assert result["path"] == "spec.template.spec.containers[0].securityContext.privileged"
    assert result["found"] is True
    assert "privileged" in manifest.read_text().splitlines()[result["line"] - 1]
    assert result["fix"]
    assert report["errors"] == []


def test_all_adds_the_passes(capsys: pytest.CaptureFixture[str], manifest: Path) -> None:
    _, report = scanned(capsys, manifest, "--all")
    assert len(report["results"]) == report["summary"]["checks"]
    assert {"pass", "fail"} <= {result["status"] for result in report["results"]}


@pytest.mark.parametrize(("fail_on", "code"), [("critical", 1), ("high", 1), ("never", 0)])
def test_fail_on_decides_the_exit_code(
    capsys: pytest.CaptureFixture[str], manifest: Path, fail_on: str, code: int
) -> None:
    assert run(capsys, "scan", manifest, "--fail-on", fail_on)[0] == code


def test_fail_on_ignores_what_is_less_severe(capsys: pytest.CaptureFixture[str], manifest: Path) -> None:
    chosen = ("scan", manifest, "--policy", "cpu-limits")
    assert run(capsys, *chosen, "--fail-on", "critical")[0] == 0
    assert run(capsys, *chosen, "--fail-on", "low")[0] == 1


def test_unreadable_input_wins_over_violations_and_results_are_printed(
    capsys: pytest.CaptureFixture[str], manifest: Path
) -> None:
    (manifest.parent / "broken.yaml").write_text("apiVersion: v1\nkind: [\n")
    code, report = scanned(capsys, manifest.parent)
    assert code == 2
    assert report["summary"]["fail"] > 0
    assert [Path(error["file"]).name for error in report["errors"]] == ["broken.yaml"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--policy", "privleged-container"], "did you mean privileged-container"),
        (["--standard", "pss-basline"], "did you mean pss-baseline"),
        (["--policies", "/nowhere"], "/nowhere: is not a directory"),
        (["--params", "/nowhere.yaml"], "/nowhere.yaml: cannot be read"),
        (["--output", "/nowhere/out.json"], "there is no directory"),
        (["--report-to", "http://127.0.0.1:9"], "PLUMBLINE_TOKEN"),
        (["--fail-on", "urgent"], "invalid choice"),
    ],
)
def test_unusable_arguments_are_named(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    manifest: Path,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.delenv("PLUMBLINE_TOKEN", raising=False)
    code, out, err = run(capsys, "scan", manifest, *arguments)
    assert code == 2
    assert words in err
    assert out == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("replcas: {min: 2}", "did you mean replicas"),
        ("replicas: {min: two}", "replicas"),
        ("replicas: 2", "must be a map"),
        ("[1]", "must map policy ids"),
        ("a: [", "params.yaml:"),
        ("privileged-container: {x: 1}", "takes no parameters"),
    ],
)
def test_bad_parameters_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, manifest: Path, text: str, words: str
) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(text)
    code, _, err = run(capsys, "scan", manifest, "--params", params)
    assert code == 2
    assert words in err


def test_parameters_reach_their_policy(capsys: pytest.CaptureFixture[str], tmp_path: Path, manifest: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("replicas: {min: 2}\n")
    _, report = scanned(capsys, manifest, "--policy", "replicas", "--params", params)
    assert report["summary"]["fail"] == 1


def test_own_policies_join_the_library(capsys: pytest.CaptureFixture[str], tmp_path: Path, manifest: Path) -> None:
    write_policy(tmp_path / "own", policy_document(name="no-privileges"))
    code, report = scanned(capsys, manifest, "--policies", tmp_path / "own", "--policy", "no-privileges")
    assert code == 1
    assert [result["policy"] for result in report["results"]] == ["no-privileges"]


def test_a_broken_policy_is_named_with_field_and_column(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, manifest: Path
) -> None:
    file = write_policy(tmp_path / "own", policy_document({**PRIVILEGED, "expression": "container. +"}))
    code, report = scanned(capsys, manifest, "--policies", tmp_path / "own")
    assert code == 2
    assert report["errors"][0]["file"] == str(file)
    assert report["errors"][0]["message"].startswith("spec.rules[0].expression: column 12")
    assert report["summary"]["checks"] > 0


def test_sarif_points_at_lines_and_keeps_fingerprints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, manifest: Path
) -> None:
    monkeypatch.chdir(manifest.parent)
    _, out, _ = run(capsys, "scan", manifest.name, "--format", "sarif")
    (sarif_run,) = json.loads(out)["runs"]
    rules = sarif_run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    fingerprints = set()
    for result in sarif_run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"]["uri"] == "checkout.yaml"
        assert location["region"]["startLine"] >= 1
        fingerprints.add(result["partialFingerprints"]["plumblinePlace/v1"])
    assert len(fingerprints) == len(sarif_run["results"])


def test_junit_counts_what_it_holds(capsys: pytest.CaptureFixture[str], manifest: Path) -> None:
    (manifest.parent / "broken.yaml").write_text("kind: [\n")
    _, out, _ = run(capsys, "scan", manifest.parent, "--format", "junit")
    suites = ElementTree.fromstring(out).findall("testsuite")
    failures = [len(suite.findall("testcase/failure")) for suite in suites]
    errors = [len(suite.findall("testcase/error")) for suite in suites]
    assert [int(suite.attrib["tests"]) for suite in suites] == [len(suite.findall("testcase")) for suite in suites]
    assert [int(suite.attrib["failures"]) for suite in suites] == failures
    assert [int(suite.attrib["errors"]) for suite in suites] == errors
    assert (sum(failures) > 0, sum(errors)) == (True, 1)


def test_junit_has_what_the_schemas_of_ant_and_jenkins_want(
    capsys: pytest.CaptureFixture[str], manifest: Path
) -> None:
    root = ElementTree.fromstring(run(capsys, "scan", manifest.parent, "--format", "junit")[1])
    suite = root[0]
    wanted = {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"}
    assert root.attrib == {}
    assert suite.attrib.keys() == wanted
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    assert [suite[0].tag, suite[-2].tag, suite[-1].tag] == ["properties", "system-out", "system-err"]
    assert {frozenset(case.attrib) for case in suite.iter("testcase")} == {frozenset(("name", "classname", "time"))}
    assert {frozenset(case.attrib) for case in suite.iter("failure")} == {frozenset(("message", "type"))}


def test_table_ends_with_what_to_fix_first(capsys: pytest.CaptureFixture[str], manifest: Path) -> None:
    _, out, _ = run(capsys, "scan", manifest)
    tail = out[out.index("Fix first") :]
    assert "1. privileged-container" in tail
    assert out.rstrip().splitlines()[-1].startswith("1 resource, ")


def test_manifests_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str], manifest: Path) -> None:
    containers = [{"name": "\x1b[2Jweb", "securityContext": {"privileged": True}}]
    manifest.write_text(yaml.safe_dump(deployment(containers=containers)))
    _, out, _ = run(capsys, "scan", manifest)
    assert "\\u001b[2Jweb" in out
    assert "\x1b[2J" not in out


def test_output_goes_to_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path, manifest: Path) -> None:
    target = tmp_path / "out.json"
    _, out, _ = run(capsys, "scan", manifest, "--format", "json", "--output", target)
    assert out == ""
    assert json.loads(target.read_text())["summary"]["resources"] == 1


def test_the_catalogue_shows_policies(capsys: pytest.CaptureFixture[str]) -> None:
    assert "privileged-container" in run(capsys, "policy", "list")[1]
    assert "Why" in run(capsys, "policy", "show", "privileged-container")[1]
    assert run(capsys, "policy", "show", "nope")[0] == 2


def test_standard_input_is_scanned_and_a_closed_pipe_is_quiet(manifest: Path) -> None:
    command = f"{sys.executable} -m plumbline scan - --all --format json < {manifest} | head -c 10"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == '{"schema":'
    assert done.stderr == ""
