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
        "results": [_result(finding, indexes) for finding in scan.findings],
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


def _result(finding: Finding, indexes: dict[str, int]) -> dict[str, Any]:
    result, subject = finding.result, finding.subject
    identity = (subject.api_version, subject.kind, subject.namespace, subject.name)
    key = "\0".join((*identity, result.policy, result.rule, result.place))
    is_pass = result.status in ("pass", "skip")
    kind = {"pass": "pass", "skip": "notApplicable", "error": "open"}.get(result.status, "fail")
    return {
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


def _artifact(file: str | None) -> dict[str, str]:
    if file is None or file == "-":
        return {"uri": "stdin"}
    relative = os.path.relpath(file)
    if relative.startswith(".."):
        return {"uri": f"file://{quote(os.path.abspath(file))}"}
    return {"uri": quote(PurePath(relative).as_posix()), "uriBaseId": "SRCROOT"}


def _notices(scan: Scan) -> list[dict[str, Any]]:
    return [
        {
            "level": "error",
            "message": {"text": error.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": _artifact(error.file),
                        "region": {"startLine": error.line or 1},
                    }
                }
            ],
        }
        for error in scan.errors
    ]
