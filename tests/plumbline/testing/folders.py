"""Folders of policies with their tests, as authors write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.plumbline.objects import deployment, policy_document

PASS: dict[str, Any] = {"name": "an ordinary container passes", "object": deployment(), "expect": "pass"}
FAIL: dict[str, Any] = {
    "name": "a privileged one fails",
    "object": deployment(containers=[{"name": "web", "securityContext": {"privileged": True}}]),
    "expect": "fail",
    "path": "spec.template.spec.containers[0].securityContext.privileged",
}


def write_folder(directory: Path, *cases: dict[str, Any], document: dict[str, Any] | None = None) -> Path:
    """The folder of a policy below `directory`, with cases of both sides unless others are given."""
    document = document or policy_document()
    folder = directory / document["spec"]["category"] / document["metadata"]["name"]
    folder.mkdir(parents=True)
    (folder / "policy.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    (folder / "tests.yaml").write_text(yaml.safe_dump(list(cases) or [PASS, FAIL], sort_keys=False))
    return folder
