"""A policy that was read, as the columns of its row."""

from typing import Any

from compliance.models import SEVERITY_WEIGHTS, Policy, PolicyFormat, Severity

from .matching import ReadPolicy

MAX_TITLE = 200


def columns_of(read: ReadPolicy) -> dict[str, Any]:
    """Everything of the row but whose it is, its slug and its instants."""
    policy = read.policy
    severity = Severity[policy.severity.upper()]
    title = " ".join(policy.title.split())
    return {
        "title": title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…",
        "category": policy.category,
        "severity": severity.value,
        "weight": SEVERITY_WEIGHTS[severity],
        "format": read.format.value,
        "engine": read.engine[:63],
        "document": _document(read),
        "sources": read.sources,
        "tests": read.tests,
    }


def is_unchanged(row: Policy, columns: dict[str, Any]) -> bool:
    """Whether an import would say again what the row says: the same texts, judged by the same engine, with no other
    results of tests. The files' names may differ.
    """
    if row.retired_at is not None or (row.format, row.engine) != (columns["format"], columns["engine"]):
        return False
    if columns["tests"] is not None and columns["tests"] != row.tests:
        return False
    return _texts(row.sources) == _texts(columns["sources"])


def _texts(sources: list[dict[str, str]]) -> list[str]:
    return [source["text"] for source in sources]


def _document(read: ReadPolicy) -> dict[str, Any]:
    """As it is written when that is our form, else what can be said of it in our form, without rules."""
    policy = read.policy
    if read.format == PolicyFormat.PLUMBLINE:
        return read.document.resource.object
    spec: dict[str, Any] = {
        "title": policy.title,
        "category": policy.category,
        "severity": policy.severity,
        "why": policy.why,
        "guidance": policy.guidance,
        "references": list(policy.references),
        "controls": {name: list(ids) for name, ids in policy.controls.items()},
    }
    if policy.parameters_schema is not None:
        spec["parameters"] = {"schema": policy.parameters_schema, "defaults": policy.parameter_defaults}
    return {"apiVersion": "plumbline.dev/v1", "kind": "Policy", "metadata": {"name": policy.id}, "spec": spec}
