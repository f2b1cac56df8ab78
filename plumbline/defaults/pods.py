"""What the API server fills into pods and their templates."""

from __future__ import annotations

import re
from typing import Any, Final

from plumbline.defaults.parts import Fields, fields_of, items_of

_IMAGE: Final = re.compile(
    r"(?:[A-Za-z0-9.\-\[\]:]+/)?[a-z0-9]+(?:[._/\-]+[a-z0-9]+)*"
    r"(?::(?P<tag>\w[\w.\-]{0,127}))?(?:@(?P<digest>[A-Za-z][\w+.\-]*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)


def set_pull_policy(value: Fields) -> None:
    if not value.get("imagePullPolicy"):
        value["imagePullPolicy"] = pull_policy(value.get("image"))


def pull_policy(image: Any) -> str:
    """Always for what is not pinned: the tag `latest`, or neither tag nor digest. What is no image is not looked at."""
    found = _IMAGE.fullmatch(image) if isinstance(image, str) else None
    if found is None:
        return "IfNotPresent"
    return "Always" if found["tag"] == "latest" or not (found["tag"] or found["digest"]) else "IfNotPresent"


def fill_volume(value: Fields) -> None:
    if value.keys() <= {"name"}:
        value["emptyDir"] = {}
    image = value.get("image")
    if isinstance(image, dict) and not image.get("pullPolicy"):
        value["image"] = {**image, "pullPolicy": pull_policy(image.get("reference"))}


def name_account(value: Fields) -> None:
    name = value.get("serviceAccountName") or value.get("serviceAccount")
    if name:
        value["serviceAccountName"] = value["serviceAccount"] = name


def fill_pod(value: Fields) -> None:
    """What is done for pods, and not for their templates."""
    spec = value.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("priority", 0)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    _tolerate(spec)
    _request_whole(spec)
    annotations = fields_of(fields_of(value, "metadata"), "annotations")
    for name in ("containers", "initContainers", "ephemeralContainers"):
        for container in items_of(spec, name):
            _confine(container, annotations)
            if name != "ephemeralContainers":
                _request_limits(container)
                _take_host_ports(container, spec.get("hostNetwork") is True)


def _confine(container: Fields, annotations: Fields) -> None:
    """AppArmor's annotation, of old, as the field."""
    text = annotations.get(f"container.apparmor.security.beta.kubernetes.io/{container.get('name')}")
    name, _, profile = text.partition("/") if isinstance(text, str) else ("", "", "")
    kind = {"unconfined": "Unconfined", "runtime": "RuntimeDefault", "localhost": "Localhost"}.get(name)
    context = container.get("securityContext", {})
    if kind and isinstance(context, dict) and "appArmorProfile" not in context:
        made = {"type": kind, "localhostProfile": profile} if kind == "Localhost" else {"type": kind}
        container["securityContext"] = {**context, "appArmorProfile": made}


def _tolerate(spec: Fields) -> None:
    tolerations = spec.get("tolerations", [])
    if not isinstance(tolerations, list):
        return
    added = []
    for reason in ("not-ready", "unreachable"):
        key = f"node.kubernetes.io/{reason}"
        if not any(_tolerates(item, key) for item in tolerations):
            added.append({"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300})
    spec["tolerations"] = [*tolerations, *added]


def _tolerates(toleration: Any, key: str) -> bool:
    if not isinstance(toleration, dict):
        return False
    return toleration.get("key", "") in ("", key) and toleration.get("effect", "") in ("", "NoExecute")


def _request_limits(container: Fields) -> None:
    resources = container.get("resources")
    limits = resources.get("limits") if isinstance(resources, dict) else None
    if isinstance(resources, dict) and isinstance(limits, dict):
        resources["requests"] = {**limits, **fields_of(resources, "requests")}


def _request_whole(spec: Fields) -> None:
    """A pod's own limits become its requests, but for what its containers request themselves: the sum of that."""
    limits = fields_of(fields_of(spec, "resources"), "limits")
    if not limits:
        return
    containers = [item for name in ("containers", "initContainers") for item in items_of(spec, name)]
    asked = {key for item in containers for key in fields_of(fields_of(item, "resources"), "requests")}
    made = {key: value for key, value in limits.items() if key not in asked}
    requests = {**made, **fields_of(spec["resources"], "requests")}
    if requests:
        spec["resources"] = {**spec["resources"], "requests": requests}


def _take_host_ports(container: Fields, is_on_host: bool) -> None:
    for port in items_of(container, "ports") if is_on_host else ():
        if "containerPort" in port:
            port.setdefault("hostPort", port["containerPort"])
