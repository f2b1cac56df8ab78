"""Background work: merging reports as they come in, and waking workers for those whose task was lost."""

from celery import shared_task

from clusters.services.intake.receipts import PROCESS_TASK, request_processing
from clusters.services.raw_reports import turn_partitions
from common.metrics import SWEEPER_RAN_AT, SWEEPER_WAKE_UPS
from compliance.services.pruning import prune_reports, prune_violations
from compliance.services.turns import overdue_cluster_count, process_waiting_reports
from organizations.scope import organization_scope
from organizations.selectors.organizations import organization_ids

MOST_WAKE_UPS = 20


# Enough for one report of a million rows, and below the broker's visibility timeout.
@shared_task(name=PROCESS_TASK, soft_time_limit=780, time_limit=810)
def process_reports() -> None:
    """Merge what waits, in turns. Names no organization: whose report comes next is found out when it runs."""
    process_waiting_reports()


@shared_task(name="compliance.sweep_reports", soft_time_limit=60, time_limit=90)
def sweep_reports() -> None:
    """Wake workers while reports wait too long: the broker was down, it forgot, or a worker was killed."""
    SWEEPER_RAN_AT.set_to_current_time()
    for _ in range(min(overdue_cluster_count(), MOST_WAKE_UPS)):
        SWEEPER_WAKE_UPS.inc()
        request_processing()


@shared_task(name="compliance.prune_reports", soft_time_limit=3000, time_limit=3060)
def prune_reports_task() -> None:
    """Bodies by partition, then receipts; what is cut off goes on the next time."""
    turn_partitions()
    for organization_id in organization_ids():
        with organization_scope(organization_id):
            prune_reports()


@shared_task(name="compliance.prune_violations", soft_time_limit=3000, time_limit=3060)
def prune_violations_task() -> None:
    for organization_id in organization_ids():
        with organization_scope(organization_id):
            prune_violations()
