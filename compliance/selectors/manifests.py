"""Manifests as people write them: the database keeps a manifest's content, but not the order of its keys."""

from typing import Any

_FIRST = (
    *("apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations"),
    *("image", "imagePullPolicy", "command", "args", "replicas", "selector"),
)
_LAST = ("initContainers", "containers", "volumes", "jobTemplate", "template", "spec", "data", "status")
_RANKS = {name: rank for rank, name in enumerate(_FIRST)} | {name: 200 + i for i, name in enumerate(_LAST)}


def in_order(value: Any) -> Any:
    """The same value with the keys of every map in the customary order; lists stay as they are."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value, key=lambda k: (_RANKS.get(k, 100), k))}
    if isinstance(value, list):
        return [in_order(member) for member in value]
    return value
