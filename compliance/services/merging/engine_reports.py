"""A report of another engine, merged in the same transaction and by the same statements as Plumbline's own."""

from typing import Any

import orjson
import zstandard
from django.db import connection

from clusters.models import Cluster, Report, Resource
from compliance.engine_models import ResultSource
from compliance.models import Policy
from compliance.services.ownership import hold_ownership

from .engines import Policies, remember, stage_results
from .resources import count_open_violations, merge_resources
from .rollups import apply_counts, has_day, write_day
from .standings import Standing
from .violations import Flow, merge_violations


def document_of(report: Report) -> dict[str, Any]:
    """The body as it was kept. Raises ValueError when it is there no more."""
    body = Report.objects.values_list("body", flat=True).get(pk=report.pk)
    if body is None:
        raise ValueError("The report's body is gone: it was processed before.")
    document: dict[str, Any] = orjson.loads(zstandard.decompress(bytes(body)))
    return document


def merge_results(
    report: Report, document: dict[str, Any], policies: Policies, standing: Standing
) -> tuple[int, int, Flow]:
    """Resources changed, resources gone, and what opened and resolved."""
    cluster, instant = standing.cluster, standing.instant_of(report.scanned_at)
    parameters: dict[str, Any] = {
        "organization": report.organization_id,
        "cluster": cluster.pk,
        "engine": report.source,
        "scanned_at": instant,
        "day": instant.date(),
        # Which verdicts stay was settled when the results were staged.
        "evaluated": list(Policy.objects.values_list("pk", flat=True)),
    }
    truncated = document["truncated"]
    missing = truncated["resources_total"] - len(document["resources"]) if truncated else 0
    with connection.cursor() as cursor:
        hold_ownership(cursor, exclusively=False)
        changed_count, gone_count = stage_results(document, policies, parameters)
        is_changed = bool(changed_count or gone_count)
        flow = _merge_staged(cursor, parameters) if is_changed else Flow(0, 0)
        resource_count = Resource.objects.filter(cluster=cluster, deleted_at=None).count()
        unreported = standing.own_unreported_count + standing.missing_count + missing
        if is_changed or unreported != cluster.unreported_resource_count or not has_day(cursor, parameters):
            write_day(cursor, parameters, unreported_count=unreported, resource_count=resource_count)
    _record(report, document, standing, missing)
    freshness = {} if cluster.agent_name else {"last_scanned_at": instant}
    Cluster.objects.filter(pk=cluster.pk).update(
        first_scanned_at=cluster.first_scanned_at or instant,
        resource_count=resource_count,
        unreported_resource_count=unreported,
        **freshness,
    )
    return changed_count, gone_count, flow


def _merge_staged(cursor: Any, parameters: dict[str, Any]) -> Flow:
    merge_resources(cursor, parameters)
    flow = merge_violations(cursor, parameters)
    count_open_violations(cursor, parameters)
    apply_counts(cursor, parameters)
    remember(cursor, parameters)
    return flow


def _record(report: Report, document: dict[str, Any], standing: Standing, missing: int) -> None:
    ResultSource.objects.update_or_create(
        organization_id=report.organization_id,
        cluster=standing.cluster,
        engine=report.source,
        defaults={
            "title": document["engine"]["title"][:100],
            "scanned_at": report.scanned_at,
            "merged_at": standing.instant_of(report.scanned_at),
            "resource_count": len(document["resources"]),
            "missing_count": missing,
        },
    )
