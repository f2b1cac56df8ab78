"""JUnit XML that the schemas of Ant and of Jenkins accept: every attribute that they ask for, none that they refuse."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TextIO
from xml.etree import ElementTree

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNNAMED = "(unnamed)"

Outcome = Literal["failure", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Case:
    """One test; `outcome` is None when it passed, `type` and `text` say more of a failure or an error."""

    name: str
    outcome: Outcome | None = None
    message: str = ""
    type: str = ""
    text: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class Suite:
    """Tests of one thing; `properties` are shown beside them."""

    name: str
    package: str
    cases: list[Case] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)


def write_suites(suites: Iterable[Suite], stream: TextIO) -> None:
    """Write them as one document, with the time of writing."""
    root = ElementTree.Element("testsuites")
    timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    for number, suite in enumerate(suites):
        _add(root, suite, number, timestamp)
    ElementTree.indent(root)
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    stream.write(ElementTree.tostring(root, encoding="unicode") + "\n")


def _add(root: ElementTree.Element, suite: Suite, number: int, timestamp: str) -> None:
    outcomes = [case.outcome for case in suite.cases]
    element = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": _clean(suite.name) or _UNNAMED,
            "package": _clean(suite.package),
            "id": str(number),
            "timestamp": timestamp,
            "hostname": platform.node() or "localhost",
            "tests": str(len(outcomes)),
            "failures": str(outcomes.count("failure")),
            "errors": str(outcomes.count("error")),
            "skipped": str(outcomes.count("skipped")),
            "time": f"{sum(case.seconds for case in suite.cases):.3f}",
        },
    )
    properties = ElementTree.SubElement(element, "properties")
    for name, value in suite.properties.items():
        ElementTree.SubElement(properties, "property", name=name, value=_clean(value))
    for case in suite.cases:
        _add_case(element, case, _clean(suite.name) or _UNNAMED)
    ElementTree.SubElement(element, "system-out")
    ElementTree.SubElement(element, "system-err")


def _add_case(suite: ElementTree.Element, case: Case, classname: str) -> None:
    element = ElementTree.SubElement(
        suite, "testcase", name=_clean(case.name) or _UNNAMED, classname=classname, time=f"{case.seconds:.3f}"
    )
    if case.outcome is None:
        return
    detail = ElementTree.SubElement(element, case.outcome, message=_clean(case.message))
    if case.outcome != "skipped":
        detail.set("type", case.type or case.outcome)
        detail.text = _clean(case.text)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
