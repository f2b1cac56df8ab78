"""Days of posture for tests: rows as the pipeline writes them."""

from datetime import date, timedelta
from typing import Any

from clusters.models import Cluster
from compliance.models import Policy, PolicyDay, PostureDay
from organizations.models import Team
from organizations.scope import current_organization_id


def make_day(
    cluster: Cluster, day: date, *, namespace: str = "shop", team: Team | None = None, **more: Any
) -> PostureDay:
    """A row of a cluster's newest day; days since the one before carry that one on. Make days in their order."""
    for row in list(PostureDay.objects.filter(cluster=cluster, is_last=True, day__lt=day)):
        for number in range(1, (day - row.day).days):
            carried = _carried(row)
            carried.day = row.day + timedelta(days=number)
            carried.save(force_insert=True)
        PostureDay.objects.filter(pk=row.pk).update(is_last=False)
    return PostureDay.objects.create(
        organization_id=current_organization_id(),
        cluster=cluster,
        environment=cluster.environment,
        day=day,
        namespace=namespace,
        team=team,
        is_last=True,
        **more,
    )


def _carried(row: PostureDay) -> PostureDay:
    return PostureDay(
        organization_id=row.organization_id,
        cluster_id=row.cluster_id,
        environment=row.environment,
        namespace=row.namespace,
        team_id=row.team_id,
        skipped_weight=row.skipped_weight,
        unreported_weight=row.passed_weight + row.failed_weight + row.errored_weight + row.unreported_weight,
        open_critical=row.open_critical,
        open_high=row.open_high,
        open_medium=row.open_medium,
        open_low=row.open_low,
        is_carried=True,
    )


def make_policy_day(cluster: Cluster, day: date, policy: Policy, *, failed: int) -> PolicyDay:
    """A cluster's newest day on which one policy failed so often; the days since the one before carry that one on."""
    PolicyDay.objects.filter(cluster=cluster, day=day).delete()
    last = PolicyDay.objects.filter(cluster=cluster, is_last=True, day__lt=day).first()
    row = PolicyDay(
        organization_id=current_organization_id(),
        cluster=cluster,
        environment=cluster.environment,
        day=day,
        is_last=True,
        policies=[policy.pk],
        passed=[0],
        failed=[failed],
        errored=[0],
        skipped=[0],
        open_counts=[failed],
    )
    for missed in range(1, (day - last.day).days if last else 0):
        carried = PolicyDay(**{**_columns(last), "day": last.day + timedelta(days=missed), "is_carried": True})
        carried.save(force_insert=True)
    PolicyDay.objects.filter(cluster=cluster).update(is_last=False)
    row.save()
    return row


def _columns(row: PolicyDay) -> dict[str, Any]:
    kept = ("organization_id", "cluster_id", "environment", "policies", "passed", "failed", "errored", "skipped")
    return {name: getattr(row, name) for name in (*kept, "open_counts")}
