"""Policies' controls are the original, and standards' files follow them, byte for byte elsewhere."""

from dataclasses import replace
from pathlib import Path

import pytest

from plumbline.library import library_directory, library_policies, library_standards
from plumbline.mappings import mapping_problems, policies_by_control, rewritten, sync_file
from plumbline.policies import Policy, PolicyError
from plumbline.standards import load_standard

TEXT = """\
# Kept: the note at the top, § and “quotes” before the lists
apiVersion: plumbline.dev/v1
kind: Standard
metadata: {name: acme}
spec:
  title:   Acme's own   # odd spacing
  version: "1"
  controls:
    # Section one
    - id: "1.1"
      title: Privileged   # for auditors
      policies: [old, older]   # kept
    - id: "1.2"
      title: "Nothing yet"
      manual: >-
        The review of the last quarter,
        signed by its owner.

    - id: "1.3"
      title: A long list
      policies:
        - b
        - a   # kept too

    - {id: "1.4", title: In one line, policies: [z]}
    - id: "1.5"
      title: Both
      policies: [gone]
      manual: The review of the last quarter, signed by its owner.
"""


def named(policy: Policy, **controls: tuple[str, ...]) -> Policy:
    return replace(policy, controls={name.replace("_", "-"): ids for name, ids in controls.items()})


def test_each_list_follows_and_every_other_byte_stays() -> None:
    wanted = {"1.1": ["new"], "1.2": ["first", "second"], "1.3": ["a", "b"], "1.4": ["y", "z"]}

    expected = TEXT
    for before, after in [
        ("[old, older]", "[new]"),
        ('title: "Nothing yet"\n', 'title: "Nothing yet"\n      policies: [first, second]\n'),
        ("policies:\n        - b\n        - a ", "policies: [a, b] "),
        ("policies: [z]", "policies: [y, z]"),
        ("      policies: [gone]\n", ""),
    ]:
        assert before in expected
        expected = expected.replace(before, after)

    after = rewritten(TEXT, wanted)

    assert after == expected
    assert rewritten(after, wanted) == after


def test_a_list_too_long_for_a_line_becomes_a_block(tmp_path: Path) -> None:
    many = [f"a-policy-with-a-long-name-{number}" for number in range(9)]
    file = tmp_path / "acme.yaml"
    file.write_text(rewritten(TEXT, {**{control: ["x"] for control in ("1.1", "1.2", "1.4", "1.5")}, "1.3": many}))

    assert "\n        - a-policy-with-a-long-name-8\n" in file.read_text().replace("   # kept too", "")
    assert load_standard(file).controls[2].policies == tuple(many)


def test_a_control_that_nothing_names_and_nobody_reviews_is_refused() -> None:
    with pytest.raises(PolicyError) as caught:
        rewritten(TEXT, {}, file="acme.yaml")
    assert str(caught.value).startswith("acme.yaml: spec.controls[0]: no policy names it any more")


def test_a_file_without_a_last_newline_stays_without() -> None:
    control = "    - id: a\n      manual: Something that is long enough\n      title: Last"
    text = TEXT.split("    # Section one")[0] + control
    assert rewritten(text, {"a": ["x"]}) == f"{text}\n      policies: [x]"


def test_policies_are_listed_in_alphabetical_order_and_once() -> None:
    first, second = (replace(policy) for policy in library_policies()[:2])
    policies = [named(second, acme=("1", "1")), named(first, acme=("1",), other=("2",))]

    assert policies_by_control(policies, "acme") == {"1": sorted((first.id, second.id))}


def test_unknown_standards_and_controls_are_named_with_the_nearest() -> None:
    policy = named(library_policies()[0], cis_kubernetess=("5.2.6",), pci_dss=("2.2.6", "2.2.66"))

    found = [str(problem) for problem in mapping_problems([policy], library_standards())]

    assert found[0].startswith(f"{policy.file}: spec.controls.cis-kubernetess: there is no standard cis-kubernetess")
    assert "did you mean cis-kubernetes?" in found[0]
    where = f"{policy.file}: spec.controls.pci-dss[1]"
    assert found[1].startswith(f"{where}: pci-dss has no control 2.2.66; did you mean 2.2.6")
    assert len(found) == 2


def test_a_check_writes_nothing_and_a_sync_mends(tmp_path: Path) -> None:
    name = "nsa-cisa"
    file = tmp_path / f"{name}.yaml"
    original = (library_directory() / "standards" / file.name).read_text()
    controls = load_standard(library_directory() / "standards" / file.name).own
    wanted = {control.id: list(control.policies) for control in controls}
    stale = original.replace("policies: [read-only-root-filesystem]", "policies: [seccomp, zebra]")
    file.write_text(stale)

    assert sync_file(file, wanted, write=False)
    assert file.read_text() == stale
    assert sync_file(file, wanted, write=True)
    assert file.read_text() == original
    assert not sync_file(file, wanted, write=True)
