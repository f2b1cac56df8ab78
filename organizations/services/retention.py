"""How long an organization keeps what is over."""

from django.db import transaction

from common.errors import PlumblineError
from organizations.models import Organization, User
from organizations.scope import current_organization_id

from .audit import record

LEAST_DAYS, MOST_DAYS = 30, 3650


def set_retention(*, days: int | None, actor: User | None) -> Organization:
    """Keep resolved violations for so many days, from 30 to 3,650; for ever with None. Raises PlumblineError."""
    if days is not None and not LEAST_DAYS <= days <= MOST_DAYS:
        raise PlumblineError(
            f"Resolved violations are kept for {LEAST_DAYS} to {MOST_DAYS} days, or for ever.",
            code="bad_retention",
            fields={"days": f"{LEAST_DAYS} to {MOST_DAYS}, or nothing."},
        )
    with transaction.atomic():
        organization = Organization.objects.select_for_update().get(pk=current_organization_id())
        if organization.retention_days != days:
            data = {"days": days, "earlier": organization.retention_days}
            organization.retention_days = days
            organization.save(update_fields=["retention_days"])
            record(verb="retention.changed", target=organization.slug, actor=actor, data=data)
    return organization
