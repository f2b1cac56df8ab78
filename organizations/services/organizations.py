"""Founding an organization."""

import re

from django.db import IntegrityError, transaction

from common.errors import Conflict, PlumblineError
from common.ids import uuid7
from organizations.models import Membership, Organization, Role, User
from organizations.scope import organization_scope

from .audit import record

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def create_organization(*, slug: str, name: str, owner: User, actor: User | None = None) -> Organization:
    """Found an organization with its first owner. Raises PlumblineError, Conflict (slug_taken)."""
    name = name.strip()
    if not _SLUG.fullmatch(slug):
        raise PlumblineError(
            "The slug is 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.",
            fields={"slug": "Not a usable slug."},
        )
    if not name or len(name) > 120:
        raise PlumblineError("The name is 1 to 120 characters.", fields={"name": "1 to 120 characters."})
    organization = Organization(id=uuid7(), slug=slug, name=name)
    with organization_scope(organization.pk):
        try:
            with transaction.atomic():
                organization.save(force_insert=True)
                Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
                record(verb="organization.created", target=slug, actor=actor, data={"owner": owner.email})
        except IntegrityError as error:
            raise Conflict(
                f"The slug “{slug}” is taken.", code="slug_taken", fields={"slug": "Taken."}
            ) from error
    return organization
