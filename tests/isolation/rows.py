"""A row of every owned table for an organization, so that there is something to hide.

Every text in a row holds `mark(organization)`: where it shows in another one's answers, something leaks.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from clusters.models import (
    AgentSession,
    AgentToken,
    Cluster,
    IntakeDay,
    RawReport,
    Report,
    ReportPart,
    ReportQueue,
    Resource,
)
from common.clock import now, today
from common.tokens import token_digest
from compliance.models import (
    FleetCount,
    FleetDay,
    FleetPolicyDay,
    Policy,
    PolicyDay,
    PolicyLink,
    PostureCount,
    PostureDay,
    ResultDigest,
    ResultSource,
    Violation,
    ViolationInterval,
)
from organizations.models import (
    ApiToken,
    AuditEvent,
    Export,
    ExportPiece,
    Invitation,
    Membership,
    Organization,
    OwnedModel,
    Team,
    TeamMembership,
    User,
)
from organizations.scope import organization_scope
from tests.factories import make_own_policy, make_policy


class Made(dict[type[OwnedModel], Any]):
    """The rows by model; `mark` is the organization's own."""

    def __init__(self, organization: Organization, member: Membership) -> None:
        super().__init__({Membership: member})
        self.mark = mark(organization)


def mark(organization: Organization) -> str:
    """A word that stands in the rows of this organization and nowhere else."""
    return f"only-{organization.slug}"


def agent_secret(organization: Organization) -> str:
    """The agent token of the organization's cluster."""
    return f"pla_00000000_{mark(organization)}"


def fill(organization: Organization, user: User | None = None) -> Made:
    """One row in each owned table, made straight through the models; what belongs to a person is `user`'s."""
    with organization_scope(organization.pk):
        member = Membership.objects.filter(**({"user": user} if user else {})).first()
        made = Made(organization, member)
        for model, attributes in MAKERS.items():
            made[model] = model.objects.create(organization=organization, **attributes(made))
        # To be called off.
        Organization.objects.filter(pk=organization.pk).update(deletion_due_at=now() + timedelta(days=14))
        return made


def _digest(_: Any = None) -> str:
    return uuid4().hex * 2


