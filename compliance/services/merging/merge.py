"""One report, one transaction: resources, violations and their intervals, rollups, the cluster, the
report.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import zstandard
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Greatest

from clusters.models import Cluster, Report, ReportStatus, Resource
from clusters.services.intake.documents import collector_paused
from clusters.services.intake.keeping import KeptReport
from clusters.services.raw_reports import keep_raw_report
from common.clock import now
from compliance.models import Policy
from compliance.services.ownership import Ownership, hold_ownership

from .contexts import MergeContext
from .engine_reports import document_of, merge_results
from .resources import count_open_violations, merge_resources
from .rollups import apply_counts, has_day, write_day
from .staging import Staged, is_complete, stage
from .standings import Standing
from .violations import Flow, merge_violations


class UnmergeableReport(ValueError):
    """The report cannot be merged, now or later; the text tells its owner why."""


@dataclass(frozen=True)
class MergeOutcome:
    """What became of a report: superseded, or processed with what it changed."""

    status: ReportStatus
    changed_count: int = 0
    gone_count: int = 0
    opened_count: int = 0
    resolved_count: int = 0
    unknown_count: int = 0
    unknown: list[list[str]] = field(default_factory=list)


def merge_report(report: Report) -> MergeOutcome:
    """Merge an accepted report. The caller holds the cluster's lock and is in the organization's scope.

    A report that is not newer than the last merged one of its source is superseded: it changes nothing. Raises
    UnmergeableReport; then, as with any error, nothing of it is left in the database.
    """
    with collector_paused(), transaction.atomic():
        standing = Standing.load(Cluster.objects.get(pk=report.cluster_id), report.source)
        if standing.has_seen(report.scanned_at):
            outcome = MergeOutcome(ReportStatus.SUPERSEDED)
            if report.kind == "delta" and not report.source:
                want_snapshot(report)
        elif report.source:
            outcome = _merge_results(report, standing)
        else:
            outcome = _merge(report, standing)
        keep_raw_report(report_id=report.pk)
        Report.objects.filter(pk=report.pk).update(
            status=outcome.status,
            opened_count=outcome.opened_count,
            resolved_count=outcome.resolved_count,
            unknown_count=outcome.unknown_count,
            unknown=outcome.unknown,
            body=None,
            error="",
            processed_at=now(),
        )
    return outcome


def want_snapshot(report: Report) -> None:
    """What this report said of the cluster is not taken in, so only a newer and complete one makes up for it."""
    missed = Greatest("snapshot_wanted_at", Value(report.scanned_at))
    Cluster.objects.filter(pk=report.cluster_id).update(snapshot_wanted_at=missed)


def _merge_results(report: Report, standing: Standing) -> MergeOutcome:
    document = document_of(report)
    changed_count, gone_count, flow = merge_results(report, document, _policies(document["policies"]), standing)
    return MergeOutcome(ReportStatus.PROCESSED, changed_count, gone_count, flow.opened_count, flow.resolved_count)


def _merge(report: Report, standing: Standing) -> MergeOutcome:
    cluster, kept = standing.cluster, KeptReport(report.pk)
    with connection.cursor() as cursor:
        hold_ownership(cursor, exclusively=False)
    context = MergeContext(
        organization_id=report.organization_id,
        cluster_id=report.cluster_id,
        scanned_at=standing.instant_of(report.scanned_at),
        policies=_policies(kept.head["policies"]),
        ownership=Ownership.load(),
    )
    staged = stage(kept, context)
    unreported = _unreported(kept.head, staged, standing.own_unreported_count) + standing.missing_count
    is_changed = bool(staged.changed_count or staged.gone_count)
    with connection.cursor() as cursor:
        parameters = context.parameters
        flow = _merge_staged(cursor, parameters) if is_changed else Flow(0, 0)
        resource_count = Resource.objects.filter(cluster=cluster, deleted_at=None).count()
        is_same_day = unreported == cluster.unreported_resource_count and has_day(cursor, parameters)
        if is_changed or not is_same_day:
            write_day(cursor, parameters, unreported_count=unreported, resource_count=resource_count)
    Cluster.objects.filter(pk=cluster.pk).update(
        first_scanned_at=cluster.first_scanned_at or report.scanned_at,
        last_scanned_at=report.scanned_at,
        agent_name=kept.head["agent"]["name"][:64],
        agent_version=kept.head["agent"]["version"][:64],
        resource_count=resource_count,
        unreported_resource_count=unreported,
        unreadable_resource_count=min(unreported, _unreadable(kept.head, cluster)),
        snapshot_wanted_at=_still_wanted(report, kept.head, cluster, staged),
    )
    return MergeOutcome(
        ReportStatus.PROCESSED,
        staged.changed_count,
        staged.gone_count,
        flow.opened_count,
        flow.resolved_count,
        staged.unknown_count,
        staged.unknown,
    )


def _still_wanted(report: Report, head: dict[str, Any], cluster: Cluster, staged: Staged) -> datetime | None:
    """Until when the cluster is known in part only. A complete snapshot ends it, unless it spoke of what we lack."""
    if staged.unknown_count > len(staged.unknown):
        return report.scanned_at
    wanted = cluster.snapshot_wanted_at
    return None if wanted is None or (is_complete(head) and report.scanned_at >= wanted) else wanted


def _merge_staged(cursor: Any, parameters: dict[str, Any]) -> Flow:
    merge_resources(cursor, parameters)
    flow = merge_violations(cursor, parameters)
    count_open_violations(cursor, parameters)
    apply_counts(cursor, parameters)
    return flow


def _document(report: Report) -> dict[str, Any]:
    body = Report.objects.values_list("body", flat=True).get(pk=report.pk)
    if body is None:
        raise UnmergeableReport("The report's body is gone: it was processed before.")
    document: dict[str, Any] = orjson.loads(zstandard.decompress(bytes(body)))
    return document


def _policies(slugs: list[str]) -> list[tuple[int, int]]:
    """(id, severity) of each policy, in the report's order."""
    found = Policy.objects.filter(slug__in=slugs).in_order_of_precedence()
    known = {slug: (pk, severity) for slug, pk, severity in found.values_list("slug", "pk", "severity")}
    if missing := sorted(set(slugs) - set(known)):
        raise UnmergeableReport(
            f"The database lacks policies of the library ({', '.join(missing[:10])}): "
            "run manage.py sync_library, then retry the report."
        )
    return [known[slug] for slug in slugs]


def _unreadable(head: dict[str, Any], cluster: Cluster) -> int:
    """Those of the unreported that the sender could not read; of a delta, see _unreported."""
    unreadable = len(head.get("unreadable") or ())
    return max(unreadable, cluster.unreadable_resource_count) if head["kind"] == "delta" else unreadable


def _unreported(head: dict[str, Any], staged: Staged, earlier: int) -> int:
    """Resources that exist, by the report's own account, and are not in it: cut off, unreadable, or named by a
    digest that is not ours.

    A delta knows only of its own part: it can add to what the last snapshot left out, never take from it.
    """
    truncated = head.get("truncated")
    cut_off = max(0, truncated["resources_total"] - staged.listed_count) if truncated else 0
    missing = cut_off + len(head.get("unreadable") or ()) + staged.unknown_count
    return max(missing, earlier) if head["kind"] == "delta" else missing
