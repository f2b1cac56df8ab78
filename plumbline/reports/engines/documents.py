"""Which documents hold results, and which reader knows them. What is no such document is named and left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plumbline.reports.engines import constraints, policyreports
from plumbline.reports.engines.findings import Findings

MAX_RESULTS = 1_000_000
_REPORT_KINDS = frozenset({"PolicyReport", "ClusterPolicyReport", "Report", "ClusterReport"})
_REPORT_GROUPS = frozenset({"wgpolicyk8s.io", "openreports.io", "reports.x-k8s.io"})


class NoResultsError(ValueError):
    """The documents hold no results of another engine; the message says what was found instead."""


def results_of(documents: Iterable[Mapping[str, Any]], *, source: str = "") -> Findings:
    """What the documents say: PolicyReports, OpenReports and Gatekeeper's constraints, in any order.

    `source` names the engine of reports that name none. Raises NoResultsError when none is such a document: one
    that holds no result yet is, and says that nothing was found.
    """
    findings = Findings()
    is_known = False
    count = 0
    for document in documents:
        count += 1
        group = _group(document)
        if group in _REPORT_GROUPS and document.get("kind") in _REPORT_KINDS:
            policyreports.read(document, findings, source=source)
        elif group == constraints.GROUP:
            constraints.read(document, findings)
        else:
            _note(document, findings)
            continue
        is_known = True
        if len(findings.results) > MAX_RESULTS:
            raise NoResultsError(f"the documents hold more than {MAX_RESULTS} results: send them in parts")
    if not is_known:
        found = f": {findings.problems[0]}" if findings.problems else ""
        raise NoResultsError(
            f"none of the {count} documents is a PolicyReport, an OpenReports Report or a Gatekeeper constraint{found}"
        )
    return findings


def _group(document: Mapping[str, Any]) -> str:
    value = document.get("apiVersion")
    return value.rpartition("/")[0] if isinstance(value, str) else ""


def _note(document: Mapping[str, Any], findings: Findings) -> None:
    if len(findings.problems) < 100:
        kind, version = str(document.get("kind"))[:100], str(document.get("apiVersion"))[:100]
        findings.problems.append(f"{kind} of {version} holds no results")
