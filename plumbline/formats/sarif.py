"""SARIF 2.1.0, as GitHub code scanning and others take it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import PurePath
from typing import Any, TextIO
from urllib.parse import quote

from plumbline import __version__
from plumbline.policies import Policy
from plumbline.scanning import Finding, Scan

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"low": "note", "medium": "warning", "high": "error", "critical": "error"}
_SECURITY_SEVERITY = {"low": "2.5", "medium": "5.5", "high": "8.0", "critical": "9.5"}


def write(scan: Scan, stream: TextIO) -> None:
    """One run. Passes, when the scan kept them, are results of kind `pass`."""
    indexes = {policy.id: index for index, policy in enumerate(scan.policies)}
    # Either all results of a run say whether they are suppressed, or none does.
    has_suppressions = any(item.state != "ignored" for item in scan.exceptions)
    driver = {
        "name": "Plumbline",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": "https://plumbline.dev",
        "rules": [_rule(policy) for policy in scan.policies],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"uri": f"file://{quote(os.getcwd())}/"}},
        "invocations": [{"executionSuccessful": not scan.errors, "toolExecutionNotifications": _notices(scan)}],
        "results": [_result(finding, indexes, has_suppressions) for finding in scan.findings],
    }
    json.dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, stream, indent=1)
    stream.write("\n")


def _rule(policy: Policy) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": policy.id,
        "name": "".join(word.capitalize() for word in policy.id.split("-")),
        "shortDescription": {"text": policy.title},
        "fullDescription": {"text": policy.why},
        "help": {"text": policy.guidance},
        "defaultConfiguration": {"level": _LEVELS[policy.severity]},
        "properties": {
            "security-severity": _SECURITY_SEVERITY[policy.severity],
            "tags": ["security", "kubernetes", policy.category],
            "problem.severity": "error" if policy.severity in ("high", "critical") else "warning",
        },
    }
    if policy.references:
        rule["helpUri"] = policy.references[0]
    return rule


def _result(finding: Finding, indexes: dict[str, int], has_suppressions: bool) -> dict[str, Any]:
    """Excepted violations are failures that are suppressed, as SARIF has it."""
    result, subject = finding.result, finding.subject
    is_excepted = result.exception is not None
    identity = (subject.api_version, subject.kind, subject.namespace, subject.name)
    key = "\0".join((*identity, result.policy, result.rule, result.place))
    is_pass = result.status in ("pass", "skip") and not is_excepted
    kinds = {"pass": "pass", "skip": "notApplicable", "error": "open"}
    kind = "fail" if is_excepted else kinds.get(result.status, "fail")
    document = {
        "ruleId": result.policy,
        "ruleIndex": indexes[result.policy],
        "kind": kind,
        "level": "none" if is_pass or kind == "open" else _LEVELS[result.severity],
        "message": {"text": result.message or f"{subject.title} passes {result.policy}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(subject.file),
                    "region": {"startLine": finding.line or 1},
                },
                "logicalLocations": [{"fullyQualifiedName": f"{subject.title} {result.path}".strip()}],
            }
        ],
        "partialFingerprints": {"plumblinePlace/v1": hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()},
    }
    if has_suppressions:
        suppression = {"kind": "external", "status": "accepted", "justification": result.message}
        document["suppressions"] = [suppression] if is_excepted else []
    return document


def _artifact(file: str | None) -> dict[str, str]:
    if file is None or file == "-":
        return {"uri": "stdin"}
    relative = os.path.relpath(file)
    if relative.startswith(".."):
        return {"uri": f"file://{quote(os.path.abspath(file))}"}
    return {"uri": quote(PurePath(relative).as_posix()), "uriBaseId": "SRCROOT"}


def _notices(scan: Scan) -> list[dict[str, Any]]:
    """What could not be read, and exceptions that did nothing."""
    idle = [item for item in scan.exceptions if item.state not in ("used", "elsewhere")]
    return [
        *(_notice("error", error.message, error.file, error.line) for error in scan.errors),
        *(_notice("warning", f"exception {item.name} {item.detail}", item.file, item.line) for item in idle),
    ]


def _notice(level: str, message: str, file: str | None, line: int | None) -> dict[str, Any]:
    place = {"artifactLocation": _artifact(file), "region": {"startLine": line or 1}}
    return {"level": level, "message": {"text": message}, "locations": [{"physicalLocation": place}]}
