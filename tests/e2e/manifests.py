"""Objects of the library's tests, completed as far as the API server insists."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from plumbline.nulls import without_nulls
from plumbline.policies import Policy
from plumbline.resources import pod_spec_path

Object = dict[str, Any]


def cases_of(policy: Policy) -> list[Object]:
    assert policy.file is not None
    cases: list[Object] = yaml.safe_load((Path(policy.file).parent / "tests.yaml").read_text())
    return cases


def completed(obj: Object) -> Object | None:
    """A copy without nulls and with names, images and selectors where the API server wants them; None for what has no
    such form.
    """
    obj = without_nulls(copy.deepcopy(obj))
    try:
        _complete(obj)
    except (AttributeError, TypeError, KeyError):
        return None
    return obj


def _complete(obj: Object) -> None:
    metadata = obj.setdefault("metadata", {})
    if not metadata.get("name") and not metadata.get("generateName"):
        metadata["name"] = "unnamed"
    kind = obj["kind"]
    path = pod_spec_path(kind, obj["apiVersion"].rpartition("/")[0])
    if path is None:
        return
    owner: Object = obj
    for step in path[:-1]:
        owner = owner.setdefault(step, {})
    spec = owner.setdefault("spec", {})
    for name in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(name) or []):
            container.setdefault("name", f"{name.lower()}{index}")
            container.setdefault("image", "registry.acme.example/web:1")
    spec.setdefault("containers", [{"name": "web", "image": "registry.acme.example/web:1"}])
    if kind in ("Job", "CronJob"):
        spec.setdefault("restartPolicy", "Never")
    if kind == "CronJob":
        obj["spec"].setdefault("schedule", "0 3 * * *")
    if kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet") and not obj["spec"].get("selector"):
        labels = owner.setdefault("metadata", {}).setdefault("labels", {})
        labels.setdefault("app", "web")
        obj["spec"]["selector"] = {"matchLabels": {"app": labels["app"]}}
    if kind == "StatefulSet":
        obj["spec"].setdefault("serviceName", "web")
