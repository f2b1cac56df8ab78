"""One result of another engine in one shape, whatever document it came in; and the names that it goes by here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from plumbline.reports.identities import Identity

Status = Literal["fail", "error", "pass", "skip"]

SEVERITIES = {"critical": "critical", "high": "high", "medium": "medium", "low": "low", "info": "low"}
UNRATED = "medium"
MAX_SLUG = 63
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_BETWEEN = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """What an engine says of one object by one rule. `severity` is '' where it gives none; `place` names the part
    of the object, '' for the whole; `path` is where that stands, with indexes, '' when it is not known. `exception`
    names what excepts a failure from being one; its status is then skip.
    """

    engine: str
    policy: str
    rule: str
    status: Status
    subject: Identity
    severity: str = ""
    category: str = ""
    title: str = ""
    message: str = ""
    place: str = ""
    path: str = ""
    file: str | None = None
    line: int | None = None
    exception: str = ""


@dataclass(slots=True)
class Findings:
    """All that the documents say. `owners` leads from an object to its controlling owner, where a document tells.

    `missing` counts, by engine, the results that an engine has and did not list; `exhaustive` names, by engine, the
    policies of which every failure is listed, though no pass is: in the files of the context `within`, if it is not
    None, and on every object otherwise. `problems` are documents that could not be used.
    """

    results: list[Finding] = field(default_factory=list)
    owners: dict[Identity, Identity] = field(default_factory=dict)
    engines: dict[str, str] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    exhaustive: dict[str, set[str]] = field(default_factory=dict)
    within: str | None = None
    problems: list[str] = field(default_factory=list)


def engine_id(source: str) -> str:
    """`Trivy ConfigAudit` → `trivy-config-audit`: the word that leads the ids of an engine's policies."""
    return _cut_slug("-".join(_WORD.findall(source)).lower() or "engine", 40)


def policy_slug(engine: str, policy: str) -> str:
    """The id of an engine's policy here: `kyverno-require-labels`. The same name always gets the same id."""
    name = _BETWEEN.sub("-", policy.lower()).strip("-")
    if not name:
        return f"{engine}-unnamed-{_hash(policy)}" if policy else f"{engine}-unnamed"
    slug = f"{engine}-{name}"
    # Names that differ only in what a slug cannot hold are different policies.
    is_faithful = re.fullmatch(r"[A-Za-z0-9]+([ ./_-][A-Za-z0-9]+)*", policy) is not None
    return slug if len(slug) <= MAX_SLUG and is_faithful else _cut_slug(slug, MAX_SLUG - 9) + f"-{_hash(policy)}"


def rule_slug(rule: str) -> str:
    """The id of a rule; one that has no name is `check`."""
    name = _BETWEEN.sub("-", rule.lower()).strip("-")
    if len(name) <= MAX_SLUG:
        return name or "check"
    return _cut_slug(name, MAX_SLUG - 9) + f"-{_hash(rule)}"


def severity_of(value: Any) -> str:
    """One of our four severities, '' for anything else."""
    return SEVERITIES.get(value.lower(), "") if isinstance(value, str) else ""


def identity_of(reference: Any, namespace: str = "") -> Identity | None:
    """The object that an ObjectReference names; None when it names none. `namespace` is the report's own."""
    if not isinstance(reference, Mapping):
        return None
    kind, name = text(reference, "kind"), text(reference, "name")
    if not kind or not name:
        return None
    api_version = text(reference, "apiVersion") or "v1"
    own = text(reference, "namespace")
    identity = api_version, kind, own or ("" if kind in _CLUSTER_SCOPED else namespace), name
    return identity if _is_usable(identity) else None


def _is_usable(identity: Identity) -> bool:
    """Whether it could be the name of an object: longer ones are nothing that a cluster holds."""
    group, _, version = identity[0].rpartition("/")
    limits = ((group, 253), (version, 63), (identity[1], 63), (identity[2], 253), (identity[3], 253))
    return all(len(part.encode(errors="replace")) <= most for part, most in limits)


_CLUSTER_SCOPED = frozenset(
    {"Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "StorageClass", "IngressClass",
     "PriorityClass", "CustomResourceDefinition", "APIService", "ValidatingWebhookConfiguration",
     "MutatingWebhookConfiguration"}
)  # fmt: skip


def mapping(owner: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The map that the field holds, an empty one when it holds none."""
    value = owner.get(name)
    return value if isinstance(value, Mapping) else {}


def text(owner: Mapping[str, Any], *names: str) -> str:
    """The first of the fields that holds text, '' when none does."""
    for name in names:
        value = owner.get(name)
        if isinstance(value, str) and value:
            return value.replace("\x00", "")
    return ""


def controller_of(metadata: Any) -> Mapping[str, Any] | None:
    """The owner reference that controls an object."""
    owners = metadata.get("ownerReferences") if isinstance(metadata, Mapping) else None
    for owner in owners if isinstance(owners, list) else ():
        if isinstance(owner, Mapping) and owner.get("controller") is True:
            return owner
    return None


def _cut_slug(slug: str, length: int) -> str:
    return slug[:length].strip("-")


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:8]
