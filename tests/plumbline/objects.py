"""Objects and policies that the core's tests judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from plumbline.policies import Policy, parse_policy


def deployment(**pod_spec: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "web", "image": "web:1"}], **pod_spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {"template": {"spec": spec}},
    }


def policy_document(*rules: dict[str, Any], name: str = "no-root", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "plumbline.dev/v1",
        "kind": "Policy",
        "metadata": {"name": name},
        "spec": {
            "title": "Nothing runs as root",
            "category": "pod-security",
            "severity": "high",
            "why": "Root is one mistake away from the node.",
            "guidance": "Choose another user.",
            "match": {"kinds": ["workloads"]},
            "rules": list(rules) or [PRIVILEGED],
            **spec,
        },
    }


PRIVILEGED: dict[str, Any] = {
    "name": "privileged",
    "each": "containers",
    "expression": "!container.?securityContext.?privileged.orValue(false)",
    "path": "securityContext.privileged",
    "message": "Container {container.name} runs privileged",
    "fix": [{"op": "set", "path": "securityContext.privileged", "value": False}],
}


def policy(*rules: dict[str, Any], **spec: Any) -> Policy:
    return parse_policy(policy_document(*rules, **spec))


def write_policy(directory: Path, document: dict[str, Any]) -> Path:
    folder = directory / "pod-security" / str(document["metadata"]["name"])
    folder.mkdir(parents=True)
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump(document))
    return file
