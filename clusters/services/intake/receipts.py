"""Making a report durable, once: the receipt is given after the commit, and again for a repetition."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import zstandard
from celery import current_app
from django.db import IntegrityError, transaction
from structlog.contextvars import bind_contextvars

from clusters.models import Cluster, Report, ReportPart, ReportStatus
from common.clock import now
from common.errors import Conflict, NotFound
from common.metrics import BROKER_ERRORS, REPORTS_ACCEPTED, REPORTS_REPEATED

from .bodies import Body
from .columns import as_column
from .days import ACCEPTED, count_outcome
from .keeping import head_of, keep_head
from .parts import keep_part, make_report, parts_of
from .reading import read_report
from .sending import Sent, columns_of
from .validation import ReportHead

logger = logging.getLogger(__name__)

PROCESS_TASK = "compliance.process_reports"
ZSTD_LEVEL = 3


INCOMPLETE = "incomplete"
MAX_MISSING = 100


@dataclass(frozen=True)
class Receipt:
    """What the sender is told of a report: `error` is '' unless it was parked.

    `wanted`: '' for nothing, `snapshot` where something was missed, `resources` in full for those in `unknown`.
    Of a snapshot that lacks parts there is no `id` yet; `missing` names up to 100 numbers once it is closed.
    """

    id: UUID | None
    report_id: UUID
    status: str
    received_at: datetime
    scanned_at: datetime
    processed_at: datetime | None = None
    error: str = ""
    opened_count: int = 0
    resolved_count: int = 0
    clock_skew_seconds: float | None = None
    part_count: int = 1
    missing: Sequence[int] = ()
    known_count: int = 0
    unknown_count: int = 0
    unknown: Sequence[Sequence[str]] = ()
    wanted: str = ""

    @classmethod
    def of(cls, report: Report) -> "Receipt":
        """One query more, for what is wanted."""
        given = {name: getattr(report, name) for name in cls.__dataclass_fields__ if name not in ("missing", "wanted")}
        return cls(**given, wanted=_wanted(report))

    @classmethod
    def of_parts(cls, parts: Sequence[ReportPart]) -> "Receipt":
        """For a snapshot of which parts are still to come."""
        numbers = {part.number for part in parts}
        closing = next((part.closing for part in parts if part.closing), None)
        missing = [] if closing is None else [n for n in range(1, closing["parts"] + 1) if n not in numbers]
        return cls(
            id=None,
            report_id=parts[0].report_id,
            status=INCOMPLETE,
            received_at=max(part.received_at for part in parts),
            scanned_at=datetime.fromisoformat(parts[0].head["scanned_at"]),
            part_count=len(parts),
            missing=missing[:MAX_MISSING],
            known_count=sum(part.known_count for part in parts),
        )


def _wanted(report: Report) -> str:
    wanted_at = Cluster.objects.values_list("snapshot_wanted_at", flat=True).get(pk=report.cluster_id)
    if wanted_at is not None:
        newer = Report.objects.filter(cluster_id=report.cluster_id, source="", scanned_at__gt=wanted_at)
        if not newer.filter(kind="snapshot", status=ReportStatus.ACCEPTED).exists():
            return "snapshot"
    return "resources" if report.unknown_count else ""


def accept_report(*, cluster_id: UUID, body: Body, clock_skew: float | None = None) -> Receipt:
    """Commit a report of the cluster and have it processed. The same body again gets the first receipt.

    `clock_skew`: seconds by which the sender's clock is ahead of ours, if that is known.
    Must not run inside a transaction: when this returns, the report is durable. Raises PlumblineError (400),
    TooLarge, Unprocessable (422), and Conflict when the id was used for another body.
    """
    report = read_report(body)
    sent = Sent(cluster_id, report.head, now(), report.digest, report.size, clock_skew)
    bind_contextvars(report_id=str(report.head.report_id))
    if report.head.part_number is not None:
        return _accept_part(sent, head_of(report.document), report.lines)
    return _commit(sent, lambda: [keep_head(report.document), *report.lines])


def commit_report(
    *, cluster_id: UUID, head: ReportHead, body: bytes, digest: str, clock_skew: float | None = None, source: str = ""
) -> Receipt:
    """Commit a body that was judged, and have it processed. `digest` is that of what was sent, from which the body
    may have been made; `source` is the other engine whose results it holds.
    """
    bind_contextvars(report_id=str(head.report_id))
    sent = Sent(cluster_id, head, now(), digest, len(body), clock_skew, source)
    return _commit(sent, lambda: [zstandard.compress(body, ZSTD_LEVEL)])


def _commit(sent: Sent, keep: Callable[[], list[bytes]]) -> Receipt:
    known = _find(sent.cluster_id, sent.head.report_id)
    stored = _store(sent, keep()) if known is None else None
    known = known or stored or _find(sent.cluster_id, sent.head.report_id)
    if known is None:
        raise NotFound("The cluster was deleted while its report came in.")
    if known.body_digest != sent.digest:
        raise Conflict(
            "Another report was sent under this id. Give every report an id of its own.",
            code="report_id_reused",
            fields={"id": "Used before, for a different report."},
        )
    if stored is None:
        REPORTS_REPEATED.inc()
    else:
        _announce(stored)
    return Receipt.of(known)


def _accept_part(sent: Sent, head: dict[str, Any], lines: list[bytes]) -> Receipt:
    """Commit a part; the last one that comes in makes the report. Again, it gets the receipt as it is by then."""
    report = _find(sent.cluster_id, sent.head.report_id)
    if report is not None and report.part_count == 1:
        raise Conflict(
            "A report was sent whole under this id. Give every report an id of its own.",
            code="report_id_reused",
            fields={"id": "Used before, for a report that came whole."},
        )
    made = None
    try:
        with transaction.atomic(durable=True):
            _touch_cluster(sent)
            if keep_part(sent, head, lines, is_settled=report is not None):
                made = make_report(sent)
                if made is not None:
                    count_outcome(cluster_id=sent.cluster_id, outcome=ACCEPTED)
    except IntegrityError:
        raise NotFound("The cluster was deleted while its report came in.") from None
    if made is not None:
        _announce(made)
    return receipt_of(cluster_id=sent.cluster_id, report_id=sent.head.report_id)


def receipt_of(*, cluster_id: UUID, report_id: UUID) -> Receipt:
    """The receipt of a report that the cluster has sent, or of the parts that are in. Raises NotFound."""
    report = _find(cluster_id, report_id)
    if report is not None:
        return Receipt.of(report)
    parts = list(parts_of(cluster_id, report_id))
    if not parts:
        raise NotFound("This cluster has sent no report of that id.")
    return Receipt.of_parts(parts)


def _find(cluster_id: UUID, report_id: UUID) -> Report | None:
    return Report.objects.filter(cluster_id=cluster_id, report_id=report_id).defer("body").first()


def _store(sent: Sent, kept: list[bytes]) -> Report | None:
    """Insert; None when another request did so for the same report a moment ago, or the cluster is gone.

    The cluster comes first and its queue after it, by the trigger: in that order merging locks them, too.
    """
    try:
        with transaction.atomic(durable=True):
            _touch_cluster(sent)
            report = Report.objects.create(**columns_of(sent), body=as_column(kept))
            count_outcome(cluster_id=sent.cluster_id, outcome=ACCEPTED)
    except IntegrityError:
        return None
    return report


def _touch_cluster(sent: Sent) -> None:
    """From here on, other reports of the cluster wait for this transaction to end."""
    Cluster.objects.filter(pk=sent.cluster_id).update(
        last_received_at=sent.received_at, clock_skew_seconds=sent.clock_skew
    )


def _announce(report: Report) -> None:
    """Once it is committed: count it, log it, wake a worker."""
    REPORTS_ACCEPTED.labels(report.kind).inc()
    logger.info(
        "Report accepted.",
        extra={
            "kind": report.kind,
            "bytes": report.body_bytes,
            "resource_count": report.resource_count,
            "result_count": report.result_count,
        },
    )
    request_processing()


def request_processing() -> None:
    """Wake a worker: reports are waiting. A broker that is down is logged, for the sweeper asks again.

    By the task's name, for the task belongs to a layer above this one.
    """
    try:
        current_app.send_task(PROCESS_TASK, retry=False, ignore_result=True)
    except Exception:
        # Whatever the broker's client raises, the report is committed and must be acknowledged.
        BROKER_ERRORS.inc()
        logger.warning("The broker took no task; the sweeper will ask again.", exc_info=True)
