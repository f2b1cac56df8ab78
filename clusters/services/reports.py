"""What a person does about a report: has a parked one tried again."""

from uuid import UUID

from django.db import transaction

from clusters.models import Report, ReportStatus
from common.errors import Conflict, NotFound
from organizations.models import User
from organizations.services.audit import record

from .intake.receipts import request_processing


def retry_report(*, report_id: UUID, actor: User | None) -> Report:
    """Put a parked report back among the waiting. If a newer one was merged meanwhile it will be superseded.

    `report_id` is the server's id. Raises NotFound, and Conflict (not_parked) for a report in another state.
    """
    with transaction.atomic():
        report = (
            Report.objects.select_for_update(of=("self",))
            .select_related("cluster")
            .defer("body")
            .filter(pk=report_id)
            .first()
        )
        if report is None:
            raise NotFound("There is no such report.")
        if report.status != ReportStatus.PARKED:
            raise Conflict("Only a parked report can be retried.", code="not_parked")
        report.status, report.attempt_count, report.processed_at = ReportStatus.ACCEPTED, 0, None
        report.save(update_fields=["status", "attempt_count", "processed_at"])
        record(
            verb="report.retried",
            target=str(report.report_id),
            actor=actor,
            data={"cluster": report.cluster.name, "error": report.error},
        )
        cluster_id = report.cluster_id
        transaction.on_commit(lambda: request_processing(cluster_id=cluster_id))
    return report
