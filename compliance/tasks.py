"""Background work: merging reports as they come in, and sweeping up those whose task was lost."""

from uuid import UUID

from celery import shared_task

from clusters.services.intake.receipts import PROCESS_TASK, request_processing
from compliance.services.processing import overdue_clusters, process_cluster_reports
from organizations.models import Organization
from organizations.scope import directory_scope, organization_scope


@shared_task(name=PROCESS_TASK, soft_time_limit=300, time_limit=330)
def process_reports(organization_id: str, cluster_id: str) -> None:
    """Merge a cluster's waiting reports. Any number of these may run: one at a time gets the cluster."""
    with organization_scope(UUID(organization_id)):
        process_cluster_reports(cluster_id=UUID(cluster_id))


@shared_task(name="compliance.sweep_reports", soft_time_limit=60, time_limit=90)
def sweep_reports() -> None:
    """Ask again for clusters whose reports wait: the broker was down, it forgot, or a worker was killed."""
    with directory_scope():
        organization_ids = list(Organization.objects.values_list("pk", flat=True))
    for organization_id in organization_ids:
        with organization_scope(organization_id):
            for cluster_id in overdue_clusters():
                request_processing(cluster_id=cluster_id)
