"""`plumbline fix` as its users meet it: what it prints, writes and refuses to touch."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest

from plumbline.cli import main

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  hostPID: true # why\n  hostUsers: false\n"
MENDED = POD.replace("  hostPID: true # why\n", "")


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "manifests" / "pod.yaml"
    file.parent.mkdir()
    file.write_text(POD)
    return file


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["fix", *map(str, arguments), "--policy", "host-pid"])
    captured = capfd.readouterr()
    return code, captured.out, captured.err


def test_without_write_a_diff_is_printed_and_nothing_changes(capfd: pytest.CaptureFixture[str], pod: Path) -> None:
    code, out, err = run(capfd, "manifests")
    assert (code, pod.read_text()) == (1, POD)
    assert "1 violation in 1 file can be fixed" in err
    assert out.startswith("--- a/manifests/pod.yaml\n+++ b/manifests/pod.yaml\n")
    assert "-  hostPID: true # why\n" in out
    assert run(capfd, "manifests", "--diff")[:2] == (code, out)


@pytest.mark.parametrize("text", [POD, POD.removesuffix("\n"), POD.replace("\n", "\r\n"), f"\ufeff{POD}"])
def test_the_diff_is_one_that_git_applies(capfd: pytest.CaptureFixture[str], pod: Path, text: str) -> None:
    pod.write_bytes(text.encode())
    _, out, _ = run(capfd, pod)
    subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], input=out.encode(), check=True, cwd=pod.parent.parent)
    by_git = pod.read_bytes()
    pod.write_bytes(text.encode())
    assert run(capfd, pod, "--write")[0] == 0
    assert pod.read_bytes() == by_git != text.encode()


def test_write_changes_the_file_once_and_keeps_its_mode(capfd: pytest.CaptureFixture[str], pod: Path) -> None:
    pod.chmod(0o640)
    code, out, err = run(capfd, pod, "--write")
    assert (code, out, pod.read_text()) == (0, "", MENDED)
    assert (pod.stat().st_mode & 0o777, os.listdir(pod.parent)) == (0o640, ["pod.yaml"])
    assert "1 violation in 1 file fixed" in err
    state = pod.stat()
    assert run(capfd, pod, "--write") == (0, "", "nothing to fix\n")
    assert pod.stat() == state


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_encoding_is_kept(capfd: pytest.CaptureFixture[str], pod: Path, encoding: str) -> None:
    pod.write_bytes(POD.encode(encoding))
    assert run(capfd, pod, "--write")[0] == 0
    assert pod.read_bytes() == MENDED.encode(encoding)


def test_standard_input_becomes_the_fixed_text(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(POD.replace("\n", "\r\n").encode())))
    code, out, err = run(capfd, "-", "--write")
    assert (code, out) == (0, MENDED.replace("\n", "\r\n"))
    assert "fixed" in err


def test_what_cannot_be_read_is_named_and_the_rest_fixed(capfd: pytest.CaptureFixture[str], pod: Path) -> None:
    template = pod.with_name("a.yaml")
    template.write_text(f"{POD}  image: {{{{ .Values.image }}}}\n")
    code, _, err = run(capfd, "manifests", "--write")
    assert (code, pod.read_text()) == (2, MENDED)
    assert "{{" in template.read_text()
    assert "hostPID" in template.read_text()
    assert "manifests/a.yaml:7: this is a template" in err


def test_a_link_that_leads_elsewhere_is_followed_only_when_it_is_named(
    capfd: pytest.CaptureFixture[str], pod: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(POD)
    link = pod.with_name("link.yaml")
    link.symlink_to(elsewhere)
    code, _, err = run(capfd, "manifests", "--write")
    assert (code, elsewhere.read_text(), pod.read_text()) == (2, POD, MENDED)
    assert f"is a link to {elsewhere}" in err
    assert run(capfd, link, "--write")[0] == 0
    assert (elsewhere.read_text(), link.is_symlink()) == (MENDED, True)


def test_a_file_with_two_names_is_not_parted(capfd: pytest.CaptureFixture[str], pod: Path) -> None:
    os.link(pod, pod.with_name("twin.txt"))
    code, _, err = run(capfd, pod, "--write")
    assert (code, pod.read_text()) == (2, POD)
    assert "2 names" in err


def test_a_refused_fix_is_named_with_its_place(capfd: pytest.CaptureFixture[str], pod: Path) -> None:
    items = "- apiVersion: v1\n  kind: Pod\n  spec: &s\n    hostPID: true\n"
    pod.write_text(f"apiVersion: v1\nkind: List\nitems:\n{items}- apiVersion: v1\n  kind: Other\n  spec: *s\n")
    code, _, err = run(capfd, pod, "--write")
    assert code == 1
    assert f"{pod}:7: host-pid: spec.hostPID: the field is shared through the anchor &s" in err
    assert "(see line 10)" in err


def test_violations_without_a_fix_do_not_fail_the_command(capfd: pytest.CaptureFixture[str], pod: Path) -> None:
    pod.write_text(MENDED.replace("hostUsers: false", "containers: [{name: a}]"))
    code, _, err = run(capfd, pod, "--policy", "cpu-limits")
    assert code == 0
    assert "1 violation without a fix, see `plumbline policy show`: cpu-limits (1)" in err


def test_unknown_policies_are_named(capfd: pytest.CaptureFixture[str], pod: Path) -> None:
    code, _, err = run(capfd, pod, "--policy", "host-pidd")
    assert (code, pod.read_text()) == (2, POD)
    assert "did you mean host-pid" in err
