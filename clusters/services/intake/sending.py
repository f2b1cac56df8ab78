"""A report, or a part of one, on its way in: what was sent, when, and the row that it becomes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from common.tracing import current_traceparent
from organizations.scope import current_organization_id

from .instants import by_our_clock, measured_skew
from .sessions import take_number
from .validation import ReportHead

_MOST_BYTES = 2**31 - 1


@dataclass(frozen=True)
class Sent:
    """`digest` and `size` are those of the body as it was sent, expanded; `clock_skew` is what its `Date` says."""

    cluster_id: UUID
    head: ReportHead
    received_at: datetime
    digest: str
    size: int
    clock_skew: float | None = None
    source: str = ""


def columns_of(sent: Sent) -> dict[str, Any]:
    """The columns of its Report, all but the body; takes its number in the session, within the transaction that
    stores it.
    """
    head = sent.head
    times = {"scanned_at": head.scanned_at, "received_at": sent.received_at, "skew": sent.clock_skew}
    scanned_at = take_number(
        cluster_id=sent.cluster_id, head=head, scanned_at=by_our_clock(**times), received_at=sent.received_at
    )
    return {
        "organization_id": current_organization_id(),
        "cluster_id": sent.cluster_id,
        "report_id": head.report_id,
        "kind": head.kind,
        "source": sent.source,
        "scanned_at": scanned_at,
        "received_at": sent.received_at,
        "clock_skew_seconds": measured_skew(**times),
        "session_id": head.session_id,
        "sequence": head.sequence,
        "policy_set": head.policy_set,
        "body_digest": sent.digest,
        "body_bytes": min(sent.size, _MOST_BYTES),
        "resource_count": head.resource_count,
        "known_count": head.known_count,
        "result_count": head.result_count,
        "trace_parent": current_traceparent(),
    }
