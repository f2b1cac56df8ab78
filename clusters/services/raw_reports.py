"""Bodies of settled reports, by day: kept, and dropped a day at a time."""

from datetime import date, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from common.clock import today

DAYS_AHEAD = 14

_KEEP = """
INSERT INTO clusters_rawreport (id, organization_id, cluster_id, settled_on, body)
SELECT id, organization_id, cluster_id, %s, body FROM clusters_report WHERE id = %s AND body IS NOT NULL
"""


def keep_raw_report(*, report_id: UUID) -> None:
    """Keep the body of a report that is about to be settled, unless RAW_REPORT_DAYS is 0."""
    if settings.RAW_REPORT_DAYS:
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, [today(), report_id])


def turn_partitions() -> tuple[int, int]:
    """Make the partitions of the coming 14 days, and drop those older than RAW_REPORT_DAYS: how many of each.

    Running it again changes nothing. A day that has no partition yet goes into a default one, so that merging never
    fails for want of it.
    """
    first = today()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clusters_make_raw_partitions(%s, %s)", [first, first + timedelta(days=DAYS_AHEAD)])
        made = cursor.fetchone()[0]
        cursor.execute("SELECT clusters_drop_raw_partitions(%s)", [oldest_kept_day()])
        dropped = cursor.fetchone()[0]
    return int(made), int(dropped)


def oldest_kept_day() -> date:
    return today() - timedelta(days=settings.RAW_REPORT_DAYS)


def partitions() -> list[tuple[str, int]]:
    """Name and size in bytes of each partition, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'clusters_rawreport'::regclass ORDER BY c.relname"
        )
        return [(str(name), int(size)) for name, size in cursor.fetchall()]