MAKERS: dict[type[OwnedModel], Callable[[Made], dict[str, Any]]] = {
    Policy: lambda made: {
        "slug": made.mark,
        "title": f"Policy {made.mark}",
        "category": "imported",
        "severity": 3,
        "weight": 5,
        "format": "vap",
        "document": {"metadata": {"name": made.mark}, "spec": {"why": made.mark, "guidance": made.mark}},
        "sources": [{"file": "own.yaml", "kind": "Policy", "name": made.mark, "text": f"# {made.mark}"}],
        "imported_at": now(),
    },
    PolicyLink: lambda made: {
        "policy": made[Policy],
        "other": make_own_policy(f"{made.mark}-twin"),
    },
    Team: lambda made: {
        "slug": made.mark,
        "name": f"Team {made.mark}",
        "namespaces": [made.mark],
    },
    TeamMembership: lambda made: {"team": made[Team], "user_id": made[Membership].user_id},
    Invitation: lambda made: {
        "email": f"nadia@{made.mark}.example",
        "role": "auditor",
        "digest": _digest(),
        "expires_at": now() + timedelta(days=7),
    },
    ApiToken: lambda made: {
        "user_id": made[Membership].user_id,
        "name": f"laptop {made.mark}",
        "prefix": "plb_00000000",
        "digest": _digest(),
    },
    AuditEvent: lambda made: {"actor_label": "Plumbline", "verb": "team.created", "target": made.mark},
    Cluster: lambda made: {
        "name": made.mark,
        "environment": "production",
        "last_scanned_at": now(),
        "last_received_at": now(),
    },
    AgentToken: lambda made: {
        "cluster": made[Cluster],
        "prefix": "pla_00000000",
        "digest": token_digest(agent_secret(made[Cluster].organization)),
    },
    ReportQueue: lambda made: {"cluster": made[Cluster]},
    IntakeDay: lambda made: {
        "cluster": made[Cluster],
        "day": today(),
        "outcome": "schema",
        "count": 1,
        "last_at": now(),
        "last_detail": made.mark,
    },
    Report: lambda made: {
        "cluster": made[Cluster],
        "id": (report_id := uuid4()),
        "report_id": report_id,  # agents go by this one, members by the other
        "kind": "snapshot",
        "status": "parked",
        "error": made.mark,
        "body": b"{}",
        "scanned_at": now(),
        "body_digest": _digest(),
        "body_bytes": 2,
    },
    ReportPart: lambda made: {
        "cluster": made[Cluster],
        "report_id": uuid4(),
        "number": 1,
        "head": {"agent": {"name": made.mark}},
        "head_digest": _digest(),
        "body": b"",
        "body_digest": _digest(),
        "body_bytes": 2,
    },
    AgentSession: lambda made: {
        "cluster": made[Cluster],
        "session_id": uuid4(),
        "last_sequence": 1,
        "last_scanned_at": now(),
    },
    RawReport: lambda made: {"id": uuid4(), "cluster": made[Cluster], "settled_on": today(), "body": b"{}"},
    Export: lambda made: {"status": "ready", "finished_at": now(), "size_bytes": 2},
    ExportPiece: lambda made: {"export": made[Export], "number": 0, "content": b"{}"},
    Resource: lambda made: {
        "cluster": made[Cluster],
        "team": made[Team],
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
        "namespace": made.mark,
        "name": made.mark,
        "manifest": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": made.mark}},
        "digest": _digest(),
        "failed": [make_policy().pk],
        "open_count": 1,
        "worst_severity": 4,
        "first_seen_at": now(),
        "changed_at": now(),
    },
    ResultSource: lambda made: {
        "cluster": made[Cluster],
        "engine": "kyverno",
        "title": made.mark,
        "scanned_at": now(),
        "merged_at": now(),
    },
    ResultDigest: lambda made: {
        "cluster": made[Cluster],
        "resource": made[Resource],
        "engine": "kyverno",
        "digest": _digest(),
    },
    Violation: lambda made: {
        "cluster": made[Cluster],
        "resource": made[Resource],
        "team": made[Team],
        "policy": make_policy(),
        "rule": "privileged",
        "place": "spec.template.spec.containers[web].securityContext.privileged",
        "path": "spec.template.spec.containers[0].securityContext.privileged",
        "namespace": made.mark,
        "severity": 4,
        "found": True,
        "message": made.mark,
        "first_seen_at": now(),
        "opened_at": now(),
    },
    ViolationInterval: lambda made: {"violation": made[Violation], "opened_at": now()},
    PostureCount: lambda made: {
        "cluster": made[Cluster],
        "environment": "production",
        "namespace": made.mark,
        "team": made[Team],
        "policy": make_policy(),
        "failed": 1,
    },
    PostureDay: lambda made: {
        "cluster": made[Cluster],
        "environment": "production",
        "day": today(),
        "namespace": made.mark,
        "team": made[Team],
        "failed_weight": 10,
        "open_critical": 1,
        "opened_count": 1,
    },
    PolicyDay: lambda made: {
        "cluster": made[Cluster],
        "environment": "production",
        "day": today(),
        "policies": [make_policy().pk],
        "passed": [0],
        "failed": [1],
        "errored": [0],
        "skipped": [0],
        "open_counts": [1],
    },
    FleetCount: lambda made: {
        "environment": "staging",
        "dimension": "team",
        "team": made[Team],
        "policy": make_policy(),
        "failed": 1,
    },
    FleetDay: lambda made: {
        "environment": "staging",
        "day": today(),
        "dimension": "team",
        "team": made[Team],
        "failed_weight": 10,
    },
    FleetPolicyDay: lambda made: {
        "environment": "staging",
        "day": today(),
        "policy": make_policy(),
        "failed": 1,
    },
}

OWNED = "organization_id IS NOT NULL"  # a shared table holds rows of no organization too
OWNED_TABLES = sorted(model._meta.db_table for model in [Membership, *MAKERS])
