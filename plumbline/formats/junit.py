"""JUnit XML: a suite for each resource, a case for each check, so that CI systems show policies as tests."""

from __future__ import annotations

import re
from typing import TextIO
from xml.etree import ElementTree

from plumbline.scanning import Finding, Scan

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(scan: Scan, stream: TextIO) -> None:
    """The scan should have kept its passes: they are the cases that succeed."""
    root = ElementTree.Element("testsuites", name="plumbline", time=f"{scan.duration_seconds:.3f}")
    suites: dict[int, list[Finding]] = {}
    for finding in scan.findings:
        suites.setdefault(id(finding.subject), []).append(finding)
    for findings in suites.values():
        _suite(root, findings)
    if scan.errors:
        _unreadable(root, scan)
    if scan.exceptions:
        _exceptions(root, scan)
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in root:
        for name in totals:
            totals[name] += int(suite.get(name, "0"))
    for name, value in totals.items():
        root.set(name, str(value))
    ElementTree.indent(root)
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    stream.write(ElementTree.tostring(root, encoding="unicode") + "\n")


def _suite(root: ElementTree.Element, findings: list[Finding]) -> None:
    statuses = [finding.result.status for finding in findings]
    subject = findings[0].subject
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=_clean(subject.title),
        tests=str(len(findings)),
        failures=str(statuses.count("fail")),
        errors=str(statuses.count("error")),
        skipped=str(statuses.count("skip")),
    )
    for finding in findings:
        _case(suite, finding)


def _case(suite: ElementTree.Element, finding: Finding) -> None:
    result, subject = finding.result, finding.subject
    name = f"{result.policy}/{result.rule} {result.place}".strip()
    case = ElementTree.SubElement(suite, "testcase", classname=_clean(subject.title), name=_clean(name))
    if subject.file is not None:
        case.set("file", _clean(subject.file))
        case.set("line", str(finding.line or 1))
    tag = {"fail": "failure", "error": "error", "skip": "skipped"}.get(result.status)
    if tag is None:
        return
    detail = ElementTree.SubElement(case, tag, message=_clean(result.message))
    if tag != "skipped":
        detail.set("type", result.severity if tag == "failure" else "error")
        where = f"{subject.file}:{finding.line}: " if subject.file else ""
        detail.text = _clean(f"{where}{result.path}: {result.message}")


def _unreadable(root: ElementTree.Element, scan: Scan) -> None:
    count = str(len(scan.errors))
    suite = ElementTree.SubElement(
        root, "testsuite", name="manifests", tests=count, failures="0", errors=count, skipped="0"
    )
    for error in scan.errors:
        name = f"{error.file}:{error.line}" if error.line else str(error.file)
        case = ElementTree.SubElement(suite, "testcase", classname="manifests", name=_clean(name))
        ElementTree.SubElement(case, "error", message=_clean(error.message), type="unreadable")


def _exceptions(root: ElementTree.Element, scan: Scan) -> None:
    """A case for each exception: one that did nothing is skipped, and says why."""
    idle = [item for item in scan.exceptions if item.state != "used"]
    tests, skipped = str(len(scan.exceptions)), str(len(idle))
    suite = ElementTree.SubElement(
        root, "testsuite", name="exceptions", tests=tests, failures="0", errors="0", skipped=skipped
    )
    for item in scan.exceptions:
        case = ElementTree.SubElement(suite, "testcase", classname="exceptions", name=_clean(item.name or "(unnamed)"))
        if item.state != "used":
            ElementTree.SubElement(case, "skipped", message=_clean(f"{item.state}: {item.detail}"))


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
