"""Days of posture for tests: rows as the pipeline writes them."""

from datetime import date
from typing import Any

from clusters.models import Cluster
from compliance.models import PostureDay
from organizations.models import Team
from organizations.scope import current_organization_id


def make_day(
    cluster: Cluster, day: date, *, namespace: str = "shop", team: Team | None = None, **more: Any
) -> PostureDay:
    return PostureDay.objects.create(
        organization_id=current_organization_id(),
        cluster=cluster,
        environment=cluster.environment,
        day=day,
        namespace=namespace,
        team=team,
        **more,
    )
