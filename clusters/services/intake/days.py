"""How reports fare at the door, by day: what the page of ingestion health shows."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db import Error, connection, transaction

from clusters.models import IntakeDay
from common.clock import now
from organizations.scope import current_organization_id, organization_scope

logger = logging.getLogger(__name__)

ACCEPTED = "accepted"
KEPT_FOR = timedelta(days=90)

_COUNT = """
INSERT INTO clusters_intakeday AS known (organization_id, cluster_id, day, outcome, count, last_at, last_detail)
VALUES (%s, %s, %s, %s, 1, %s, %s)
ON CONFLICT (organization_id, cluster_id, day, outcome) DO UPDATE SET
    count = known.count + 1, last_at = EXCLUDED.last_at, last_detail = EXCLUDED.last_detail
RETURNING count
"""


def count_outcome(*, cluster_id: UUID, outcome: str, detail: str = "") -> None:
    """Count one post of a report. The first of a day also drops what is older than 90 days."""
    instant = now()
    with connection.cursor() as cursor:
        told = detail[:500].replace("\x00", "")
        cursor.execute(
            _COUNT, [current_organization_id(), cluster_id, instant.date(), outcome[:40], instant, told]
        )
        is_first = cursor.fetchone()[0] == 1
    if is_first:
        IntakeDay.objects.filter(cluster_id=cluster_id, day__lt=instant.date() - KEPT_FOR).delete()


def note_refusal(*, organization_id: UUID, cluster_id: UUID, code: str, detail: str) -> None:
    """Count a refusal for its cluster's owner to see. One that cannot be counted is still a refusal: it is logged."""
    try:
        with transaction.atomic(), organization_scope(organization_id):
            count_outcome(cluster_id=cluster_id, outcome=code, detail=detail)
    except Error:
        logger.warning("A refusal was not counted.", extra={"code": code}, exc_info=True)
