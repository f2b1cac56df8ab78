"""Runs of agents that number their reports: a gap is seen, a number is used once, times never run backwards."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Value
from django.db.models.functions import Greatest

from clusters.models import AgentSession, Cluster, Report
from common.errors import Conflict
from organizations.scope import current_organization_id

from .validation import ReportHead

_TICK = timedelta(microseconds=1)


def take_number(*, cluster_id: UUID, head: ReportHead, scanned_at: datetime, received_at: datetime) -> datetime:
    """Note the report's number in its session; returns the time to order it by.

    Within the transaction that stores the report, and with the cluster's row locked. Where numbers were missed, a
    complete snapshot is asked for, unless this is one. Raises Conflict (sequence_reused).
    """
    if head.session_id is None or head.sequence is None:
        return scanned_at
    # The same report a moment ago is no other one: it is found out where it is stored, and gets its first receipt.
    numbered = Report.objects.filter(cluster_id=cluster_id, session_id=head.session_id).exclude(
        report_id=head.report_id
    )
    if numbered.filter(sequence=head.sequence).exists():
        raise Conflict(
            f"This session has sent another report as number {head.sequence}. Give each report a number of its own.",
            code="sequence_reused",
            fields={"session.sequence": "Used before, for a report of another id."},
        )
    session = AgentSession.objects.filter(cluster_id=cluster_id, session_id=head.session_id).first()
    if session is None:
        is_next, missed = True, head.sequence > 1 or head.kind == "delta"
        session = AgentSession(
            organization_id=current_organization_id(),
            cluster_id=cluster_id,
            session_id=head.session_id,
            last_sequence=0,
            last_scanned_at=scanned_at - _TICK,
            started_at=received_at,
        )
    else:
        is_next, missed = head.sequence > session.last_sequence, head.sequence > session.last_sequence + 1
    if is_next:
        # The number tells the order where a clock was set back, or stood still.
        scanned_at = max(scanned_at, session.last_scanned_at + _TICK)
        session.last_sequence = head.sequence
    session.last_scanned_at = max(session.last_scanned_at, scanned_at)
    session.last_at = received_at
    session.save()
    if missed and not head.is_complete:
        wanted = Greatest("snapshot_wanted_at", Value(scanned_at))
        Cluster.objects.filter(pk=cluster_id).update(snapshot_wanted_at=wanted)
    return scanned_at
