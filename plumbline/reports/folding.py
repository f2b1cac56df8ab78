"""Pods, ReplicaSets and Jobs that a controller made, folded into the owner that was scanned with them.

What is wrong with a Deployment is wrong with its ReplicaSet and with each of its pods: it is one violation, at the
owner. What only a pod shows, an injected container say, is a violation of the owner at the place it has there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from plumbline.reports.engines.findings import controller_of, identity_of
from plumbline.reports.excepted import fold_excepted
from plumbline.reports.identities import Key, key_of, resource_key
from plumbline.resources import pod_spec_path

GENERATED = frozenset({("", "Pod"), ("apps", "ReplicaSet"), ("batch", "Job")})
_WORST = ("failed", "errored", "passed", "skipped")
_MAX_PLACE = 1024  # bytes


def fold_owned(resources: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The resources of a report without those whose owner is among them; the owner has the worst verdict of both.

    Resources are as in report-v1.json, with their manifests. Owners are changed in place.
    """
    listed = {resource_key(resource): resource for resource in resources}
    owners = {key: owner for key, resource in listed.items() if (owner := _owner(resource)) and owner in listed}
    kept = []
    for key, resource in listed.items():
        top = _topmost(key, owners)
        if top == key:
            kept.append(resource)
        else:
            _fold(resource, listed[top])
    return kept


def _topmost(key: Key, owners: dict[Key, Key]) -> Key:
    """The last owner up the line; the object itself where the line runs in a circle, so that nothing is lost."""
    seen = {key}
    top = key
    while top in owners:
        top = owners[top]
        if top in seen:
            return key
        seen.add(top)
    return top


def _owner(resource: dict[str, Any]) -> Key | None:
    """The key of the controlling owner, of objects that controllers make."""
    key = resource_key(resource)
    manifest = resource["manifest"]
    if key[:2] not in GENERATED or not isinstance(manifest, dict):
        return None
    owner = identity_of(controller_of(manifest.get("metadata")), resource["namespace"])
    return key_of(owner) if owner is not None else None


def _fold(resource: dict[str, Any], owner: dict[str, Any]) -> None:
    merged = {index: verdict for verdict in reversed(_WORST) for index in (*owner[verdict], *resource[verdict])}
    for verdict in _WORST:
        owner[verdict] = sorted(index for index, worst in merged.items() if worst == verdict)
    known = {(found["policy"], found["rule"], found["place"]) for found in owner["violations"]}
    for found in resource["violations"]:
        place = _at_owner(found["place"], resource, owner)
        if (found["policy"], found["rule"], place) not in known:
            path = _at_owner(found["path"], resource, owner)
            # A fix of the pod is none of the owner, and the line is not the owner's either.
            owner["violations"].append({**found, "place": place, "path": path, "fix": None, "line": None})
    fold_excepted(resource, owner, lambda place: _at_owner(place, resource, owner))
    errors = {error["policy"] for error in owner["errors"]}
    allowed = {*owner["failed"], *owner["errored"]}
    for error in resource["errors"]:
        if error["policy"] not in errors and error["policy"] in allowed:
            owner["errors"].append(error)


def _at_owner(place: str, resource: dict[str, Any], owner: dict[str, Any]) -> str:
    """Where a place of the object lies in its owner: within the template that it was made from."""
    made, template = _pod_spec(resource), _pod_spec(owner)
    if made is None or template is None:
        return place
    for own, there in ((made, template), (_metadata(made), _metadata(template))):
        if place == own or place.startswith((f"{own}.", f"{own}[")):
            return f"{there}{place.removeprefix(own)}".encode()[:_MAX_PLACE].decode(errors="ignore")
    return place


def _metadata(pod_spec: str) -> str:
    """`spec` → `metadata`, `spec.template.spec` → `spec.template.metadata`."""
    return f"{pod_spec.removesuffix('spec')}metadata"


def _pod_spec(resource: dict[str, Any]) -> str | None:
    group, kind, _, _ = resource_key(resource)
    path = pod_spec_path(kind, group)
    return ".".join(path) if path is not None else None
