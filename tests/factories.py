"""Real rows for tests that need more of them than a story tells, made in the scope that is open."""

import hashlib
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.db import connection, transaction

from clusters.models import Cluster, Report, ReportStatus, Resource
from common.clock import now
from compliance.models import (
    SEVERITY_WEIGHTS,
    Policy,
    PostureCount,
    Severity,
    Standard,
    Violation,
    ViolationInterval,
    ViolationStatus,
)
from compliance.services.merging.rollups import rewrite_last_day
from organizations.models import Team
from organizations.scope import current_organization_id, shared_scope

_numbers = count(1)


def make_cluster(name: str = "production", environment: str = "production") -> Cluster:
    return Cluster.objects.create(
        organization_id=current_organization_id(), name=name, environment=environment, last_scanned_at=now()
    )


def make_team(slug: str = "payments", namespaces: list[str] | None = None) -> Team:
    return Team.objects.create(
        organization_id=current_organization_id(),
        slug=slug,
        name=slug.capitalize(),
        namespaces=namespaces or [],
    )


def make_policy(
    slug: str = "privileged-container", severity: Severity = Severity.CRITICAL, **more: Any
) -> Policy:
    """A policy as `sync_library` stores one: metadata and spec, as written in its folder."""
    category = more.pop("category", "pod-security")
    title = more.pop("title", f"Containers must satisfy {slug}")
    document = {
        "apiVersion": "plumbline.dev/v1",
        "kind": "Policy",
        "metadata": {"name": slug},
        "spec": {
            "title": title,
            "category": category,
            "severity": severity.label.lower(),
            "severityReason": "It hands the node to whoever holds the container.",
            "why": "A privileged container shares the kernel of its node with no fence between.",
            "guidance": "Set `securityContext.privileged` to false.",
            "references": ["https://kubernetes.io/docs/concepts/security/pod-security-standards/"],
            "controls": {"pss": ["baseline/privileged-containers"]},
            "match": {"kinds": ["workloads"]},
            "rules": [
                {
                    "name": "privileged",
                    "each": "containers",
                    "expression": "!container.?securityContext.?privileged.orValue(false)",
                    "path": "securityContext.privileged",
                    "message": "Container {container.name} runs privileged",
                }
            ],
        },
    }
    columns = {
        "title": title,
        "category": category,
        "severity": severity,
        "weight": SEVERITY_WEIGHTS[severity],
        "document": document,
        **more,
    }
    with shared_scope():
        if not Policy.library.filter(slug=slug).update(**columns):
            Policy.library.bulk_create([Policy(slug=slug, **columns)])
        return Policy.library.get(slug=slug)


def make_own_policy(slug: str = "acme-owner-label", severity: Severity = Severity.HIGH, **more: Any) -> Policy:
    """A policy that the organization in scope imported."""
    text = f"""\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {slug}
"""
    columns: dict[str, Any] = {
        "title": f"Objects must satisfy {slug}",
        "category": "imported",
        "format": "vap",
        "document": {
            "apiVersion": "plumbline.dev/v1",
            "kind": "Policy",
            "metadata": {"name": slug},
            "spec": {"why": f"{slug} is asked for.", "guidance": "Change the object.", "category": "imported"},
        },
        "sources": [{"file": f"{slug}.yaml", "kind": "ValidatingAdmissionPolicy", "name": slug, "text": text}],
        "imported_at": now(),
        **more,
    }
    return Policy.objects.create(
        organization_id=current_organization_id(),
        slug=slug,
        severity=severity,
        weight=SEVERITY_WEIGHTS[severity],
        **columns,
    )


def make_standard(slug: str, policies: list[Policy]) -> Standard:
    """A standard with one control per policy and one that nothing automates."""
    controls = [{"id": p.slug, "title": p.title, "policies": [p.slug]} for p in policies]
    controls.append(
        {
            "id": "manual-review",
            "title": "Access is reviewed every quarter",
            "policies": [],
            "manual": "The access review of the last quarter, signed by its owner.",
        }
    )
    document = {
        "apiVersion": "plumbline.dev/v1",
        "kind": "Standard",
        "metadata": {"name": slug},
        "spec": {"title": slug.upper(), "version": "1", "description": "For tests.", "controls": controls},
    }
    standard, _ = Standard.objects.update_or_create(
        slug=slug, defaults={"title": slug.upper(), "version": "1", "document": document}
    )
    standard.policies.set(policies)
    return standard


