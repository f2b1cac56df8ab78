"""Defaults that are the same for every object, by the shape that they are set in.

Source: the API reference of Kubernetes (https://kubernetes.io/docs/reference/kubernetes-api/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

RBAC: Final = "rbac.authorization.k8s.io"
_CONTAINER: Final = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
_MODE: Final = {"defaultMode": 0o644}
_WEBHOOK: Final = {
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "timeoutSeconds": 10,
}

# Set where the field is absent, or empty and of a kind that cannot be told from absent.
CONSTANTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ApiserviceServiceReference": {"port": 443},
    "AzureDiskVolumeSource": {"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared", "readOnly": False},
    "CSIDriverSpec": {
        "attachRequired": True,
        "podInfoOnMount": False,
        "storageCapacity": False,
        "fsGroupPolicy": "ReadWriteOnceWithFSType",
        "volumeLifecycleModes": ["Persistent"],
        "requiresRepublish": False,
        "seLinuxMount": False,
    },
    "ConfigMapVolumeSource": _MODE,
    "Container": _CONTAINER,
    "ContainerPort": {"protocol": "TCP"},
    "CrdServiceReference": {"port": 443},
    "CronJobSpec": {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    },
    "CustomResourceDefinitionSpec": {"conversion": {"strategy": "None"}},
    "DaemonSetSpec": {"revisionHistoryLimit": 10},
    "DeploymentSpec": {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600},
    "DiscoveryEndpointPort": {"name": "", "protocol": "TCP"},
    "DownwardAPIVolumeSource": _MODE,
    "EndpointPort": {"protocol": "TCP"},
    "EphemeralContainer": _CONTAINER,
    "GRPCAction": {"service": ""},
    "HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    "HorizontalPodAutoscalerSpec": {"minReplicas": 1},
    "HorizontalPodAutoscalerV1Spec": {"minReplicas": 1, "targetCPUUtilizationPercentage": 80},
    "HostPathVolumeSource": {"type": ""},
    "ISCSIPersistentVolumeSource": {"iscsiInterface": "default"},
    "ISCSIVolumeSource": {"iscsiInterface": "default"},
    "MatchResources": {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}},
    "MutatingWebhook": {**_WEBHOOK, "reinvocationPolicy": "Never"},
    "NamedRuleWithOperations": {"scope": "*"},
    "NetworkPolicyPort": {"protocol": "TCP"},
    "ObjectFieldSelector": {"apiVersion": "v1"},
    "PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
    "PersistentVolumeSpec": {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"},
    "PodFailurePolicyOnPodConditionsPattern": {"status": "True"},
    "PodSpec": {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    },
    "PriorityClass": {"preemptionPolicy": "PreemptLowerPriority"},
    "Probe": {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
    "ProjectedVolumeSource": _MODE,
    "RBDPersistentVolumeSource": {"keyring": "/etc/ceph/keyring", "pool": "rbd", "user": "admin"},
    "RBDVolumeSource": {"keyring": "/etc/ceph/keyring", "pool": "rbd", "user": "admin"},
    "ReplicaSetSpec": {"replicas": 1},
    "ReplicationControllerSpec": {"replicas": 1},
    "RoleRef": {"apiGroup": RBAC},
    "RuleWithOperations": {"scope": "*"},
    "ScaleIOPersistentVolumeSource": {"fsType": "xfs", "storageMode": "ThinProvisioned"},
    "ScaleIOVolumeSource": {"fsType": "xfs", "storageMode": "ThinProvisioned"},
    "Secret": {"type": "Opaque"},
    "SecretVolumeSource": _MODE,
    "ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    "ServicePort": {"protocol": "TCP"},
    "ServiceReference": {"port": 443},
    "StatefulSetSpec": {
        "podManagementPolicy": "OrderedReady",
        "persistentVolumeClaimRetentionPolicy": {},
        "replicas": 1,
        "revisionHistoryLimit": 10,
    },
    "StatefulSetPersistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    "StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    "ValidatingAdmissionPolicySpec": {"failurePolicy": "Fail"},
    "ValidatingWebhook": _WEBHOOK,
}
