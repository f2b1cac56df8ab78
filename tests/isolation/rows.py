"""A row of every owned table for an organization: isolation is tested on tables that have something to hide."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from clusters.models import AgentToken, Cluster, Report, Resource
from common.clock import now, today
from compliance.models import PolicyDay, PostureCount, PostureDay, Violation, ViolationInterval
from organizations.models import (
    ApiToken,
    AuditEvent,
    Invitation,
    Membership,
    Organization,
    OwnedModel,
    Team,
    TeamMembership,
)
from organizations.scope import organization_scope
from tests.factories import make_policy


def fill(organization: Organization) -> dict[type[OwnedModel], Any]:
    """One row in each owned table, made straight through the models; gives them by model.

    The organization has a member already. Raises KeyError for an owned model that has no maker here.
    """
    with organization_scope(organization.pk):
        made: dict[type[OwnedModel], Any] = {Membership: Membership.objects.first()}
        for model, attributes in MAKERS.items():
            made[model] = model.objects.create(organization=organization, **attributes(made))
        return made


def _digest(_: Any = None) -> str:
    return uuid4().hex * 2


Made = dict[type[OwnedModel], Any]
MAKERS: dict[type[OwnedModel], Callable[[Made], dict[str, Any]]] = {
    Team: lambda made: {"slug": "payments", "name": "Payments", "namespaces": ["payments"]},
    TeamMembership: lambda made: {"team": made[Team], "user_id": made[Membership].user_id},
    Invitation: lambda made: {
        "email": "nadia@example.com",
        "role": "auditor",
        "digest": _digest(),
        "expires_at": now() + timedelta(days=7),
    },
    ApiToken: lambda made: {
        "user_id": made[Membership].user_id,
        "name": "laptop",
        "prefix": "plb_00000000",
        "digest": _digest(),
    },
    AuditEvent: lambda made: {"actor_label": "Plumbline", "verb": "team.created", "target": "payments"},
    Cluster: lambda made: {"name": "production", "environment": "production"},
    AgentToken: lambda made: {"cluster": made[Cluster], "prefix": "pla_00000000", "digest": _digest()},
    Report: lambda made: {
        "cluster": made[Cluster],
        "report_id": uuid4(),
        "kind": "snapshot",
        "scanned_at": now(),
        "body_digest": _digest(),
        "body_bytes": 2,
    },
    Resource: lambda made: {
        "cluster": made[Cluster],
        "team": made[Team],
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
        "namespace": "payments",
        "name": f"secret-of-{made[Membership].organization_id}",
        "manifest": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "checkout"}},
        "digest": _digest(),
        "failed": [make_policy().pk],
        "open_count": 1,
        "worst_severity": 4,
        "first_seen_at": now(),
        "changed_at": now(),
    },
    Violation: lambda made: {
        "cluster": made[Cluster],
        "resource": made[Resource],
        "team": made[Team],
        "policy": make_policy(),
        "rule": "privileged",
        "place": "spec.template.spec.containers[web].securityContext.privileged",
        "path": "spec.template.spec.containers[0].securityContext.privileged",
        "namespace": "payments",
        "severity": 4,
        "found": True,
        "message": f"secret-of-{made[Membership].organization_id}",
        "first_seen_at": now(),
        "opened_at": now(),
    },
    ViolationInterval: lambda made: {"violation": made[Violation], "opened_at": now()},
    PostureCount: lambda made: {
        "cluster": made[Cluster],
        "namespace": "payments",
        "team": made[Team],
        "policy": make_policy(),
        "failed": 1,
    },
    PostureDay: lambda made: {
        "cluster": made[Cluster],
        "day": today(),
        "namespace": "payments",
        "team": made[Team],
        "failed_weight": 10,
        "open_critical": 1,
        "opened_count": 1,
    },
    PolicyDay: lambda made: {
        "cluster": made[Cluster],
        "day": today(),
        "policy": make_policy(),
        "failed": 1,
    },
}

OWNED_TABLES = sorted(model._meta.db_table for model in [Membership, *MAKERS])
