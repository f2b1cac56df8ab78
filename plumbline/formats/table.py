"""The scan for a person at a terminal: violations by resource, and what to fix first."""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.text import Text

from plumbline.messages import as_text
from plumbline.results import SEVERITIES, severity_rank
from plumbline.scanning import Finding, Scan

_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}
_WEIGHTS = {"critical": 1000, "high": 100, "medium": 10, "low": 1}
_FIRST = 5
_MARGIN = 5
_SHORT = 160
_SENTENCE_END = re.compile(r"[.!?](?= [A-Z]|$)")


def write(scan: Scan, stream: TextIO) -> None:
    """Findings by resource, the worst first within each; then unreadable input, counts, and what to fix
    first.
    """
    console = Console(file=stream, highlight=False, soft_wrap=True, markup=False, emoji=False)
    by_subject: dict[int, list[Finding]] = defaultdict(list)
    for finding in scan.findings:
        by_subject[id(finding.subject)].append(finding)
    for findings in by_subject.values():
        _resource(console, findings)
    if scan.errors:
        console.print(Text("Could not be read", "bold red"))
        for error in scan.errors:
            where = f"{error.file}:{error.line}" if error.line else str(error.file)
            console.print(Text.assemble("  ", (_printable(where), "bold"), f"  {_printable(error.message)}"))
        console.print()
    _exceptions(console, scan)
    _first(console, scan)
    _summary(console, scan)


def _resource(console: Console, findings: list[Finding]) -> None:
    subject = findings[0].subject
    where = f"  {_printable(subject.file or '')}:{subject.line or 1}" if subject.file else ""
    console.print(Text.assemble((_printable(subject.title), "bold"), (where, "dim")))
    for finding in sorted(findings, key=lambda item: -severity_rank(item.result.severity)):
        result = finding.result
        word = result.severity if result.status == "fail" else result.status
        style = _STYLES[result.severity] if result.status == "fail" else "green" if word == "pass" else "magenta"
        line = f":{finding.line}" if finding.line else ""
        message = result.message or "passes"
        text = Text.assemble("  ", (f"{word:<9}", style), f"{result.policy:<28} {_printable(message)}")
        console.print(text)
        found = "" if result.found is None else f" = {_printable(as_text(result.found))}"
        console.print(Text(f"           {_printable(result.path)}{line}{found}", "dim"))
    console.print()


def _exceptions(console: Console, scan: Scan) -> None:
    if not scan.exceptions:
        return
    console.print(Text("Exceptions", "bold"))
    for item in scan.exceptions:
        style = "green" if item.state == "used" else "yellow"
        owner = f", {item.owner}" if item.owner else ""
        until = f" until {item.until}{owner}" if item.until else ""
        if item.state == "used":
            said = f"{_count(item.results, 'violation')} excepted{until}"
        else:
            where = f"  {item.file}:{item.line or 1}" if item.file else ""
            said = f"{item.detail}{where}"
        name = _printable(item.name or "(unnamed)")
        console.print(Text.assemble("  ", (f"{item.state:<10}", style), f"{name:<28} {_printable(said)}"))
    console.print()


@dataclass(slots=True)
class _Gain:
    violations: int = 0
    fixable: int = 0
    weight: int = 0


def _first(console: Console, scan: Scan) -> None:
    gains: dict[str, _Gain] = defaultdict(_Gain)
    resources: dict[str, set[int]] = defaultdict(set)
    for finding in scan.findings:
        result = finding.result
        if result.status == "fail":
            gain = gains[result.policy]
            gain.violations += 1
            gain.fixable += result.fix is not None
            gain.weight += _WEIGHTS[result.severity]
            resources[result.policy].add(id(finding.subject))
    if not gains:
        return
    policies = {policy.id: policy for policy in scan.policies}
    console.print(Text("Fix first", "bold"))
    best = sorted(gains, key=lambda name: (-gains[name].weight, name))[:_FIRST]
    for rank, name in enumerate(best, 1):
        gain, policy = gains[name], policies[name]
        ready = f", {gain.fixable} with a ready fix" if gain.fixable else ""
        closes = f"closes {gain.violations} {policy.severity} in {_count(len(resources[name]), 'resource')}{ready}"
        console.print(Text.assemble(f"  {rank}. ", (name, _STYLES[policy.severity]), f"  {closes}"))
        for line in textwrap.wrap(_beginning(policy.guidance), max(20, console.width - _MARGIN)):
            console.print(Text(" " * _MARGIN + line, "dim"))
    console.print()


def _summary(console: Console, scan: Scan) -> None:
    counts = dict.fromkeys(reversed(SEVERITIES), 0)
    for finding in scan.findings:
        if finding.result.status == "fail":
            counts[finding.result.severity] += 1
    words = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    by_severity = f" ({words})" if words else ""
    skipped = f", {scan.skipped} skipped" if scan.skipped else ""
    unread = f", {len(scan.errors)} unreadable" if scan.errors else ""
    console.print(
        Text(
            f"{_count(scan.resources, 'resource')}, {_count(len(scan.policies), 'policy', 'policies')}, "
            f"{_count(scan.checks, 'check')}: {scan.passed} passed, {scan.failed} failed{by_severity}, "
            f"{_count(scan.errored, 'error')}{skipped}{unread} "
            f"in {scan.duration_seconds:.2f} s"
        )
    )


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _beginning(guidance: str) -> str:
    """The first sentence, and the second when both are short."""
    text = " ".join(guidance.split())
    first = _SENTENCE_END.search(text)
    if first is None:
        return text
    second = _SENTENCE_END.search(text, first.end())
    end = second.end() if second and second.end() <= _SHORT else first.end()
    return text[:end].rstrip()


def _printable(text: str) -> str:
    """Manifests are other people's text: nothing in them may steer the terminal."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)
