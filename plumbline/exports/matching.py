"""The kinds that a policy judges, as the rules by which the API server and Gatekeeper choose objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plumbline.exports.translation import InexpressibleError
from plumbline.kinds import CORE_KINDS, plural
from plumbline.policies import Policy
from plumbline.resources import WORKLOADS

# Not autoscaling: its versions have different fields, and each object is to be judged as it is written.
_VERSIONS = {
    "": "v1",
    "admissionregistration.k8s.io": "v1",
    "apiextensions.k8s.io": "v1",
    "apiregistration.k8s.io": "v1",
    "apps": "v1",
    "batch": "v1",
    "networking.k8s.io": "v1",
    "node.k8s.io": "v1",
    "policy": "v1",
    "rbac.authorization.k8s.io": "v1",
    "scheduling.k8s.io": "v1",
    "storage.k8s.io": "v1",
}
_REMOVED_GROUPS = frozenset(("extensions",))
# Groups of files that servers read, which have the shape of objects.
_FILES = frozenset(("apiserver.config.k8s.io", "kubelet.config.k8s.io"))
# The API server asks no admission policy about admission policies, lest one lock everybody out.
_EXEMPT = frozenset(
    ("admissionregistration.k8s.io", f"{kind}AdmissionPolicy{suffix}")
    for kind in ("Validating", "Mutating")
    for suffix in ("", "Binding")
)


def resource_rules(policy: Policy) -> list[dict[str, Any]]:
    """`resourceRules` of an admission policy. Versions are left open where the policy asks for them.

    Raises InexpressibleError when nothing is left to judge.
    """
    is_about_versions = any("apiVersion" in rule.expression for rule in policy.rules) or any(
        "apiVersion" in source for _, source in policy.variables
    )
    resources: dict[tuple[str, str], list[str]] = {}
    kinds = [kind for kind in _kinds(policy) if kind not in _EXEMPT]
    if not kinds:
        raise InexpressibleError(f"{policy.id} judges admission policies, about which the API server asks no other")
    for group, kind in kinds:
        version = "*" if is_about_versions else _VERSIONS.get(group, "*")
        names = resources.setdefault((group, version), [])
        names.append("*" if kind == "*" else plural(kind))
        if (group, kind) == ("", "Pod"):
            names.append("pods/ephemeralcontainers")
    return [
        {
            "apiGroups": [group],
            "apiVersions": [version],
            "operations": ["CREATE", "UPDATE"],
            "resources": list(dict.fromkeys(names)),
        }
        for (group, version), names in resources.items()
    ]


def kind_rules(policy: Policy) -> list[dict[str, Any]]:
    """`match.kinds` of a Gatekeeper constraint."""
    kinds: dict[str, list[str]] = {}
    for group, kind in _kinds(policy):
        kinds.setdefault(group, []).append(kind)
    return [{"apiGroups": [group], "kinds": list(dict.fromkeys(names))} for group, names in kinds.items()]


def _kinds(policy: Policy) -> Iterator[tuple[str, str]]:
    for pattern in policy.match.kinds:
        if pattern.partition("/")[0] in _FILES:
            raise InexpressibleError(f"{policy.id} judges configuration files, which are never sent to an API server")
        if pattern == "*":
            yield "*", "*"
        elif pattern == "workloads":
            yield from ((group, kind) for group, kind in WORKLOADS if group not in _REMOVED_GROUPS)
        else:
            group, slash, kind = pattern.rpartition("/")
            yield (group if slash else "" if kind in CORE_KINDS else "*"), kind
