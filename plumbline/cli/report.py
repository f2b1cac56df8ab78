"""`plumbline report`: what other engines found, to a Plumbline server."""

from __future__ import annotations

import argparse
import json
import os
import sys
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from plumbline.cli.arguments import UsageError
from plumbline.manifests import LoadError, load
from plumbline.reports import ReportError
from plumbline.reports.engines import EngineReport, NoResultsError, convert, results_of
from plumbline.reports.post import RESULTS_PATH, post_body


def run(options: argparse.Namespace) -> int:
    """Read, say what was read, report; the exit code."""
    token = options.token or os.environ.get("PLUMBLINE_TOKEN")
    if options.report_to and not token:
        raise UsageError("--report-to needs --token, or PLUMBLINE_TOKEN in the environment")
    documents: list[dict[str, Any]] = []
    problems: list[LoadError] = []
    for found in load(options.paths, sys.stdin.buffer):
        if isinstance(found, LoadError):
            problems.append(found)
        else:
            documents.append(found.object)
    for problem in problems:
        where = f"{problem.file}:{problem.line}" if problem.line else problem.file
        print(f"plumbline: {where}: {problem.message}", file=sys.stderr)
    scanned_at = datetime.now(UTC)
    try:
        findings = results_of(documents, source=options.source)
        reports = convert(findings, scanned_at=scanned_at)
    except (NoResultsError, ValueError) as error:
        print(f"plumbline: {error}", file=sys.stderr)
        return 2
    for ignored in findings.problems:
        print(f"plumbline: left out: {ignored}", file=sys.stderr)
    if options.complete and problems:
        raise UsageError("--complete needs every document: mend those that cannot be read, or leave it out")
    if not options.report_to:
        _print(reports)
        return 2 if problems else 0
    is_accepted = _report(options, str(token), documents, scanned_at)
    return 0 if is_accepted and not problems else 2


def _print(reports: list[EngineReport]) -> None:
    for report in reports:
        resources = report.body["resources"]
        failed = sum(len(resource["failed"]) for resource in resources)
        truncated = report.body["truncated"]
        missing = truncated["resources_total"] - len(resources) if truncated else 0
        cut = f", {missing} more that it did not list" if missing else ""
        print(
            f"{report.engine}: {_count(report.result_count, 'result')} of {_count(len(report.policies), 'policy')} "
            f"on {_count(len(resources), 'object')}, {failed} failed{cut}"
        )


def _count(number: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def _report(options: argparse.Namespace, token: str, documents: list[dict[str, Any]], scanned_at: datetime) -> bool:
    """The server makes the same of the documents, and folds into owners that it alone knows."""
    query = {"scanned_at": scanned_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    query |= {"source": options.source} if options.source else {}
    query |= {"complete": "true"} if options.complete else {}
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}, separators=(",", ":")).encode()
    try:
        answer = post_body(
            options.report_to,
            token,
            body,
            path=f"{RESULTS_PATH}?{urlencode(query)}",
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
    except ReportError as error:
        print(f"plumbline: the results were not accepted: {error}", file=sys.stderr)
        return False
    for receipt in answer.get("reports", []):
        objects = _count(receipt.get("resource_count", 0), "object")
        print(
            f"plumbline: reported results of {receipt.get('engine')} on {objects} as {receipt.get('report_id')}",
            file=sys.stderr,
        )
    return True
