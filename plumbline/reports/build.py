"""A scan as the body of `POST /api/agent/v1/reports`, schema `plumbline.report/v1`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from plumbline import __version__
from plumbline.reports.excepted import excepted_parts
from plumbline.reports.folding import fold_owned
from plumbline.results import Result
from plumbline.scanning import Judged, Scan

SCHEMA = "plumbline.report/v1"
REDACTED = "<redacted>"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LIMITS = {"message": 2000, "file": 4096, "reason": 4000}
_BYTES = {"path": 1024, "place": 1024, "name": 253, "kind": 63}  # of UTF-8: the server has indexes over them
_MAX_FOUND = 4096


def build_report(
    scan: Scan,
    *,
    scanned_at: datetime,
    kind: Literal["snapshot", "delta"] = "snapshot",
    deleted: Iterable[Mapping[str, str]] = (),
    truncated: int | None = None,
    report_id: str | None = None,
    agent: str = "plumbline-cli",
    policy_set: str | None = None,
) -> dict[str, Any]:
    """The report of a scan that kept its resources. `truncated` is the number of resources there were, if
    more than these; `policy_set` the digest of what they were judged by.

    Secret values and kubectl's copy of the manifest are left out. An object that a scan met twice is
    reported once,
    as it was last read. Pods, ReplicaSets and Jobs whose owner was scanned with them are reported as their owner.
    """
    indexes = {policy.id: index for index, policy in enumerate(scan.policies)}
    resources = {_identity(judged): _resource(judged, indexes) for judged in scan.judged}
    unreadable = [
        {"file": _cut(error.file, "file"), "line": error.line, "message": _cut(error.message, "reason")}
        for error in scan.errors
    ]
    return {
        "schema": SCHEMA,
        "id": report_id or str(uuid.uuid4()),
        "kind": kind,
        "scanned_at": scanned_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "agent": {"name": agent, "version": __version__},
        "policies": list(indexes),
        **({"policy_set": policy_set} if policy_set else {}),
        "resources": fold_owned(resources.values()),
        "deleted": [dict(item) for item in deleted],
        "truncated": None if truncated is None else {"resources_total": truncated},
        "unreadable": unreadable[:1000],
    }


def redact(obj: dict[str, Any]) -> dict[str, Any]:
    """The object without what must not leave the cluster: values of Secrets, and kubectl's copy of the
    manifest.
    """
    redacted = dict(obj)
    if obj.get("kind") == "Secret":
        for name in ("data", "stringData"):
            values = obj.get(name)
            if values is not None:
                redacted[name] = dict.fromkeys(values, REDACTED) if isinstance(values, dict) else REDACTED
    metadata = obj.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        kept = {key: value for key, value in annotations.items() if key != _LAST_APPLIED}
        redacted["metadata"] = {**metadata, "annotations": kept}
    return redacted


def _identity(judged: Judged) -> tuple[str, str, str, str]:
    resource = judged.resource
    return resource.api_version, resource.kind, resource.namespace, resource.name


def _resource(judged: Judged, indexes: dict[str, int]) -> dict[str, Any]:
    resource, outcome = judged.resource, judged.outcome
    statuses: dict[str, set[str]] = {name: set() for name in outcome.policies}
    for result in outcome.results:
        statuses[result.policy].add(result.status)
    by_status: dict[str, list[int]] = {"fail": [], "error": [], "skip": [], "pass": []}
    for name, seen in statuses.items():
        verdict = next((status for status in ("fail", "error", "skip") if status in seen), "pass")
        by_status[verdict].append(indexes[name])
    is_secret = resource.kind == "Secret"
    lines = list(zip(outcome.results, judged.lines, strict=True))
    excepted = [
        {**_violation(result, indexes, line, is_secret), "exception": _cut(result.exception, "name")}
        for result, line in lines
        if result.status == "skip" and result.exception
    ]
    return {
        "apiVersion": _cut(resource.api_version, "name"),
        "kind": _cut(resource.kind, "kind"),
        "namespace": _cut(resource.namespace, "name"),
        "name": _cut(resource.name, "name"),
        "labels": {key[:317]: value[:253] for key, value in list(resource.labels.items())[:256]},
        "manifest": redact(resource.object),
        "file": _cut(resource.file, "file"),
        "line": resource.line,
        "passed": by_status["pass"],
        "failed": by_status["fail"],
        "errored": by_status["error"],
        "skipped": by_status["skip"],
        **excepted_parts(outcome.results, excepted, indexes),
        "violations": [
            _violation(result, indexes, line, is_secret) for result, line in lines if result.status == "fail"
        ],
        "errors": [
            {"policy": indexes[result.policy], "message": _cut(result.message, "message")}
            for result in outcome.results
            if result.status == "error"
        ],
    }


def _violation(result: Result, indexes: dict[str, int], line: int | None, is_secret: bool) -> dict[str, Any]:
    found = result.found
    if is_secret and result.path.startswith(("data", "stringData")) and found is not None:
        found = REDACTED
    elif len(repr(found)) > _MAX_FOUND:
        found = f"{repr(found)[: _MAX_FOUND - 1]}…"
    return {
        "policy": indexes[result.policy],
        "rule": result.rule,
        "place": _cut(result.place, "place"),
        "path": _cut(result.path, "path"),
        "found": found,
        "message": _cut(result.message, "message"),
        "fix": result.fix,
        "line": line,
    }


def _cut(text: str | None, what: str) -> str | None:
    if text is None or what in _LIMITS:
        return text[: _LIMITS[what]] if text is not None else None
    most = _BYTES[what]
    return text if len(text) * 4 <= most else text.encode()[:most].decode(errors="ignore")
