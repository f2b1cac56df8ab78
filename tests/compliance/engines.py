"""Results of other engines as a test's story needs them."""

from typing import Any

import orjson

from clusters.models import Cluster, Report
from compliance.services.engines.reports import accept_results
from compliance.services.turns import process_waiting_reports

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "shop"}


def result(policy: str = "require-labels", status: str = "fail", **more: Any) -> dict[str, Any]:
    return {"policy": policy, "rule": "labels", "result": status, "message": f"{policy}: {status}", **more}


def polr(*results: dict[str, Any], source: str = "kyverno", scope: Any = DEPLOYMENT, **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "wgpolicyk8s.io/v1alpha2",
        "kind": "PolicyReport",
        "metadata": {"name": "report", "namespace": "shop"},
        "scope": scope,
        "results": [{"source": source, **row} for row in results],
        **more,
    }


def constraint(*names: str, total: int | None = None) -> dict[str, Any]:
    violations = [{**DEPLOYMENT, "group": "apps", "version": "v1", "name": name, "message": "bad"} for name in names]
    return {
        "apiVersion": "constraints.gatekeeper.sh/v1beta1",
        "kind": "K8sRequiredLabels",
        "metadata": {"name": "owner"},
        "status": {
            "auditTimestamp": "2026-03-03T08:00:00Z",
            "totalViolations": len(names) if total is None else total,
            "violations": violations,
        },
    }


def send(cluster: Cluster, *documents: dict[str, Any], **more: Any) -> list[Report]:
    """Accept and process documents; the reports as they then are."""
    body = orjson.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
    outcome = accept_results(cluster_id=cluster.pk, body=body, **more)
    process_waiting_reports()
    return [Report.objects.get(report_id=receipt.report_id) for _, receipt in outcome.receipts]
