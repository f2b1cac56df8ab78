"""Snapshots that come in parts: kept apart until the last one is in, then made one report in the same transaction.

Until then nothing of them is merged, so nothing of a snapshot that is never closed is ever seen, and nothing is
resolved by it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db.models import Count, Func, IntegerField, QuerySet, Sum
from django.db.models.expressions import RawSQL

from clusters.models import Report, ReportPart
from common.clock import now
from common.errors import Conflict, TooManyRequests, Unprocessable
from organizations.scope import current_organization_id

from .columns import as_column
from .keeping import pack_head
from .sending import Sent, columns_of

KEPT_FOR = timedelta(hours=24)
MOST_PARTS = 10_000
_SHARED = ("schema", "kind", "scanned_at", "agent", "policies", "policy_set", "session")

_BODIES = """(
    SELECT %s::bytea || string_agg(body, ''::bytea ORDER BY number) FROM clusters_reportpart
    WHERE organization_id = %s AND cluster_id = %s AND report_id = %s
)"""


def parts_of(cluster_id: UUID, report_id: UUID) -> QuerySet[ReportPart]:
    """The parts that are in, by number, without their bodies."""
    found = ReportPart.objects.filter(cluster_id=cluster_id, report_id=report_id)
    return found.defer("body").order_by("number")


def keep_part(sent: Sent, head: dict[str, Any], lines: list[bytes], *, is_settled: bool) -> bool:
    """Store a part; False when it came before. The cluster's row is locked, so parts come one at a time.

    `is_settled`: the report was made, so this is a repetition, whether or not it can still be told. Raises
    Conflict (part_reused), Unprocessable (part_disagrees), TooManyRequests (backlog_of_parts).
    """
    number = sent.head.part_number
    known = ReportPart.objects.filter(cluster_id=sent.cluster_id, report_id=sent.head.report_id, number=number)
    earlier = known.values_list("body_digest", flat=True).first()
    if earlier is not None and earlier != sent.digest:
        raise Conflict(
            f"Another part {number} of this report was sent before.",
            code="part_reused",
            fields={"part.number": "Used before, for a different part."},
        )
    if earlier is not None or is_settled:
        return False
    shared = _shared_digest(head)
    other = parts_of(sent.cluster_id, sent.head.report_id).first()
    if other is not None and other.head_digest != shared:
        raise _disagrees(f"Differs from part {other.number} in one of: {', '.join(_SHARED)}.")
    _refuse_too_much(sent.cluster_id, sum(map(len, lines)))
    ReportPart.objects.create(
        organization_id=current_organization_id(),
        cluster_id=sent.cluster_id,
        report_id=sent.head.report_id,
        number=number,
        closing=sent.head.closing,
        head=head,
        head_digest=shared,
        received_at=sent.received_at,
        body=as_column(lines),
        body_digest=sent.digest,
        body_bytes=sent.size,
        resource_count=sent.head.resource_count,
        known_count=sent.head.known_count,
        result_count=sent.head.result_count,
    )
    return True


def make_report(sent: Sent) -> Report | None:
    """The report of all parts, once they are in; None before. Raises Unprocessable (part_disagrees) when they are not
    what the closing part says: then the part that came last is not kept.
    """
    parts = list(parts_of(sent.cluster_id, sent.head.report_id))
    closers = [part for part in parts if part.closing]
    if not closers:
        return None
    _require_agreement(parts, closers)
    closing = closers[0]
    if len(parts) < closing.closing["parts"]:
        return None
    whole = replace(
        sent.head,
        is_complete=not closing.head["truncated"] and not closing.head["unreadable"],
        resource_count=sum(part.resource_count for part in parts),
        known_count=sum(part.known_count for part in parts),
        result_count=sum(part.result_count for part in parts),
    )
    size, digest = sum(part.body_bytes for part in parts), _digest_of(parts)
    columns = columns_of(replace(sent, head=whole, size=size, digest=digest))
    of_report = [current_organization_id(), sent.cluster_id, sent.head.report_id]
    body = RawSQL(_BODIES, [pack_head(closing.head), *of_report])  # noqa: S611 - a constant, with parameters
    report = Report.objects.create(**columns, part_count=len(parts), body=body)
    # Their numbers and digests are kept for a while, so that a part that comes again is known.
    ReportPart.objects.filter(cluster_id=sent.cluster_id, report_id=sent.head.report_id).update(body=b"")
    return report


def expire_parts() -> int:
    """Drop parts, in the organization in scope, whose snapshot has had no new one for 24 hours; how many."""
    since = now() - KEPT_FOR
    stale = ReportPart.objects.filter(received_at__lt=since)
    fresh = ReportPart.objects.filter(received_at__gte=since).values("report_id")
    return int(stale.exclude(report_id__in=fresh).delete()[0])


def _require_agreement(parts: Sequence[ReportPart], closers: Sequence[ReportPart]) -> None:
    closing = closers[0].closing
    if len(closers) > 1:
        raise _disagrees("Another part closes this report.")
    if parts[-1].number > closing["parts"]:
        raise _disagrees(f"Part {parts[-1].number} is beyond the {closing['parts']} that the report closes with.")
    if len(parts) < closing["parts"]:
        return
    total = sum(part.resource_count + part.known_count for part in parts)
    if total != closing["resources"]:
        raise _disagrees(f"The parts hold {total} resources, and the closing part counts {closing['resources']}.")
    if _digest_of([part for part in parts if part is not closers[0]]) != closing["digest"]:
        raise _disagrees("The digest of the other parts' bodies is not the one that the closing part gives.")


def _digest_of(parts: Sequence[ReportPart]) -> str:
    """SHA-256 of the hexadecimal digests of their bodies, one after the other, hexadecimal."""
    return hashlib.sha256("".join(part.body_digest for part in parts).encode()).hexdigest()


def _shared_digest(head: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps([head.get(name) for name in _SHARED], option=orjson.OPT_SORT_KEYS)).hexdigest()


def _refuse_too_much(cluster_id: UUID, size: int) -> None:
    length = Func("body", function="octet_length", output_field=IntegerField())
    kept = ReportPart.objects.filter(cluster_id=cluster_id).aggregate(count=Count("id"), bytes=Sum(length))
    if kept["count"] >= MOST_PARTS or (kept["bytes"] or 0) + size > settings.REPORT_BACKLOG_PER_CLUSTER_BYTES:
        raise TooManyRequests(
            "Parts of snapshots that were never closed fill this cluster's room. They are dropped after 24 hours.",
            code="backlog_of_parts",
            retry_after=3600,
        )


def _disagrees(reason: str) -> Unprocessable:
    return Unprocessable(
        f"The parts of this report disagree. {reason}", code="part_disagrees", fields={"part": reason}
    )
