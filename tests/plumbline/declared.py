"""Exceptions, parameters and teams as operators write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from plumbline.policies import Policy

BOUND: dict[str, Any] = {"namespaces": ["shop"]}


def exception_document(name: str = "checkout-debugging", **spec: Any) -> dict[str, Any]:
    """An approved exception of the policy no-root in the namespace shop; None leaves a field out."""
    given = {
        "policies": ["no-root"],
        "match": BOUND,
        "reason": "Debugging the checkout",
        "owner": "dev@acme.example",
        "approvedBy": "sam@acme.example",
        "expiresAt": "2027-03-31",
        **spec,
    }
    fields = {key: value for key, value in given.items() if value is not None}
    return document("PolicyException", name, fields)


def parameters_document(*entries: dict[str, Any]) -> dict[str, Any]:
    return document("PolicyParameters", "acme", {"entries": list(entries)})


def document(kind: str, name: str, spec: Any) -> dict[str, Any]:
    return {"apiVersion": "plumbline.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def write(file: Path, *documents: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return file


def by_id(*policies: Policy) -> dict[str, Policy]:
    return {policy.id: policy for policy in policies}
