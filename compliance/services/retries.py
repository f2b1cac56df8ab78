"""Another try for a report that was parked."""

from uuid import UUID

from django.db import transaction

from clusters.models import Report, ReportStatus
from clusters.services.intake.receipts import request_processing
from common.errors import Conflict, NotFound
from organizations.models import User
from organizations.services.audit import record


def retry_report(*, report_id: UUID, actor: User | None) -> Report:
    """Put a parked report back into its cluster's queue, with all its attempts before it.

    Raises NotFound; Conflict (report_not_parked) for a report that is not parked or whose body is gone.
    """
    with transaction.atomic():
        report = (
            Report.objects.select_for_update(of=("self",))
            .select_related("cluster")
            .filter(pk=report_id)
            .first()
        )
        if report is None:
            raise NotFound("There is no such report.")
        if report.status != ReportStatus.PARKED or report.body is None:
            raise Conflict(
                f"Only a parked report can be tried again; this one is {report.status}.",
                code="report_not_parked",
            )
        report.status, report.error, report.attempt_count = ReportStatus.ACCEPTED, "", 0
        report.processed_at = None
        report.save(update_fields=["status", "error", "attempt_count", "processed_at"])
        record(
            verb="report.retried",
            target=str(report.report_id),
            actor=actor,
            data={"cluster": report.cluster.name},
        )
        transaction.on_commit(request_processing)
    return report
