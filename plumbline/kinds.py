"""Kinds as the API server serves them: the plural of their resource, and whether they live in namespaces."""

from __future__ import annotations

from typing import Any, Final

_PLURALS: Final = {"Endpoints": "endpoints", "NodeMetrics": "nodes", "PodMetrics": "pods"}
_VOWELS: Final = "aeiou"

# Group and kind of what Kubernetes itself and the projects that the library judges serve outside namespaces.
_CLUSTER_SCOPED: Final = frozenset(
    {
        ("", "ComponentStatus"),
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("authentication.k8s.io", "SelfSubjectReview"),
        ("authentication.k8s.io", "TokenReview"),
        ("authorization.k8s.io", "SelfSubjectAccessReview"),
        ("authorization.k8s.io", "SelfSubjectRulesReview"),
        ("authorization.k8s.io", "SubjectAccessReview"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("certificates.k8s.io", "ClusterTrustBundle"),
        ("cert-manager.io", "ClusterIssuer"),
        ("cilium.io", "CiliumClusterwideNetworkPolicy"),
        ("external-secrets.io", "ClusterExternalSecret"),
        ("external-secrets.io", "ClusterSecretStore"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("gateway.networking.k8s.io", "GatewayClass"),
        ("internal.apiserver.k8s.io", "StorageVersion"),
        ("kyverno.io", "ClusterPolicy"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "IPAddress"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("node.k8s.io", "RuntimeClass"),
        ("policies.kyverno.io", "ImageValidatingPolicy"),
        ("policies.kyverno.io", "ValidatingPolicy"),
        ("policy", "PodSecurityPolicy"),
        ("projectcalico.org", "GlobalNetworkPolicy"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "ResourceSlice"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
        ("snapshot.storage.k8s.io", "VolumeSnapshotContent"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
        ("templates.gatekeeper.sh", "ConstraintTemplate"),
    }
)
# Kinds of the core group, whose names without a group mean just them.
CORE_KINDS: Final = frozenset(
    (
        "ConfigMap",
        "Endpoints",
        "LimitRange",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Pod",
        "PodTemplate",
        "ReplicationController",
        "ResourceQuota",
        "Secret",
        "Service",
        "ServiceAccount",
    )
)
_STABLE: Final = frozenset(("v1",))
_SERVED: Final = {"autoscaling": frozenset(("v1", "v2"))}
_OWN_GROUPS: Final = frozenset(
    (
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    )
)
_BUILT_IN_GROUPS: Final = frozenset(("", "apps", "batch", "autoscaling", "policy", "extensions"))


def served_versions(group: str) -> frozenset[str] | None:
    """The versions of a group of Kubernetes' own that API servers serve by default; None for groups of others."""
    if group in _SERVED:
        return _SERVED[group]
    return _STABLE if group in _OWN_GROUPS else None


def plural(kind: str) -> str:
    """The resource of a kind in paths and rules: `Ingress` → `ingresses`. By rule, as for any kind without a CRD."""
    known = _PLURALS.get(kind)
    if known is not None:
        return known
    name = kind.lower()
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in _VOWELS:
        return f"{name[:-1]}ies"
    return f"{name}s"


def is_namespaced(group: str, kind: str, obj: dict[str, Any]) -> bool:
    """Whether such objects live in namespaces; of a kind that nobody here knows, whether this one says that it does."""
    if (group, kind) in _CLUSTER_SCOPED:
        return False
    if group in _BUILT_IN_GROUPS or group.endswith(".k8s.io"):
        return True
    metadata = obj.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("namespace"))
