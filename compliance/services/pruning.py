"""What is over and old, rolled off in batches: each its own transaction, none waiting for a lock."""

# ruff: noqa: S608 - every part is a constant of this module; values are parameters

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from common.clock import now, today
from organizations.models import Organization
from organizations.scope import current_organization_id

BATCH_ROWS = 5000

_OLD_RECEIPTS = """
FROM clusters_report WHERE organization_id = %(organization)s AND received_at < %(before)s
    AND status IN ('processed', 'superseded', 'dismissed')
"""
_OLD_VIOLATIONS = """
FROM compliance_violation WHERE organization_id = %(organization)s AND status = 'resolved' AND resolved_at < %(before)s
"""
_OLD_RESOURCES = """
FROM clusters_resource r WHERE organization_id = %(organization)s AND deleted_at < %(before)s AND NOT EXISTS (
    SELECT FROM compliance_violation v WHERE v.organization_id = %(organization)s AND v.resource_id = r.id
)
"""
_CHOSEN = "WITH chosen AS (SELECT id {rows} LIMIT %(most)s FOR UPDATE SKIP LOCKED)"
_DROP_RECEIPTS = f"""
{_CHOSEN.format(rows=_OLD_RECEIPTS)}
DELETE FROM clusters_report r USING chosen WHERE r.organization_id = %(organization)s AND r.id = chosen.id
"""
_DROP_VIOLATIONS = f"""
{_CHOSEN.format(rows=_OLD_VIOLATIONS)}, intervals AS (
    DELETE FROM compliance_violationinterval i USING chosen
    WHERE i.organization_id = %(organization)s AND i.violation_id = chosen.id
)
DELETE FROM compliance_violation v USING chosen WHERE v.organization_id = %(organization)s AND v.id = chosen.id
"""
_DROP_RESOURCES = f"""
{_CHOSEN.format(rows=_OLD_RESOURCES)}, digests AS (
    DELETE FROM compliance_resultdigest d USING chosen
    WHERE d.organization_id = %(organization)s AND d.resource_id = chosen.id
)
DELETE FROM clusters_resource r USING chosen WHERE r.organization_id = %(organization)s AND r.id = chosen.id
"""


@dataclass(frozen=True)
class Pruned:
    """How many rows went, or would go; `before` is None where everything is kept."""

    before: date | None
    violation_count: int = 0
    resource_count: int = 0


def prune_reports(*, is_dry_run: bool = False) -> int:
    """Drop receipts older than RECEIPT_DAYS in the organization in scope; how many. Those that wait or are parked stay.

    Bodies go by partition, for all organizations at once: `clusters.services.raw_reports`.
    """
    parameters = _parameters(now() - timedelta(days=settings.RECEIPT_DAYS))
    return _count(_OLD_RECEIPTS, parameters) if is_dry_run else sum(_batches(_DROP_RECEIPTS, parameters))


def prune_violations(*, is_dry_run: bool = False) -> Pruned:
    """Roll off what ended longer ago than the organization in scope keeps it: resolved violations with their
    intervals, then resources that are gone and have none left. Days of posture stay.

    From then on, what was open on days before `pruned_before` is told by those days alone.
    """
    organization = Organization.objects.get(pk=current_organization_id())
    if organization.retention_days is None:
        return Pruned(None)
    before = today() - timedelta(days=organization.retention_days)
    parameters = _parameters(datetime.combine(before, time(), UTC))
    if is_dry_run:
        return Pruned(before, _count(_OLD_VIOLATIONS, parameters), _count(_OLD_RESOURCES, parameters))
    _note(organization, before)
    return Pruned(before, sum(_batches(_DROP_VIOLATIONS, parameters)), sum(_batches(_DROP_RESOURCES, parameters)))


def _note(organization: Organization, before: date) -> None:
    """Say so before the first row goes. It never goes back: a longer retention brings nothing again."""
    if organization.pruned_before is None or organization.pruned_before < before:
        Organization.objects.filter(pk=organization.pk).update(pruned_before=before)


def _parameters(before: datetime) -> dict[str, Any]:
    return {"organization": current_organization_id(), "before": before, "most": BATCH_ROWS}


def _count(rows: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {rows}", parameters)
        return int(cursor.fetchone()[0])


def _batches(statement: str, parameters: dict[str, Any]) -> Iterator[int]:
    count = -1
    while count:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            count = cursor.rowcount
        yield count
