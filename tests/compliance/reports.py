"""Reports as agents post them, in the few words that a test's story needs."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from clusters.models import Cluster, Report
from clusters.services.intake.keeping import keep_report
from compliance.services.turns import process_waiting_reports

MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
POLICIES = ("privileged-container", "host-network", "memory-limits")


def at(minutes: float) -> datetime:
    """An instant of the story: minutes after 3 March 2026, 08:00 UTC."""
    return MORNING + timedelta(minutes=minutes)


def violation(policy: int = 0, place: str = "spec.containers[web].privileged", **more: Any) -> dict[str, Any]:
    return {
        "policy": policy,
        "rule": "privileged",
        "place": place,
        "path": place.replace("[web]", "[0]"),
        "found": True,
        "message": "Container web runs privileged",
        "fix": [{"op": "remove", "path": "/spec"}],
        "line": 7,
        **more,
    }


def resource(name: str = "shop", namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """A Deployment; `failed`, unless given, follows from `violations`, and `passed` is every other policy."""
    violations = more.pop("violations", [])
    failed = more.pop("failed", sorted({v["policy"] for v in violations}))
    errored, skipped = more.pop("errored", []), more.pop("skipped", [])
    passed = more.pop("passed", [i for i in range(len(POLICIES)) if i not in {*failed, *errored, *skipped}])
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": namespace,
        "name": name,
        "labels": {},
        "manifest": {"kind": "Deployment", "metadata": {"name": name}},
        "file": None,
        "line": None,
        "passed": passed,
        "failed": failed,
        "errored": errored,
        "skipped": skipped,
        "violations": violations,
        "errors": [],
        **more,
    }


def report(
    *resources: dict[str, Any], scanned_at: datetime, policies: Sequence[str] = POLICIES, **more: Any
) -> dict[str, Any]:
    return {
        "schema": "plumbline.report/v1",
        "id": str(uuid.uuid4()),
        "kind": "snapshot",
        "scanned_at": scanned_at.isoformat().replace("+00:00", "Z"),
        "agent": {"name": "plumbline-cli", "version": "0.1.0"},
        "policies": list(policies),
        "resources": list(resources),
        "deleted": [],
        "truncated": None,
        "unreadable": [],
        **more,
    }


def accept(cluster: Cluster, document: dict[str, Any]) -> Report:
    """Store a report as the API does once it has judged it; nothing is processed yet."""
    body = orjson.dumps(document)
    return Report.objects.create(
        organization_id=cluster.organization_id,
        cluster=cluster,
        report_id=uuid.UUID(document["id"]),
        kind=document["kind"],
        scanned_at=datetime.fromisoformat(document["scanned_at"]),
        body=keep_report(document),
        body_digest="0" * 64,
        body_bytes=len(body),
        resource_count=len(document["resources"]),
    )


def merge(cluster: Cluster, document: dict[str, Any]) -> Report:
    """Store and process a report; returns it as it then is."""
    stored = accept(cluster, document)
    process_waiting_reports()
    stored.refresh_from_db()
    return stored
