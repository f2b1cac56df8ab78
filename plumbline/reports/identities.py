"""How reports name objects, and what makes two names the same object."""

from __future__ import annotations

from typing import Any

Identity = tuple[str, str, str, str]  # apiVersion, kind, namespace, name
Key = tuple[str, str, str, str]  # group, kind, namespace, name: versions of one object are one object


def key_of(identity: Identity) -> Key:
    """The identity with the API group in place of the version."""
    return identity[0].rpartition("/")[0], *identity[1:]


def resource_key(resource: dict[str, Any]) -> Key:
    """The key of a resource as in report-v1.json."""
    group, _, _ = resource["apiVersion"].rpartition("/")
    return group, resource["kind"], resource["namespace"], resource["name"]
