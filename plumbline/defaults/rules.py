"""What the API server fills in depending on the object, by the shape that it is filled into.

Sources: the API reference of Kubernetes (https://kubernetes.io/docs/reference/kubernetes-api/), and for what the
admission plugins that are on by default add, https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from plumbline.defaults.constants import RBAC
from plumbline.defaults.parts import Fields, fields_of
from plumbline.defaults.pods import fill_pod, fill_volume, name_account, set_pull_policy

Rule = Callable[[Fields], None]
UNKNOWN_UID: Final = "00000000-0000-0000-0000-000000000000"


def _service(value: Fields) -> None:
    kind = value.setdefault("type", "ClusterIP") or "ClusterIP"
    value["type"] = kind
    affinity = value.get("sessionAffinity") or "None"
    value["sessionAffinity"] = affinity
    if affinity == "None":
        value.pop("sessionAffinityConfig", None)
    elif affinity == "ClientIP":
        config = value.get("sessionAffinityConfig")
        client = config.get("clientIP") if isinstance(config, dict) else None
        if not isinstance(client, dict) or "timeoutSeconds" not in client:
            value["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}
    if kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and value.get("externalIPs")):
        value["externalTrafficPolicy"] = value.get("externalTrafficPolicy") or "Cluster"
    if kind in ("ClusterIP", "NodePort", "LoadBalancer"):
        value.setdefault("internalTrafficPolicy", "Cluster")
        is_open = value.get("clusterIP") == "None" and not value.get("selector")
        value.setdefault("ipFamilyPolicy", "RequireDualStack" if is_open else "SingleStack")
    if kind == "LoadBalancer":
        value.setdefault("allocateLoadBalancerNodePorts", True)


def _target_port(value: Fields) -> None:
    if value.get("targetPort", 0) in (0, ""):
        value["targetPort"] = value.get("port", 0)


def _rolling(defaults: Mapping[str, Any], *, only_with_type: bool = False) -> Rule:
    """An update strategy. `only_with_type`: its parameters are filled in only where they or no type are given."""

    def fill(value: Fields) -> None:
        is_given = bool(value.get("type"))
        kind = value["type"] = value.get("type") or "RollingUpdate"
        rolling = value.get("rollingUpdate", {} if not (only_with_type and is_given) else None)
        if kind == "RollingUpdate" and isinstance(rolling, dict):
            value["rollingUpdate"] = {**defaults, **rolling}

    return fill


def _job(value: Fields) -> None:
    """What is done for Jobs, and not for their templates in CronJobs."""
    spec = value.get("spec")
    if not isinstance(spec, dict):
        return
    spec = value["spec"] = {"completionMode": "NonIndexed", "suspend": False, "manualSelector": False, **spec}
    if "parallelism" not in spec:
        spec.setdefault("completions", 1)
        spec["parallelism"] = 1
    spec.setdefault("backoffLimit", 2**31 - 1 if "backoffLimitPerIndex" in spec else 6)
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")
    _select_pods(value, spec)


def _select_pods(value: Fields, spec: Fields) -> None:
    """The selector and the labels that are made of the Job's name and identifier, of which nobody knows the latter
    beforehand. A Job without labels has those of its template.
    """
    template, name = spec.get("template"), fields_of(value, "metadata").get("name")
    if isinstance(template, dict) and name and spec["manualSelector"] is not True:
        metadata = fields_of(template, "metadata")
        given = fields_of(metadata, "labels")
        own = {"controller-uid": UNKNOWN_UID, "job-name": name}
        labels = {**own, **{f"batch.kubernetes.io/{key}": item for key, item in own.items()}, **given}
        spec["template"] = {**template, "metadata": {**metadata, "labels": labels}}
        spec.setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": UNKNOWN_UID}})
        if not given:
            return
    _labels_of_template(value, spec.get("template"))


def _replication_controller(value: Fields) -> None:
    spec = value.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    labels = _labels_of_template(value, template)
    if labels and isinstance(spec, dict) and not spec.get("selector"):
        value["spec"] = {**spec, "selector": labels}


def _labels_of_template(value: Fields, template: Any) -> Any:
    """The labels of pods, which become those of an object that has none."""
    metadata = template.get("metadata") if isinstance(template, dict) else None
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    own = value.get("metadata", {})
    if isinstance(labels, dict) and labels and isinstance(own, dict) and not own.get("labels"):
        value["metadata"] = {**own, "labels": labels}
    return labels


def _autoscaler(value: Fields) -> None:
    if not value.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        value["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = value.get("behavior")
    if isinstance(behavior, dict):
        value["behavior"] = {
            **behavior,
            "scaleUp": {**_scaling([("Pods", 4), ("Percent", 100)]), "stabilizationWindowSeconds": 0}
            | _own(behavior, "scaleUp"),
            "scaleDown": _scaling([("Percent", 100)]) | _own(behavior, "scaleDown"),
        }


def _scaling(policies: Sequence[tuple[str, int]]) -> Fields:
    made = [{"type": kind, "value": value, "periodSeconds": 15} for kind, value in policies]
    return {"selectPolicy": "Max", "policies": made}


def _own(behavior: Fields, name: str) -> Fields:
    rules = behavior.get(name)
    return rules if isinstance(rules, dict) else {}


def _network_policy(value: Fields) -> None:
    if not value.get("policyTypes"):
        value["policyTypes"] = ["Ingress", "Egress"] if value.get("egress") else ["Ingress"]


def _ingress_class(value: Fields) -> None:
    parameters = value.get("parameters")
    if isinstance(parameters, dict):
        value["parameters"] = {"scope": "Cluster", **parameters}


def _subject(value: Fields) -> None:
    if not value.get("apiGroup") and value.get("kind") in ("User", "Group"):
        value["apiGroup"] = RBAC


def _limits(value: Fields) -> None:
    if value.get("type") == "Container":
        most, least = fields_of(value, "max"), fields_of(value, "min")
        default = {**most, **fields_of(value, "default")}
        value["default"], value["defaultRequest"] = default, {**least, **default, **fields_of(value, "defaultRequest")}


def _namespace(value: Fields) -> None:
    metadata = fields_of(value, "metadata")
    if metadata.get("name"):
        labels = {**fields_of(metadata, "labels"), "kubernetes.io/metadata.name": metadata["name"]}
        value["metadata"] = {**metadata, "labels": labels}
    value["spec"] = {**fields_of(value, "spec"), "finalizers": ["kubernetes"]}


def _secret(value: Fields) -> None:
    """`stringData` is for writing only: it is read as `data`."""
    given = value.pop("stringData", None)
    if isinstance(given, dict):
        texts = {key: base64.b64encode(str(text).encode("utf-8", "replace")).decode() for key, text in given.items()}
        value["data"] = {**fields_of(value, "data"), **texts}


def _claim(value: Fields) -> None:
    for name in ("dataSource", "dataSourceRef"):
        if isinstance(value.get(name), dict):
            value[name] = {"apiGroup": None, **value[name]}
    source, reference = value.get("dataSource"), value.get("dataSourceRef")
    if isinstance(source, dict) and reference is None:
        value["dataSourceRef"] = source
    elif isinstance(reference, dict) and source is None and "namespace" not in reference:
        value["dataSource"] = reference


def _daemon_set(value: Fields) -> None:
    metadata = fields_of(value, "metadata")
    annotations = {**fields_of(metadata, "annotations"), "deprecated.daemonset.template.generation": "1"}
    value["metadata"] = {**metadata, "annotations": annotations}


def _node(value: Fields) -> None:
    spec = fields_of(value, "spec")
    taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    taints = spec.get("taints", [])
    if isinstance(taints, list) and taint not in taints:
        value["spec"] = {**spec, "taints": [*taints, taint]}


def _names(value: Fields) -> None:
    kind = value.get("kind")
    if isinstance(kind, str) and kind:
        value["singular"] = value.get("singular") or kind.lower()
        value["listKind"] = value.get("listKind") or f"{kind}List"


def _protected(finalizer: str) -> Rule:
    def add(value: Fields) -> None:
        metadata = fields_of(value, "metadata")
        known = metadata.get("finalizers") or []
        if isinstance(known, list) and finalizer not in known:
            value["metadata"] = {**metadata, "finalizers": [*known, finalizer]}

    return add


def _templates_of_claims(value: Fields) -> None:
    claims = value.get("volumeClaimTemplates")
    if isinstance(claims, list):
        value["volumeClaimTemplates"] = [
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **claim, "status": {"phase": "Pending"}}
            if isinstance(claim, dict)
            else claim
            for claim in claims
        ]


# Before what is inside is completed: they replace what they change and never write into it.
BEFORE: Final[Mapping[str, Sequence[Rule]]] = {
    "Container": (set_pull_policy,),
    "CustomResourceDefinitionNames": (_names,),
    "DaemonSet": (_daemon_set,),
    "DaemonSetUpdateStrategy": (_rolling({"maxUnavailable": 1, "maxSurge": 0}),),
    "DeploymentStrategy": (_rolling({"maxUnavailable": "25%", "maxSurge": "25%"}),),
    "EphemeralContainer": (set_pull_policy,),
    "HorizontalPodAutoscalerSpec": (_autoscaler,),
    "IngressClassSpec": (_ingress_class,),
    "Job": (_job,),
    "LimitRangeItem": (_limits,),
    "Namespace": (_namespace,),
    "NetworkPolicySpec": (_network_policy,),
    "PersistentVolumeClaimSpec": (_claim,),
    "Node": (_node,),
    "PodSpec": (name_account,),
    "ReplicationController": (_replication_controller,),
    "Secret": (_secret,),
    "ServicePort": (_target_port,),
    "ServiceSpec": (_service,),
    "StatefulSetSpec": (_templates_of_claims,),
    "StatefulSetUpdateStrategy": (_rolling({"partition": 0}, only_with_type=True),),
    "Subject": (_subject,),
    "Volume": (fill_volume,),
}
# Before anything else, for whole objects and not for templates of them.
WHOLE: Final[Mapping[str, Sequence[Rule]]] = {
    "PersistentVolume": (_protected("kubernetes.io/pv-protection"),),
    "PersistentVolumeClaim": (_protected("kubernetes.io/pvc-protection"),),
}
# After it: all inside is a copy by now.
AFTER: Final[Mapping[str, Sequence[Rule]]] = {"Pod": (fill_pod,)}
