"""Giving a parked report up."""

from uuid import UUID

from django.db import transaction

from clusters.models import Report, ReportStatus
from common.clock import now
from common.errors import Conflict, NotFound
from organizations.models import User
from organizations.services.audit import record


def dismiss_report(*, report_id: UUID, actor: User | None) -> Report:
    """Drop a parked report's body for good. The report stays in view with its error, and is no longer counted.

    Raises NotFound; Conflict (report_not_parked) for a report that is not parked.
    """
    with transaction.atomic():
        found = Report.objects.select_for_update(of=("self",)).select_related("cluster").defer("body")
        report = found.filter(pk=report_id).first()
        if report is None:
            raise NotFound("There is no such report.")
        if report.status != ReportStatus.PARKED:
            raise Conflict(
                f"Only a parked report can be dismissed; this one is {report.status}.", code="report_not_parked"
            )
        report.status, report.body, report.processed_at = ReportStatus.DISMISSED, None, now()
        report.save(update_fields=["status", "body", "processed_at"])
        record(
            verb="report.dismissed",
            target=str(report.report_id),
            actor=actor,
            data={"cluster": report.cluster.name, "error": report.error[:500], "bytes": report.body_bytes},
        )
    return report
