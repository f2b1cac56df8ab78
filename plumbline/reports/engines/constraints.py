"""Gatekeeper's constraints, whose status holds the failures that its last audit found: some of them, by default 20."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbline.reports.engines.findings import Finding, Findings, identity_of, mapping, severity_of, text

GROUP = "constraints.gatekeeper.sh"
ENGINE = "gatekeeper"


def read(constraint: Mapping[str, Any], findings: Findings) -> None:
    """Add what the audit found. Where it counted more than it lists, the rest is missing, and nothing else is known;
    where it lists all, what it does not list does not fail.
    """
    findings.engines.setdefault(ENGINE, "Gatekeeper")
    kind = text(constraint, "kind")
    metadata, status = mapping(constraint, "metadata"), mapping(constraint, "status")
    name = text(metadata, "name")
    policy = f"{kind}/{name}"
    if not kind or not name or not text(status, "auditTimestamp"):
        findings.problems.append(f"{policy} has not been audited yet")
        return
    listed = status.get("violations")
    rows = [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, list) else []
    annotations = mapping(metadata, "annotations")
    for row in rows:
        group, version = text(row, "group"), text(row, "version") or "v1"
        subject = identity_of({**row, "apiVersion": f"{group}/{version}" if group else version})
        if subject is None:
            continue
        findings.results.append(
            Finding(
                engine=ENGINE,
                policy=policy,
                rule=kind,
                status="fail",
                subject=subject,
                severity=severity_of(annotations.get("severity")),
                category="Gatekeeper",
                title=policy,
                # An object that fails in several ways is one violation whose message tells all of them.
                message=text(row, "message") or policy,
            )
        )
    total = status.get("totalViolations")
    missing = total - len(rows) if isinstance(total, int) and total > len(rows) else 0
    if missing:
        findings.missing[ENGINE] = findings.missing.get(ENGINE, 0) + min(missing, 2**31)
    else:
        findings.exhaustive.setdefault(ENGINE, set()).add(policy)
