"""Organizations by slug or all of them: for commands and background work, which belong to no one."""

from uuid import UUID

from common.errors import NotFound
from organizations.models import Organization
from organizations.scope import directory_scope


def organization_by_slug(slug: str) -> Organization:
    """The organization with this slug. Raises NotFound. Checks nobody's right: not for pages or the API."""
    with directory_scope():
        organization = Organization.objects.filter(slug=slug).first()
    if organization is None:
        raise NotFound(f"There is no organization “{slug}”.")
    return organization


def organization_by_id(organization_id: UUID) -> Organization:
    """The organization with this id, for background work. Raises NotFound."""
    with directory_scope():
        organization = Organization.objects.filter(pk=organization_id).first()
    if organization is None:
        raise NotFound("There is no such organization.")
    return organization


def organization_ids() -> list[UUID]:
    """All organizations' ids, oldest first, for work that enters each one's scope in turn."""
    with directory_scope():
        return list(Organization.objects.order_by("id").values_list("id", flat=True))
