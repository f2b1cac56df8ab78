"""Kubernetes objects, and where the pod spec lies in those that own pods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from plumbline import paths

_TEMPLATE = ("spec", "template", "spec")
WORKLOADS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): ("spec",),
    ("", "ReplicationController"): _TEMPLATE,
    ("", "PodTemplate"): ("template", "spec"),
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("extensions", "ReplicaSet"): _TEMPLATE,
    ("extensions", "Deployment"): _TEMPLATE,
    ("extensions", "DaemonSet"): _TEMPLATE,
    ("batch", "Job"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
}


def pod_spec_path(kind: str, group: str) -> tuple[str, ...] | None:
    """Where the pod spec of a workload lies; None for what owns no pods."""
    return WORKLOADS.get((group, kind))


@dataclass(slots=True, eq=False)
class Resource:
    """One Kubernetes object, with the file and line (from 1) where its document begins when it was read from
    a file. `prefix` leads to it in its document: () unless it is an item of a List.
    """

    object: dict[str, Any]
    file: str | None = None
    line: int | None = None
    locate: Callable[[paths.Path], int | None] | None = field(default=None, repr=False)
    prefix: paths.Path = ()

    @property
    def api_version(self) -> str:
        value = self.object.get("apiVersion")
        return value if isinstance(value, str) else ""

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def kind(self) -> str:
        value = self.object.get("kind")
        return value if isinstance(value, str) else ""

    @property
    def namespace(self) -> str:
        """The namespace, `""` when none is named."""
        return self._metadata("namespace")

    @property
    def name(self) -> str:
        """The name, or the `generateName`, or `""`."""
        return self._metadata("name") or self._metadata("generateName")

    @property
    def labels(self) -> dict[str, str]:
        metadata = self.object.get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        if not isinstance(labels, dict):
            return {}
        return {key: value for key, value in labels.items() if isinstance(key, str) and isinstance(value, str)}

    def line_of(self, path: str) -> int | None:
        """Line of the field at `path` or of its nearest existing parent; None when it was not read from
        text.
        """
        if self.locate is None:
            return self.line
        try:
            steps = paths.parse(path)
        except ValueError:
            return self.line
        return self.locate(steps) or self.line

    def _metadata(self, key: str) -> str:
        metadata = self.object.get("metadata")
        value = metadata.get(key) if isinstance(metadata, dict) else None
        return value if isinstance(value, str) else ""
