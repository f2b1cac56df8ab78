"""`input.review`: what Gatekeeper hands to Rego when somebody creates an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from plumbline.dialects.admission.reviews import Review, review_of
from plumbline.inventories import Inventory
from plumbline.nulls import without_nulls
from plumbline.resources import Resource

FORM: Final = "gatekeeper"


def input_of(review: Review) -> dict[str, Any]:
    """`input` without parameters."""
    value: dict[str, Any] = {
        "uid": "",
        "kind": {"group": review.group, "version": review.version, "kind": review.kind},
        "resource": {"group": review.group, "version": review.version, "resource": review.resource},
        "name": review.name,
        "operation": "CREATE",
        "userInfo": {"username": "", "groups": []},
        "object": review.object,
        "oldObject": None,
        "options": None,
        "dryRun": True,
    }
    if review.namespace:
        value["namespace"] = review.namespace
    if review.namespace_object is not None:
        value["namespaceObject"] = review.namespace_object
        value["_unstable"] = {"namespace": review.namespace_object}
    return {"review": value}


def as_declared(resource: Resource, inventory: Inventory) -> Review:
    """The review of an object that stays outside of namespaces when it names none, as gator sees it."""
    review = review_of(resource, (inventory,))
    if resource.namespace or not review.namespace:
        return review
    return Review(
        object=without_nulls(resource.object),
        group=review.group,
        version=review.version,
        kind=review.kind,
        resource=review.resource,
        namespace="",
        name=review.name,
        namespace_object=None,
    )


def admission_input(request: Mapping[str, Any]) -> dict[str, Any]:
    """`input` for the request of an AdmissionReview; a deletion is about the object that there was."""
    value = dict(request)
    if value.get("operation") == "DELETE":
        value["object"] = value.get("oldObject")
    return {"review": {"oldObject": None, **value}}
