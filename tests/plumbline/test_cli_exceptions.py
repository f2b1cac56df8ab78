"""Exceptions and scoped parameters as users of the command meet them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from plumbline.cli import main
from tests.plumbline.declared import document, exception_document, parameters_document, write
from tests.plumbline.objects import deployment

CHOSEN = ("--policy", "privileged-container", "--policy", "replicas")


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    containers = [{"name": "web", "image": "web:1", "securityContext": {"privileged": True}}]
    return write(tmp_path / "manifests" / "checkout.yaml", deployment(containers=containers)).parent


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def scanned(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    code, out, _ = run(capsys, "scan", *arguments, *CHOSEN, "--format", "json")
    return code, json.loads(out)


def privileged(**spec: Any) -> dict[str, Any]:
    return exception_document(policies=["privileged-container"], **spec)


def test_an_excepted_violation_no_longer_fails_the_command(
    capsys: pytest.CaptureFixture[str], manifests: Path, tmp_path: Path
) -> None:
    file = write(tmp_path / "exceptions" / "a.yaml", privileged())
    assert scanned(capsys, manifests)[0] == 1
    code, report = scanned(capsys, manifests, "--exceptions", file.parent)
    assert code == 0
    assert [(result["status"], result["exception"]) for result in report["results"]] == [
        ("skip", "checkout-debugging"),
        ("fail", None),
    ]
    assert (report["summary"]["fail"], report["summary"]["skip"]) == (1, 1)
    (exception,) = report["exceptions"]
    assert {key: exception[key] for key in ("name", "policies", "status", "results", "expiresAt", "owner")} == {
        "name": "checkout-debugging",
        "policies": ["privileged-container"],
        "status": "used",
        "results": 1,
        "expiresAt": "2027-03-31",
        "owner": "dev@acme.example",
    }


def test_a_table_says_what_became_of_every_exception(
    capsys: pytest.CaptureFixture[str], manifests: Path, tmp_path: Path
) -> None:
    write(manifests / "mine.yaml", exception_document("mine"))
    file = write(
        tmp_path / "exceptions.yaml",
        privileged(),
        exception_document("idle", policies=["host-pid"]),
        exception_document("spare", policies=["replicas"], match={"namespaces": ["other"]}),
        exception_document("old", policies=["replicas"], expiresAt="2020-01-01"),
        exception_document("wish", policies=["replicas"], approvedBy=None),
    )
    _, out, _ = run(capsys, "scan", manifests, *CHOSEN, "--exceptions", file)
    section = out[out.index("\nExceptions\n") :].split("\n\n")[0]
    states = {line.split()[1]: line.split()[0] for line in section.splitlines()[2:]}
    assert states == {
        "checkout-debugging": "used",
        "idle": "elsewhere",
        "spare": "unused",
        "old": "expired",
        "wish": "requested",
        "mine": "ignored",
    }
    assert "1 violation excepted until 2027-03-31, dev@acme.example" in section
    assert "1 skipped" in out


def test_sarif_suppresses_what_is_excepted(
    capsys: pytest.CaptureFixture[str], manifests: Path, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "exceptions.yaml",
        privileged(),
        exception_document("old", policies=["replicas"], expiresAt="2020-01-01"),
    )
    _, out, _ = run(capsys, "scan", manifests, *CHOSEN, "--exceptions", file, "--format", "sarif")
    (sarif,) = json.loads(out)["runs"]
    (first, second) = sarif["results"]
    assert (first["kind"], first["level"]) == ("fail", "error")
    ((suppression),) = first["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert "Debugging the checkout" in suppression["justification"]
    assert second["suppressions"] == []
    (notice,) = sarif["invocations"][0]["toolExecutionNotifications"]
    assert (notice["level"], notice["message"]["text"]) == ("warning", "exception old was not applied: it has expired")


def test_sarif_without_exceptions_says_nothing_of_suppressions(
    capsys: pytest.CaptureFixture[str], manifests: Path
) -> None:
    _, out, _ = run(capsys, "scan", manifests, *CHOSEN, "--format", "sarif")
    assert "suppressions" not in out


def test_junit_skips_what_is_excepted(capsys: pytest.CaptureFixture[str], manifests: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "exceptions.yaml", privileged(), exception_document("idle", policies=["host-pid"]))
    _, out, _ = run(capsys, "scan", manifests, *CHOSEN, "--exceptions", file, "--format", "junit")
    root = ElementTree.fromstring(out.encode())
    messages = [skipped.get("message", "") for skipped in root.iter("skipped")]
    assert messages[0].startswith("excepted by checkout-debugging until 2027-03-31: Debugging the checkout")
    assert messages[1] == "elsewhere: its policies were not evaluated"
    assert [case.get("name") for case in root.iter("testcase")][-1] == "idle"


def test_a_broken_exception_is_named_and_the_others_apply(
    capsys: pytest.CaptureFixture[str], manifests: Path, tmp_path: Path
) -> None:
    file = write(tmp_path / "exceptions.yaml", privileged(), exception_document("broken", policies=["replcias"]))
    code, report = scanned(capsys, manifests, "--exceptions", file)
    assert code == 2
    assert report["summary"]["skip"] == 1
    (error,) = report["errors"]
    assert error["file"] == str(file)
    assert "PolicyException broken: spec.policies[0]: there is no policy replcias; did you mean" in error["message"]
    assert file.read_text().splitlines()[error["line"] - 1] == "  - replcias"


@pytest.mark.parametrize("option", ["--exceptions", "--teams", "--namespaces", "--params"])
def test_what_the_operator_says_is_not_taken_from_what_is_scanned(
    capsys: pytest.CaptureFixture[str], manifests: Path, option: str
) -> None:
    file = write(manifests / "said.yaml", privileged())
    code, out, err = run(capsys, "scan", manifests, *CHOSEN, option, file)
    assert (code, out) == (2, "")
    assert f"{option} {file}: is among what is scanned" in err


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--exceptions", "cannot be read"),
        ("--teams", "cannot be read"),
        ("--namespaces", "cannot be read"),
        ("--params", "cannot be read"),
    ],
)
def test_a_file_that_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], manifests: Path, option: str, words: str
) -> None:
    code, out, err = run(capsys, "scan", manifests, *CHOSEN, option, "/nowhere.yaml")
    assert code == 2
    assert "/nowhere.yaml" in out + err
    assert words in out + err


def test_cluster_environment_teams_and_namespaces_come_from_the_command_line(
    capsys: pytest.CaptureFixture[str], manifests: Path, tmp_path: Path
) -> None:
    match = {
        "clusters": ["eu-*"],
        "environments": ["production"],
        "teams": ["payments"],
        "namespaceSelector": {"matchLabels": {"tier": "front"}},
    }
    exceptions = write(tmp_path / "exceptions.yaml", privileged(match=match))
    teams = write(
        tmp_path / "teams.yaml", document("Teams", "acme", {"teams": [{"name": "payments", "namespaces": ["shop"]}]})
    )
    namespaces = write(
        tmp_path / "namespaces.yaml",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"tier": "front"}}},
    )
    given = ["--exceptions", exceptions, "--cluster", "eu-1", "--environment", "production", "--teams", teams]
    assert scanned(capsys, manifests, *given)[0] == 1
    assert scanned(capsys, manifests, *given, "--namespaces", namespaces)[0] == 0


def test_parameters_by_scope_come_from_the_params_file(
    capsys: pytest.CaptureFixture[str], manifests: Path, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "params.yaml",
        parameters_document(
            {"policy": "replicas", "values": {"min": 1}},
            {"policy": "replicas", "match": {"clusters": ["eu-*"]}, "values": {"min": 3}},
        ),
    )
    _, everywhere = scanned(capsys, manifests, "--params", file)
    _, there = scanned(capsys, manifests, "--params", file, "--cluster", "eu-1")
    assert [result["policy"] for result in everywhere["results"]] == ["privileged-container"]
    assert there["results"][1]["message"] == "The number of replicas is 1, less than 3"


def test_parameters_by_scope_that_are_wrong_stop_the_command(
    capsys: pytest.CaptureFixture[str], manifests: Path, tmp_path: Path
) -> None:
    file = write(tmp_path / "params.yaml", parameters_document({"policy": "replicas", "values": {"min": "two"}}))
    code, out, err = run(capsys, "scan", manifests, *CHOSEN, "--params", file)
    assert (code, out) == (2, "")
    assert f"--params {file}:9: PolicyParameters acme: spec.entries[0].values.min: " in err


def test_parameters_by_scope_are_not_exported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = write(tmp_path / "params.yaml", parameters_document({"policy": "replicas", "values": {"min": 2}}))
    code, _, err = run(capsys, "policy", "export", "replicas", "--params", file)
    assert code == 2
    assert "a map of policy id → parameters is needed here" in err


def test_what_is_excepted_is_not_fixed(capsys: pytest.CaptureFixture[str], manifests: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "exceptions.yaml", privileged())
    _, before, _ = run(capsys, "fix", manifests, *CHOSEN)
    _, after, _ = run(capsys, "fix", manifests, *CHOSEN, "--exceptions", file)
    assert "privileged: false" in before
    assert "privileged: false" not in after
    assert "replicas: 2" in after
