"""A second reading of the Pod Security Standards (1.37): what the policies' verdicts are compared with."""

from collections.abc import Callable, Iterator
from typing import Any

Spec = dict[str, Any]
DEFAULT_CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
SAFE_SYSCTLS = frozenset(
    ["kernel.shm_rmid_forced"]
    + [
        f"net.ipv4.{name}"
        for name in [
            "ip_local_port_range",
            "ip_local_reserved_ports",
            "ip_unprivileged_port_start",
            "ping_group_range",
            "tcp_syncookies",
            "tcp_fin_timeout",
            "tcp_keepalive_time",
            "tcp_keepalive_intvl",
            "tcp_keepalive_probes",
            "tcp_rmem",
            "tcp_wmem",
            "tcp_slow_start_after_idle",
            "tcp_notsent_lowat",
        ]
    ]
)
SELINUX_TYPES = frozenset(["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"])
VOLUME_TYPES = frozenset(
    [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ]
)
CONFINED = frozenset(["RuntimeDefault", "Localhost"])
APPARMOR_PREFIX = "container.apparmor.security.beta.kubernetes.io/"


def refused(spec: Spec, annotations: dict[str, str]) -> set[str]:
    """Ids of the Pod Security policies that a pod breaks. Null stands for absent, as in the API."""
    return {name for name, broken in CHECKS.items() if broken(spec, annotations)}


def _containers(spec: Spec) -> Iterator[Spec]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or []


def _get(value: Any, *steps: str) -> Any:
    for step in steps:
        value = (value or {}).get(step)
    return value


def _contexts(spec: Spec, *steps: str) -> list[Any]:
    """What the pod's security context and each container's hold at `steps`, the pod's first."""
    return [_get(owner, "securityContext", *steps) for owner in (spec, *_containers(spec))]


def _windows(spec: Spec) -> bool:
    return bool(_get(spec, "os", "name") == "windows")


def _user_namespace(spec: Spec) -> bool:
    return spec.get("hostUsers") is False


def _added(spec: Spec) -> set[str]:
    return {
        name for c in _containers(spec) for name in _get(c, "securityContext", "capabilities", "add") or []
    }


def _probe_hosts(spec: Spec) -> Iterator[Any]:
    for container in _containers(spec):
        handlers = [container.get(f"{kind}Probe") for kind in ("liveness", "readiness", "startup")]
        handlers += [_get(container, "lifecycle", hook) for hook in ("postStart", "preStop")]
        for handler in handlers:
            yield _get(handler, "httpGet", "host")
            yield _get(handler, "tcpSocket", "host")


def _unconfined(profiles: list[Any]) -> bool:
    return any(profile is not None and profile.get("type") not in CONFINED for profile in profiles)


def _apparmor(spec: Spec, annotations: dict[str, str]) -> bool:
    values = [value for key, value in annotations.items() if key.startswith(APPARMOR_PREFIX)]
    bad = [v for v in values if v not in ("", "runtime/default") and not v.startswith("localhost/")]
    return bool(bad) or _unconfined(_contexts(spec, "appArmorProfile"))


def _without_seccomp(spec: Spec, _: Any) -> bool:
    if _windows(spec):
        return False
    pod, *containers = _contexts(spec, "seccompProfile")
    return _unconfined([pod, *containers]) or (pod is None and None in containers)


def _may_be_root(spec: Spec, _: Any) -> bool:
    if _user_namespace(spec):
        return False
    pod, *containers = _contexts(spec, "runAsNonRoot")
    return pod is False or False in containers or (pod is None and None in containers)


def _unmasked(spec: Spec) -> bool:
    return any(value not in (None, "Default") for value in _contexts(spec, "procMount")[1:])


def _selinux(spec: Spec, _: Any) -> bool:
    options = [value or {} for value in _contexts(spec, "seLinuxOptions")]
    return any(
        (each.get("type") or "") not in SELINUX_TYPES or each.get("user") or each.get("role")
        for each in options
    )


def _keeps_capabilities(spec: Spec, _: Any) -> bool:
    if _windows(spec):
        return False
    drops = [_get(c, "securityContext", "capabilities", "drop") or [] for c in _containers(spec)]
    return any("ALL" not in names for names in drops) or bool(_added(spec) - {"NET_BIND_SERVICE"})


CHECKS: dict[str, Callable[[Spec, dict[str, str]], Any]] = {
    "host-network": lambda spec, _: spec.get("hostNetwork"),
    "host-pid": lambda spec, _: spec.get("hostPID"),
    "host-ipc": lambda spec, _: spec.get("hostIPC"),
    "host-process": lambda spec, _: any(_contexts(spec, "windowsOptions", "hostProcess")),
    "privileged-container": lambda spec, _: any(_contexts(spec, "privileged")[1:]),
    "capabilities-add-baseline": lambda spec, _: _added(spec) - DEFAULT_CAPABILITIES,
    "host-path": lambda spec, _: any(v.get("hostPath") is not None for v in spec.get("volumes") or []),
    "host-ports": lambda spec, _: any(
        p.get("hostPort") for c in _containers(spec) for p in c.get("ports") or []
    ),
    "host-probes": lambda spec, _: any(_probe_hosts(spec)),
    "apparmor-profile": _apparmor,
    "selinux-options": _selinux,
    "proc-mount": lambda spec, _: not _user_namespace(spec) and _unmasked(spec),
    "seccomp-baseline": lambda spec, _: _unconfined(_contexts(spec, "seccompProfile")),
    "sysctls": lambda spec, _: (
        {item["name"] for item in _get(spec, "securityContext", "sysctls") or []} - SAFE_SYSCTLS
    ),
    "proc-mount-restricted": lambda spec, _: _unmasked(spec),
    "volume-types": lambda spec, _: any(
        (types := {key for key, value in volume.items() if value is not None} - {"name"})
        and not types & VOLUME_TYPES
        for volume in spec.get("volumes") or []
    ),
    "allow-privilege-escalation": lambda spec, _: (
        not _windows(spec) and any(v is not False for v in _contexts(spec, "allowPrivilegeEscalation")[1:])
    ),
    "run-as-non-root": _may_be_root,
    "run-as-user-root": lambda spec, _: not _user_namespace(spec) and 0 in _contexts(spec, "runAsUser"),
    "seccomp": _without_seccomp,
    "capabilities-drop-all": _keeps_capabilities,
}
