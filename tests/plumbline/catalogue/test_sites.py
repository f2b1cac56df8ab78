"""The catalogue: pages of the same bytes for the same library, and a directory kept like them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plumbline.catalogue.policies import policy_page
from plumbline.catalogue.sites import MARK
from plumbline.cli import main
from plumbline.library import library_policies, library_standards
from plumbline.testing.cases import Case
from tests.plumbline.objects import deployment, policy

LINK = re.compile(r"\]\(([^)#]+)(?:#([^)]*))?\)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("catalogue")
    main(["policy", "docs", "--output", str(directory)])
    return directory


def test_every_policy_and_standard_has_its_page(site: Path) -> None:
    pages = {file.relative_to(site).as_posix() for file in site.rglob("*.md")}
    policies = {f"policies/{item.id}.md" for item in library_policies()}
    assert pages == {"README.md", *policies, *(f"standards/{item.name}.md" for item in library_standards())}


def test_every_link_leads_to_a_page(site: Path) -> None:
    broken = {
        f"{file.name}: {link[1]}"
        for file in site.rglob("*.md")
        for link in LINK.finditer(re.sub(r"```.*?```|`[^`]*`", "", file.read_text(), flags=re.DOTALL))
        if not (file.parent / link[1]).is_file()
    }
    assert broken == set()


def test_rows_of_a_table_have_as_many_cells_as_its_head(site: Path) -> None:
    uneven = set()
    for file in site.rglob("*.md"):
        for found in re.finditer(r"(?m)^\|.*(?:\n\|.*)+", file.read_text()):
            cells = {len(re.findall(r"(?<!\\)\|", row)) for row in found[0].splitlines()}
            uneven |= {file.name} if len(cells) > 1 else set()
    assert uneven == set()


def test_writing_again_changes_nothing(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "docs", "--output", str(site), "--check"]) == 0
    main(["policy", "docs", "--output", str(tmp_path)])
    first = {file.relative_to(site): file.read_bytes() for file in site.rglob("*.md")}
    assert {file.relative_to(tmp_path): file.read_bytes() for file in tmp_path.rglob("*.md")} == first


def test_what_is_stale_is_named_and_then_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["policy", "docs", "--output", str(tmp_path)])
    (tmp_path / "policies" / "sysctls.md").write_text(f"{MARK}\nold")
    (tmp_path / "policies" / "gone.md").write_text(f"{MARK}\nold")
    (tmp_path / "standards" / "soc2.md").unlink()
    (tmp_path / "notes.md").write_text("ours")
    capsys.readouterr()
    assert main(["policy", "docs", "--output", str(tmp_path), "--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}/standards/soc2.md: missing",
        f"{tmp_path}/policies/sysctls.md: changed",
        f"{tmp_path}/policies/gone.md: stale",
    ]
    assert main(["policy", "docs", "--output", str(tmp_path)]) == 0
    assert main(["policy", "docs", "--output", str(tmp_path), "--check"]) == 0
    assert not (tmp_path / "policies" / "gone.md").exists()
    assert (tmp_path / "notes.md").read_text() == "ours"


def test_a_page_of_somebody_else_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text("# Mine")
    assert main(["policy", "docs", "--output", str(tmp_path)]) == 2
    assert "README.md: was not written by this command" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["README.md"]


def test_a_page_shows_the_fix_as_a_diff_of_an_example() -> None:
    failing = deployment(containers=[{"name": "web", "securityContext": {"privileged": True}}])
    page = policy_page(policy(), [Case("a privileged | one fails", failing, "fail", 1)], {})
    assert "-            privileged: true\n+            privileged: false\n" in page
    assert r"| a privileged \| one fails | fail |" in page


def test_a_page_has_parameters_with_types_and_defaults() -> None:
    properties = {
        "names": {"type": "array", "items": {"type": "string"}, "description": "Which <names>."},
        "least": {"type": "integer", "minimum": 2},
    }
    schema = {"type": "object", "properties": properties}
    page = policy_page(policy(parameters={"schema": schema, "defaults": {"names": ["a|b"]}}), [], {})
    assert r"| `names` | list of string | `[\"a\|b\"]` | Which \<names>. |".replace('\\"', '"') in page
    assert "| `least` | integer, at least 2 |  |  |" in page