def deployment(name: str, namespace: str) -> dict[str, Any]:
    """A Deployment whose one container, web, runs privileged."""
    container = {"name": "web", "image": "registry.example/web:1.4", "securityContext": {"privileged": True}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container]},
            },
        },
    }


def make_workload(cluster: Cluster, name: str = "", namespace: str = "shop", **more: Any) -> Resource:
    name = name or f"workload-{next(_numbers)}"
    seen_at = more.pop("first_seen_at", now() - timedelta(days=30))
    fields: dict[str, Any] = {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
        "labels": {"app": name},
        "manifest": deployment(name, namespace),
        "file": f"{namespace}/{name}.yaml",
        "line": 1,
        "digest": hashlib.sha256(name.encode()).hexdigest(),
        "first_seen_at": seen_at,
        "changed_at": seen_at,
        **more,
    }
    return Resource.objects.create(
        organization_id=current_organization_id(),
        cluster=cluster,
        name=name,
        namespace=namespace,
        **fields,
    )


PRIVILEGED = "spec.template.spec.containers[0].securityContext.privileged"
UNPRIVILEGED_FIX = [
    {
        "op": "replace",
        "path": "/spec/template/spec/containers/0/securityContext/privileged",
        "value": False,
    }
]


def make_violation(resource: Resource, policy: Policy, **more: Any) -> Violation:
    """A violation with its intervals, and the resource's verdicts and counts kept in step with it."""
    opened_at: datetime = more.pop("opened_at", now() - timedelta(days=3))
    resolved_at: datetime | None = more.pop("resolved_at", None)
    status = ViolationStatus.RESOLVED if resolved_at else ViolationStatus.OPEN
    fields: dict[str, Any] = {
        "rule": "privileged",
        "place": "spec.template.spec.containers[web].securityContext.privileged",
        "path": PRIVILEGED,
        "found": True,
        "message": "Container web runs privileged",
        "fix": UNPRIVILEGED_FIX,
        "line": 17,
        "first_seen_at": opened_at,
        **more,
    }
    violation = Violation.objects.create(
        organization_id=current_organization_id(),
        cluster_id=resource.cluster_id,
        resource=resource,
        policy=policy,
        team_id=resource.team_id,
        namespace=resource.namespace,
        severity=policy.severity,
        status=status,
        opened_at=opened_at,
        resolved_at=resolved_at,
        **fields,
    )
    ViolationInterval.objects.create(
        organization_id=current_organization_id(),
        violation=violation,
        opened_at=opened_at,
        closed_at=resolved_at,
        close_reason="passed" if resolved_at else "",
    )
    if status == ViolationStatus.OPEN:
        resource.open_count += 1
        resource.worst_severity = max(resource.worst_severity, policy.severity)
        resource.failed = sorted({*resource.failed, policy.id})
        resource.save()
    count_open(resource.cluster)
    return violation


def count_open(cluster: Cluster) -> None:
    """Bring what the rollups say of a cluster's open violations up to date, as a merge would."""
    with transaction.atomic(), connection.cursor() as cursor:
        rewrite_last_day(cursor, cluster)


def make_report(cluster: Cluster, status: str, **more: Any) -> Report:
    """A report at the end of its way; a parked one says why."""
    is_parked = status == ReportStatus.PARKED
    fields: dict[str, Any] = {
        "report_id": uuid4(),
        "kind": "snapshot",
        "scanned_at": now(),
        "body_digest": "0" * 64,
        "body_bytes": 2,
        "error": "KeyError: 'kind'" if is_parked else "",
        "attempt_count": 5 if is_parked else 1,
        **more,
    }
    return Report.objects.create(
        organization_id=current_organization_id(), cluster=cluster, status=status, **fields
    )


def make_count(cluster: Cluster, policy: Policy, *, namespace: str = "shop", **verdicts: int) -> PostureCount:
    """Today's verdicts of a policy in a namespace, and the cluster's day that follows from them."""
    counted, _ = PostureCount.objects.update_or_create(
        organization_id=current_organization_id(),
        cluster=cluster,
        policy=policy,
        namespace=namespace,
        team=None,
        defaults={"environment": cluster.environment, **verdicts},
    )
    count_open(cluster)
    return counted
