"""Background work on what came in: unclosed snapshots expire."""

from celery import shared_task

from clusters.services.intake import parts
from organizations.scope import organization_scope
from organizations.selectors.organizations import organization_ids


@shared_task(name="clusters.expire_parts", soft_time_limit=60, time_limit=90)
def expire_parts() -> None:
    """Drop the parts of snapshots that were not closed within 24 hours."""
    for organization_id in organization_ids():
        with organization_scope(organization_id):
            parts.expire_parts()
