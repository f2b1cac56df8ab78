"""Digests by which a server knows what it was told before, so that it need not be told again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any

from plumbline import __version__
from plumbline.policies import Policy
from plumbline.reports.identities import resource_key

_IDENTITY = ("apiVersion", "kind", "namespace", "name")


def rendering(value: Any) -> bytes:
    """Compact JSON in UTF-8, keys in the order given: the form that digests are made of."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def resource_digests(report: dict[str, Any]) -> list[str]:
    """The digest of each resource of a report, in order: its JSON after the SHA-256 of the list of policies."""
    policies = hashlib.sha256(rendering(report["policies"])).digest()
    return [hashlib.sha256(policies + rendering(resource)).hexdigest() for resource in report["resources"]]


def abbreviate(report: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    """The report with those of its resources by digest alone whose digest is in `known`: what the server has merged."""
    full, named = [], []
    for resource, digest in zip(report["resources"], resource_digests(report), strict=True):
        if digest in known:
            named.append({**{name: resource[name] for name in _IDENTITY}, "digest": digest})
        else:
            full.append(resource)
    return {**report, "resources": full, "known": named}


def only(report: dict[str, Any], unknown: Iterable[Iterable[str]]) -> list[dict[str, Any]]:
    """The resources of a report that a receipt's `unknown` (group, kind, namespace, name) asks for in full."""
    wanted = {tuple(identity) for identity in unknown}
    return [resource for resource in report["resources"] if resource_key(resource) in wanted]


def policy_set_digest(policies: Iterable[Policy], params: dict[str, dict[str, Any]] | None = None) -> str:
    """One digest for what resources were judged by: our version, each policy's rules, and parameters."""
    described = [
        (p.id, p.severity, p.format, repr((p.match, p.rules, p.variables, p.related)), p.parameter_defaults)
        for p in policies
    ]
    return hashlib.sha256(json.dumps([__version__, described, params or {}], default=repr).encode()).hexdigest()
