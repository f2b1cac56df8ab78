"""Generated pods: each field of the Pod Security Standards set well, badly, to null, or not at all."""

from typing import Any

from hypothesis import strategies as st

from tests.policies.pod_security import APPARMOR_PREFIX, SAFE_SYSCTLS, VOLUME_TYPES

WORKLOADS = {
    "Pod": ("v1", ("spec",)),
    "ReplicationController": ("v1", ("spec", "template", "spec")),
    "PodTemplate": ("v1", ("template", "spec")),
    "ReplicaSet": ("apps/v1", ("spec", "template", "spec")),
    "Deployment": ("apps/v1", ("spec", "template", "spec")),
    "StatefulSet": ("apps/v1", ("spec", "template", "spec")),
    "DaemonSet": ("apps/v1", ("spec", "template", "spec")),
    "Job": ("batch/v1", ("spec", "template", "spec")),
    "CronJob": ("batch/v1", ("spec", "jobTemplate", "spec", "template", "spec")),
}


def workload(kind: str, spec: dict[str, Any], annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """A workload of this kind around a pod spec and the pod's annotations."""
    api_version, path = WORKLOADS[kind]
    inner: dict[str, Any] = {"spec": spec}
    if annotations:
        inner["metadata"] = {"annotations": annotations}
    for step in reversed(path[:-1]):
        inner = {step: inner}
    metadata = {**inner.pop("metadata", {}), "name": "generated", "namespace": "shop"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **inner}


def _maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that set any of the fields, some of them to null."""
    return st.fixed_dictionaries({}, optional={name: st.none() | value for name, value in fields.items()})


_flag = st.booleans()
_profile = _maybe(type=st.sampled_from(["RuntimeDefault", "Localhost", "Unconfined"]))
_handler = _maybe(
    httpGet=_maybe(host=st.sampled_from(["", "a.example"]), port=st.just(80)),
    tcpSocket=_maybe(host=st.sampled_from(["", "10.0.0.1"]), port=st.just(80)),
)
_shared = {
    "runAsNonRoot": _flag,
    "runAsUser": st.sampled_from([0, 1000]),
    "seccompProfile": _profile,
    "appArmorProfile": _profile,
    "windowsOptions": _maybe(hostProcess=_flag),
    "seLinuxOptions": _maybe(
        type=st.sampled_from(["", "container_t", "container_engine_t", "spc_t"]),
        user=st.sampled_from(["", "u"]),
        role=st.sampled_from(["", "r"]),
        level=st.just("s0"),
    ),
}
_capabilities = _maybe(
    add=st.lists(
        st.sampled_from(["NET_BIND_SERVICE", "CHOWN", "SYS_ADMIN", "NET_RAW", "CAP_CHOWN"]), max_size=2
    ),
    drop=st.lists(st.sampled_from(["ALL", "NET_RAW", "all"]), max_size=2),
)
_hardened = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
_container_context = st.just(_hardened) | _maybe(
    **_shared,
    privileged=_flag,
    allowPrivilegeEscalation=_flag,
    procMount=st.sampled_from(["Default", "Unmasked"]),
    capabilities=_capabilities,
)
_container = _maybe(
    securityContext=_container_context,
    ports=st.lists(_maybe(hostPort=st.sampled_from([0, 8080]), containerPort=st.just(80)), max_size=1),
    livenessProbe=_handler,
    readinessProbe=_handler,
    startupProbe=_handler,
    lifecycle=_maybe(postStart=_handler, preStop=_handler),
)
_sysctl = st.fixed_dictionaries({"name": st.sampled_from([*sorted(SAFE_SYSCTLS), "kernel.msgmax"])})
_volume = st.sampled_from([*sorted(VOLUME_TYPES), "hostPath", "nfs", "image"]).flatmap(
    lambda name: _maybe(**{name: st.just({})})
)
_some_containers = st.lists(_container, max_size=2)
specs = _maybe(
    containers=_some_containers,
    initContainers=_some_containers,
    ephemeralContainers=_some_containers,
    securityContext=_maybe(**_shared, sysctls=st.lists(_sysctl, max_size=2)),
    volumes=st.lists(_volume, max_size=2),
    hostNetwork=_flag,
    hostPID=_flag,
    hostIPC=_flag,
    hostUsers=_flag,
    os=_maybe(name=st.sampled_from(["linux", "windows"])),
)
annotations = st.dictionaries(
    st.sampled_from([APPARMOR_PREFIX + "web", "example.org/profile"]),
    st.sampled_from(["", "runtime/default", "localhost/web", "unconfined"]),
)
