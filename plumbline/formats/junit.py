"""JUnit XML of a scan: a suite for each resource, a case for each check, so that CI systems show policies as tests."""

from __future__ import annotations

from typing import TextIO

from plumbline.exceptions import Standing
from plumbline.formats.suites import Case, Outcome, Suite, write_suites
from plumbline.scanning import Finding, Scan

_OUTCOMES: dict[str, Outcome] = {"fail": "failure", "error": "error", "skip": "skipped"}


def write(scan: Scan, stream: TextIO) -> None:
    """The scan should have kept its passes: they are the cases that succeed."""
    suites: dict[int, Suite] = {}
    for finding in scan.findings:
        subject = finding.subject
        suite = suites.setdefault(id(subject), Suite(subject.title, subject.file or "plumbline"))
        suite.cases.append(_case(finding))
    unreadable = Suite("manifests", "plumbline")
    for error in scan.errors:
        name = f"{error.file}:{error.line}" if error.line else str(error.file)
        unreadable.cases.append(Case(name, "error", error.message, "unreadable", f"{name}: {error.message}"))
    exceptions = Suite("exceptions", "plumbline", [_exception_case(item) for item in scan.exceptions])
    write_suites((*suites.values(), *(suite for suite in (unreadable, exceptions) if suite.cases)), stream)


def _exception_case(item: Standing) -> Case:
    """An exception that did nothing is a skipped case, and says why."""
    is_used = item.state == "used"
    message = "" if is_used else f"{item.state}: {item.detail}"
    return Case(item.name or "(unnamed)", None if is_used else "skipped", message)


def _case(finding: Finding) -> Case:
    result, subject = finding.result, finding.subject
    where = f"{subject.file}:{finding.line or 1}: " if subject.file else ""
    return Case(
        name=f"{result.policy}/{result.rule} {result.place}".strip(),
        outcome=_OUTCOMES.get(result.status),
        message=result.message,
        type=result.severity if result.status == "fail" else "error",
        text=f"{where}{result.path}: {result.message}",
    )
