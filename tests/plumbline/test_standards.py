"""Standards as files: what is refused, and what a control and a standard know about their coverage."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.library import library_directory
from plumbline.policies import PolicyError
from plumbline.standards import load_standard, load_standards

EVIDENCE = "The access review of the last quarter, signed by its owner."


def standard(name: str = "acme", **spec: Any) -> dict[str, Any]:
    control = {"id": "1.1", "title": "Containers run unprivileged", "policies": ["privileged-container"]}
    return {
        "apiVersion": "plumbline.dev/v1",
        "kind": "Standard",
        "metadata": {"name": name},
        "spec": {"title": "Acme's own", "version": "3", "controls": [control], **spec},
    }


def write(directory: Path, document: Any, name: str = "acme") -> Path:
    file = directory / f"{name}.yaml"
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return file


def refusal(file: Path) -> str:
    with pytest.raises(PolicyError) as caught:
        load_standard(file)
    return str(caught.value)


def test_the_librarys_standards_are_valid() -> None:
    standards = load_standards(library_directory() / "standards")

    assert len(standards) == 12
    assert all(one.url and one.published and one.version for one in standards)


def test_coverage_tells_policies_from_evidence(tmp_path: Path) -> None:
    controls = [
        {"id": "a", "title": "By policies", "policies": ["seccomp"]},
        {"id": "b", "title": "By both", "policies": ["seccomp"], "manual": EVIDENCE},
        {"id": "c", "title": "By hand", "manual": EVIDENCE},
    ]
    loaded = load_standard(write(tmp_path, standard(controls=controls)))

    assert [control.coverage for control in loaded.controls] == ["automated", "in part", "manual"]
    assert [control.is_automated for control in loaded.controls] == [True, True, False]
    assert loaded.count_of("automated", "in part") == 2
    assert loaded.policies == ("seccomp",)
    assert loaded.controls[2].manual == EVIDENCE


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"titel": "x"}, "spec: Additional properties are not allowed ('titel' was unexpected)"),
        ({"version": 3}, "spec.version: 3 is not of type"),
        ({"url": "http://acme.example"}, "spec.url:"),
        ({"controls": []}, "spec.controls: [] has less than 1 item"),
        ({"controls": [{"id": "1.1", "title": "Nothing"}]}, "spec.controls[0]: 1.1 has neither policies nor manual"),
        (
            {"controls": [{"id": "1.1", "title": "Empty", "policies": []}]},
            "spec.controls[0].policies: [] has less than 1 item",
        ),
        ({"controls": [{"id": "1.1", "title": "Thin", "manual": "ask Bob"}]}, "spec.controls[0].manual:"),
        (
            {"controls": [{"id": "1.1", "title": "Typo", "polices": ["seccomp"], "manual": EVIDENCE}]},
            "spec.controls[0]: Additional properties are not allowed ('polices' was unexpected)",
        ),
        (
            {"controls": [{"id": "1.1", "title": "One", "manual": EVIDENCE}] * 2},
            "spec.controls[1].id: 1.1 is already the id of spec.controls[0]",
        ),
    ],
)
def test_a_broken_standard_is_named_with_its_file_and_field(tmp_path: Path, spec: dict[str, Any], said: str) -> None:
    file = write(tmp_path, standard(**spec))

    assert f"{file}: {said}" in refusal(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "is empty"), ("a: [", "flow"), ("a: 1\na: 2", "a"), ("[]", "is not of type"), ("\xff", "object")],
)
def test_a_file_that_is_no_standard_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = write(tmp_path, text)

    message = refusal(file)
    assert message.startswith(f"{file}: ")
    assert said in message


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_bytes(b"\xff\xfe\x00")

    assert refusal(file).startswith(f"{file}: ")


def test_a_standard_is_named_as_its_file(tmp_path: Path) -> None:
    file = write(tmp_path, standard("acme"), name="other")

    assert "metadata.name: is acme, and the file is named other" in refusal(file)


def test_a_control_said_anew_replaces_the_inherited_one(tmp_path: Path) -> None:
    loose = {"id": "one", "title": "Loose", "policies": ["seccomp"]}
    inherited = [loose, {"id": "two", "title": "Kept", "manual": EVIDENCE}]
    write(tmp_path, standard("base", controls=inherited), name="base")
    own = [{"id": "one", "title": "Strict", "policies": ["sysctls"]}]
    write(tmp_path, standard("strict", controls=own, extends="base"), name="strict")
    strict = load_standards(tmp_path)[1]

    assert [(control.id, control.title) for control in strict.controls] == [("two", "Kept"), ("one", "Strict")]
    assert [control.id for control in strict.own] == ["one"]


@pytest.mark.parametrize(
    ("extends", "said"), [("nothing", "nothing is no standard here"), ("acme", "acme extends it in turn")]
)
def test_what_a_standard_extends_must_be_there_and_end(tmp_path: Path, extends: str, said: str) -> None:
    file = write(tmp_path, standard(extends=extends))

    with pytest.raises(PolicyError) as caught:
        load_standards(tmp_path)
    assert str(caught.value) == f"{file}: spec.extends: {said}"


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="is not a directory"):
        load_standards(tmp_path / "nowhere")
