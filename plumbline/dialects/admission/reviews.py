"""What the API server would hand to a policy if somebody created the object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final

from plumbline.defaults import defaulted
from plumbline.defaults.schemas import filled, versions_of
from plumbline.inventories import Inventory, namespace_of
from plumbline.kinds import plural, served_versions
from plumbline.nulls import without_nulls
from plumbline.resources import Resource

NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"
_DEFINITION: Final = ("apiextensions.k8s.io", "CustomResourceDefinition")


@dataclass(frozen=True)
class Review:
    """A request to create `object`. `namespace` is "" for what lives outside namespaces, else the object's own or
    `default`; `namespace_object` is None when the set does not hold that Namespace. `served` are the versions in which
    the API server knows the kind, None when nobody here knows them.
    """

    object: dict[str, Any]
    group: str
    version: str
    kind: str
    resource: str
    namespace: str
    name: str
    namespace_object: dict[str, Any] | None
    served: frozenset[str] | None = None

    @property
    def labels(self) -> dict[str, Any]:
        """The object's labels; {} when it has none that are readable."""
        return _labels(self.object)

    @property
    def namespace_labels(self) -> dict[str, Any]:
        """Labels of the object's namespace: all when the set holds it, else the one that it is bound to have."""
        known = _labels(self.namespace_object) if self.namespace_object is not None else {}
        return {NAMESPACE_LABEL: self.namespace, **known}

    @property
    def is_namespace(self) -> bool:
        return self.group == "" and self.kind == "Namespace"

    @cached_property
    def request(self) -> dict[str, Any]:
        """`request` in expressions: the creation, by a user of whom nothing is known."""
        kind = {"group": self.group, "version": self.version, "kind": self.kind}
        resource = {"group": self.group, "version": self.version, "resource": self.resource}
        request: dict[str, Any] = {
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": self.name,
            "operation": "CREATE",
            "userInfo": {"username": "", "groups": []},
            "dryRun": True,
        }
        namespace = self.name if self.is_namespace else self.namespace
        if namespace:
            request["namespace"] = namespace
        return request

    @cached_property
    def vocabulary(self) -> dict[str, Any]:
        """What expressions see, but for `params`."""
        namespace_object = self.namespace_object
        if namespace_object is None and self.namespace:
            namespace_object = {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": self.namespace, "labels": self.namespace_labels},
            }
        return {
            "object": self.object,
            "oldObject": None,
            "request": self.request,
            "namespaceObject": namespace_object,
            "variables": {},
            "related": {},
        }


@lru_cache(maxsize=1)
def creation_of(resource: Resource, inventories: tuple[Inventory, ...]) -> Review:
    """The review of a resource's creation as the API server's own policies see it: with the defaults of its kind, which
    for a kind of users come from the CustomResourceDefinition among the inventories. The last one is remembered: many
    policies ask about one resource.
    """
    review = _named(review_of(resource, inventories))
    served = served_versions(review.group)
    obj = defaulted(review.object)
    if served is None:
        definitions = [entry.object for inventory in inventories for entry in inventory.of_kind(*_DEFINITION)]
        versions = versions_of(definitions, review.group, review.kind)
        served = frozenset(versions) or None
        obj = filled(obj, versions.get(review.version))
    return replace(review, object=obj, served=served)


def _named(review: Review) -> Review:
    """With a name as the API server makes one where only its beginning is given: five characters more."""
    metadata = review.object.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("name") or not review.name:
        return review
    name = f"{review.name}xxxxx"
    return replace(review, name=name, object={**review.object, "metadata": {**metadata, "name": name}})


def review_of(resource: Resource, inventories: Sequence[Inventory]) -> Review:
    """The review of a resource as it is written; its Namespace is looked up in each of the inventories."""
    obj = without_nulls(resource.object)
    group, _, version = resource.api_version.rpartition("/")
    namespace = namespace_of(resource)
    if namespace != resource.namespace and isinstance(obj.get("metadata", {}), dict):
        obj = {**obj, "metadata": {**obj.get("metadata", {}), "namespace": namespace}}
    found = (inventory.namespace_object(namespace) for inventory in inventories) if namespace else ()
    return Review(
        object=obj,
        group=group,
        version=version,
        kind=resource.kind,
        resource=plural(resource.kind),
        namespace=namespace,
        name=resource.name,
        namespace_object=next((item for item in found if item is not None), None),
    )


def _labels(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = obj.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return labels if isinstance(labels, dict) else {}
