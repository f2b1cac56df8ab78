"""Manifests, and what the API server makes of them before it asks policies."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from plumbline.defaults.rules import UNKNOWN_UID
from plumbline.library import library_policies
from tests.e2e.manifests import cases_of, completed
from tests.e2e.servers import ApiServer

DATA = Path(__file__).with_name("data")
Object = dict[str, Any]
# Given by the server to this very object, or allotted from a range.
_OWN = ("creationTimestamp", "generation", "managedFields", "name", "namespace", "resourceVersion", "uid")
_OF_JOBS = {f"{prefix}{name}" for prefix in ("", "batch.kubernetes.io/") for name in ("controller-uid", "job-name")}
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ALLOTTED = ("clusterIP", "clusterIPs", "healthCheckNodePort", "ipFamilies")


def varied() -> list[Object]:
    """Objects that say little, and objects that say what goes without saying."""
    return [item for item in yaml.safe_load_all((DATA / "manifests.yaml").read_text()) if item]


def of_the_library() -> Iterator[Object]:
    """The objects of the library's test cases, each once."""
    seen = set()
    for policy in library_policies():
        for case in cases_of(policy):
            for given in (case["object"], *(case.get("related") or [])):
                obj = completed(given)
                text = json.dumps(obj, sort_keys=True)
                if obj is not None and text not in seen:
                    seen.add(text)
                    yield obj


def compared(obj: Object) -> Object:
    """What of an object is the same for all that are created so."""
    obj = copy.deepcopy(obj)
    for name in _OWN:
        obj.get("metadata", {}).pop(name, None)
    obj.pop("status", None)
    if obj["kind"] == "Service":
        for name in _ALLOTTED:
            obj["spec"].pop(name, None)
        for port in obj["spec"].get("ports", []):
            port.pop("nodePort", None)
    if obj["kind"] == "Job" and not obj["spec"]["template"]["metadata"].get("labels", {}).keys() - _OF_JOBS:
        # It gets the labels of its template when it is read again, which no policy sees.
        labels = {key: value for key, value in obj["metadata"].pop("labels", {}).items() if key not in _OF_JOBS}
        obj["metadata"].update({"labels": labels} if labels else {})
    text = _UID.sub(UNKNOWN_UID, json.dumps(obj))
    found: Object = json.loads(text)
    return found


def ask(api: ApiServer, objects: list[Object]) -> list[tuple[Object, Object]]:
    """Each object that the server takes, with what it makes of it."""
    known = [obj for obj in objects if api.knows(obj) and not api.can_define(obj)]
    names = {obj["metadata"].get("namespace") for obj in known}
    for name in sorted(name for name in names if isinstance(name, str) and name):
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    answers = api.try_all(known)
    return [(obj, answer.object) for obj, answer in zip(known, answers, strict=True) if answer.is_allowed]
