"""What the documents tell people to type, and where they send them, is there."""

import re
import subprocess

import pytest

from deploy.local.home import CHECKOUT

DOCUMENTS = sorted(
    path for path in [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")] if path.is_file()
)
README = (CHECKOUT / "README.md").read_text()
MAKEFILE = (CHECKOUT / "Makefile").read_text()


def name_of(path):
    return str(path.relative_to(CHECKOUT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document):
    prose = re.sub(r"(?ms)^( *)```.*?^\1```|`[^`\n]*`", "", document.read_text())
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose)
    local = [t for t in targets if "://" not in t]
    assert [t for t in local if not (document.parent / t).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_make_targets_exist(document):
    named = set(re.findall(r"^\s*(?:\|\s*`|`)?(?:[A-Z_]+=\S+ )?make ([a-z]+)", document.read_text(), re.M))
    assert {n for n in named if not re.search(rf"^{n}:", MAKEFILE, re.MULTILINE)} == set()


def test_the_readme_s_scan_prints_what_the_readme_says():
    block = re.search(r"^    \.venv/bin/(plumbline scan.*?^    END)$", README, re.MULTILINE | re.DOTALL)[1]
    lines = [line.removeprefix("    ") for line in block.splitlines()]
    options, manifest = lines[0].split(" <<")[0].split(), "\n".join(lines[1:-1])
    done = subprocess.run(
        [str(CHECKOUT / ".venv" / "bin" / options[0]), *options[1:]],
        input=manifest,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    promised = re.search(r"^It prints\n\n(.*?)\n\nthen", README, re.MULTILINE | re.DOTALL)[1]
    assert "\n".join(line.removeprefix("    ") for line in promised.splitlines()) in done.stdout


def test_every_setting_in_the_operations_table_is_read_somewhere():
    text = (CHECKOUT / "docs" / "operations.md").read_text()
    table = text.split("## Settings")[1].split("\n## ")[0]
    names = {n for row in re.findall(r"^\| (`.*?) \|", table, re.M) for n in re.findall(r"`([A-Z_]+)`", row)}
    rego = sorted((CHECKOUT / "plumbline" / "engines" / "rego").glob("*.py"))
    readers = [CHECKOUT / path for path in ("config/settings.py", "common/metrics.py", "common/tracing.py")]
    sources = "".join(path.read_text() for path in [*readers, *rego])
    assert len(names) > 10
    assert {n for n in names if f'"{n}"' not in sources} == set()
