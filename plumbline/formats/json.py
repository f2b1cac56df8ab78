"""The JSON of a scan, schema `plumbline.scan/v1`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO

import orjson

from plumbline.exceptions import Standing
from plumbline.scanning import Finding, Scan


def write(scan: Scan, stream: TextIO) -> None:
    """One JSON object, one result a line so that it can be read, searched and compared."""
    stream.write('{"schema": "plumbline.scan/v1",\n "summary": ')
    stream.write(json.dumps(summary(scan)))
    stream.write(',\n "results": [')
    _write_items(stream, map(result, scan.findings))
    stream.write('],\n "errors": [')
    errors = ({"file": error.file, "line": error.line, "message": error.message} for error in scan.errors)
    _write_items(stream, errors)
    stream.write('],\n "exceptions": [')
    _write_items(stream, map(exception, scan.exceptions))
    stream.write("]}\n")


def summary(scan: Scan) -> dict[str, Any]:
    """Counts: `checks` is the sum of pass, fail, error and skip."""
    return {
        "resources": scan.resources,
        "policies": len(scan.policies),
        "checks": scan.checks,
        "pass": scan.passed,
        "fail": scan.failed,
        "error": scan.errored,
        "skip": scan.skipped,
        "ignored": scan.ignored,
        "duration_seconds": round(scan.duration_seconds, 6),
    }


def result(finding: Finding) -> dict[str, Any]:
    """One entry of `results`."""
    subject, found = finding.subject, finding.result
    return {
        "policy": found.policy,
        "rule": found.rule,
        "severity": found.severity,
        "status": found.status,
        "resource": {
            "apiVersion": subject.api_version,
            "kind": subject.kind,
            "namespace": subject.namespace,
            "name": subject.name,
        },
        "file": subject.file,
        "line": finding.line,
        "path": found.path,
        "place": found.place,
        "found": found.found,
        "message": found.message,
        "fix": found.fix,
        "exception": found.exception,
    }


def exception(standing: Standing) -> dict[str, Any]:
    """One entry of `exceptions`: `results` counts the violations that it made skips, `detail` says why it made none."""
    return {
        "name": standing.name,
        "policies": list(standing.policies),
        "status": standing.state,
        "results": standing.results,
        "expiresAt": standing.until,
        "owner": standing.owner,
        "detail": standing.detail,
        "file": standing.file,
        "line": standing.line,
    }


def _write_items(stream: TextIO, items: Iterable[dict[str, Any]]) -> None:
    encode = _encode_unicode if (stream.encoding or "utf-8").lower().startswith("utf") else json.dumps
    stream.write(",".join(["\n  " + encode(item) for item in items]))


def _encode_unicode(item: dict[str, Any]) -> str:
    try:
        return orjson.dumps(item).decode()
    except orjson.JSONEncodeError:  # half a surrogate pair, a number beyond 64 bits
        return json.dumps(item)
