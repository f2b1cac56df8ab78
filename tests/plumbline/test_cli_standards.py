"""`plumbline standard`: coverage that never counts a manual control as automated, and the upkeep of the mapping."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.cli import main
from plumbline.cli import standards as command
from plumbline.library import library_directory, library_standards


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["standard", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


STANDARD = """\
apiVersion: plumbline.dev/v1
kind: Standard
metadata:
  name: acme
spec:
  title: Acme's own
  version: "1"
  controls:
    - id: kernel   # both of them
      title: The kernel is out of reach
      policies: [seccomp-baseline, sysctls]
    - id: doors
      title: Doors are locked
      manual: The list of key holders of this year, signed by the caretaker.
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two policies and a standard that agree."""
    (tmp_path / "standards").mkdir()
    (tmp_path / "standards" / "acme.yaml").write_text(STANDARD)
    for name in ("sysctls", "seccomp-baseline"):
        target = tmp_path / "policies" / "pod-security" / name / "policy.yaml"
        target.parent.mkdir(parents=True)
        document = yaml.safe_load((library_directory() / target.relative_to(tmp_path)).read_text())
        document["spec"]["controls"] = {"acme": ["kernel"]}
        target.write_text(yaml.safe_dump(document))
    monkeypatch.setattr(command, "library_directory", lambda: tmp_path)
    return tmp_path


def test_the_list_shows_versions_and_coverage(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list")

    assert code == 0
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert set(rows) == {"name", *(standard.name for standard in library_standards())}
    assert rows["pci-dss"].split()[1] == "4.0.1"
    assert rows["pss-restricted"].split()[-5:] == ["19", "19", "0", "0", "21"]
    assert max(map(len, out.splitlines())) <= 100


def test_the_list_counts_each_control_once(capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(run(capsys, "list", "--format", "json")[1])

    counts: list[dict[str, int]] = [one["controls"] for one in listed]
    assert all(one["total"] == one["automated"] + one["in_part"] + one["manual"] for one in counts)
    assert [one["name"] for one in listed] == sorted(one.name for one in library_standards())


def test_a_control_shows_its_policies_or_the_evidence_it_wants(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "cis-kubernetes")

    assert code == 0
    assert out.startswith("CIS Kubernetes Benchmark, version 1.12 (cis-kubernetes, published 2025)\n")
    blocks = {block.split()[0]: block for block in out.split("\n\n") if block[:1].isdigit()}
    assert blocks["5.2.2"].splitlines()[0] == "5.2.2  automated"
    assert ["privileged-container", "critical"] in [line.split() for line in blocks["5.2.2"].splitlines()]
    assert blocks["5.3.1"].splitlines()[0] == "5.3.1  manual"
    assert "Evidence: The network plug-in's name" in blocks["5.3.1"]
    assert max(map(len, out.splitlines())) <= 100


def test_a_standard_in_json_holds_evidence_and_policies(capsys: pytest.CaptureFixture[str]) -> None:
    document: dict[str, Any] = json.loads(run(capsys, "show", "pci-dss", "--format", "json")[1])

    controls = {control["id"]: control for control in document["controls"]["items"]}
    assert (document["version"], document["published"]) == ("4.0.1", "2024-06")
    assert controls["9.1.1"] == {
        "id": "9.1.1",
        "title": controls["9.1.1"]["title"],
        "coverage": "manual",
        "policies": [],
        "manual": controls["9.1.1"]["manual"],
    }
    assert controls["2.2.6"]["coverage"] == "in_part"
    assert {"id": "privileged-container", "severity": "critical"} in controls["2.2.6"]["policies"]


def test_an_unknown_standard_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "show", "pci")[0] == 2
    assert "did you mean hipaa" in run(capsys, "show", "hippa")[2]


def test_a_sync_makes_files_follow_and_a_check_only_says_so(
    capsys: pytest.CaptureFixture[str], checkout: Path
) -> None:
    file = checkout / "standards" / "acme.yaml"
    stale = STANDARD.replace("[seccomp-baseline, sysctls]", "[sysctls]")
    file.write_text(stale)

    assert run(capsys, "sync", "--check") == (1, f"{file}: differs from what policies name\n", "")
    assert file.read_text() == stale

    assert run(capsys, "sync") == (0, f"{file}: rewritten\n", "")
    assert file.read_text() == STANDARD
    assert run(capsys, "sync", "--check") == (0, "Standards (1) and policies (2) agree\n", "")


def test_a_policy_with_an_unknown_control_stops_the_sync(capsys: pytest.CaptureFixture[str], checkout: Path) -> None:
    policy = checkout / "policies" / "pod-security" / "sysctls" / "policy.yaml"
    policy.write_text(policy.read_text().replace("- kernel", "- kernels"))

    code, _, err = run(capsys, "sync")

    assert code == 2
    assert f"{policy}: spec.controls.acme[0]: acme has no control kernels; did you mean kernel?" in err
    assert (checkout / "standards" / "acme.yaml").read_text() == STANDARD


def test_an_installed_package_is_not_a_checkout(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "library_directory", lambda: tmp_path / "library_data")

    assert run(capsys, "sync") == (2, "", f"plumbline: {command.NOT_A_CHECKOUT}\n")
