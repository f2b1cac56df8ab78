"""All pages of the catalogue, and a directory that holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from plumbline.catalogue.policies import policy_page
from plumbline.catalogue.standards import coverage, standard_page
from plumbline.catalogue.texts import cell, code, plain, table
from plumbline.policies import Policy
from plumbline.results import SEVERITIES
from plumbline.standards import Standard
from plumbline.testing.cases import Case

MARK: Final = "<!-- Written by `plumbline policy docs`: change the policy, not this page. -->"
_INTRODUCTION: Final = """\
# The catalogue

{policies} policies and {standards} standards. Each policy says one thing that must be true of a Kubernetes object, why,
and what to do about it; each has tests of both verdicts. `plumbline scan PATH` judges by all of them.
"""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the pages are made of; `cases` by the id of their policy."""

    policies: Mapping[str, Policy]
    cases: Mapping[str, Sequence[Case]]
    standards: Mapping[str, Standard]


@dataclass(frozen=True, slots=True)
class Staleness:
    """How a directory differs from the pages: names relative to it. `foreign` are in the way and not ours."""

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed or self.stale or self.foreign)


def pages(catalogue: Catalogue) -> dict[str, str]:
    """Texts by name. The same catalogue always gives the same bytes."""
    made = {"README.md": _index(catalogue)}
    for name, policy in sorted(catalogue.policies.items()):
        made[f"policies/{name}.md"] = policy_page(policy, catalogue.cases.get(name, ()), catalogue.standards)
    for name, standard in sorted(catalogue.standards.items()):
        made[f"standards/{name}.md"] = standard_page(standard, catalogue.policies)
    return {name: f"{MARK}\n\n{text}" for name, text in made.items()}


def compare(directory: Path, made: Mapping[str, str]) -> Staleness:
    """What writing would change. Raises OSError."""
    missing, changed, foreign = [], [], []
    for name, text in made.items():
        file = directory / name
        there = file.read_text("utf-8", errors="replace") if file.exists() else None
        if there is None:
            missing.append(name)
        elif not there.startswith(MARK):
            foreign.append(name)
        elif there != text:
            changed.append(name)
    written = (file.relative_to(directory).as_posix() for file in sorted(directory.rglob("*.md")) if _is_ours(file))
    stale = tuple(name for name in written if name not in made)
    return Staleness(tuple(missing), tuple(changed), stale, tuple(foreign))


def write(directory: Path, made: Mapping[str, str], staleness: Staleness) -> None:
    """Write what is missing or changed, and remove the pages of what is no more. Raises OSError."""
    for name in (*staleness.missing, *staleness.changed):
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made[name], "utf-8", newline="\n")
    for name in staleness.stale:
        (directory / name).unlink()


def _is_ours(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(MARK)) == MARK.encode()


def _index(catalogue: Catalogue) -> str:
    policies = sorted(catalogue.policies.values(), key=lambda policy: policy.id)
    introduction = _INTRODUCTION.format(policies=len(policies), standards=len(catalogue.standards))
    parts = [introduction.rstrip(), "## Standards", _standards(catalogue.standards), "## By category"]
    by_category: dict[str, list[Policy]] = {}
    for policy in policies:
        by_category.setdefault(policy.category, []).append(policy)
    for category, members in sorted(by_category.items()):
        rows = [(_link(item), item.severity, plain(item.title), "yes" if _is_fixable(item) else "") for item in members]
        parts += [f"### {category}", table(("policy", "severity", "what must be true", "fix"), rows)]
    parts.append("## By severity")
    for severity in reversed(SEVERITIES):
        links = [_link(policy) for policy in policies if policy.severity == severity]
        if links:
            parts += [f"### {severity}", f"{len(links)}: {', '.join(links)}"]
    return "\n\n".join(parts) + "\n"


def _standards(standards: Mapping[str, Standard]) -> str:
    rows = [
        (f"[{name}](standards/{name}.md)", plain(standard.title), cell(code(standard.version)), coverage(standard))
        for name, standard in sorted(standards.items())
    ]
    return table(("standard", "title", "version", "coverage"), rows)


def _link(policy: Policy) -> str:
    return f"[{policy.id}](policies/{policy.id}.md)"


def _is_fixable(policy: Policy) -> bool:
    return any(rule.fix for rule in policy.rules)
