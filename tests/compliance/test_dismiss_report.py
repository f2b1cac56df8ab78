"""Giving a parked report up: who did it is written down, and what it was stays in view."""

import pytest

from clusters.models import Cluster, Report
from common.errors import Conflict, NotFound
from common.ids import uuid7
from compliance.services.dismissals import dismiss_report
from compliance.services.retries import retry_report
from organizations.models import AuditEvent, User
from tests.compliance.reports import accept, at, merge, report


def park(cluster: Cluster) -> Report:
    stored = accept(cluster, report(scanned_at=at(0)))
    Report.objects.filter(pk=stored.pk).update(status="parked", error="ZstdError: cut short")
    return stored


def test_a_dismissed_report_keeps_its_error_and_loses_its_body(cluster: Cluster, sam: User) -> None:
    dismissed = dismiss_report(report_id=park(cluster).pk, actor=sam)
    dismissed.refresh_from_db()
    assert (dismissed.status, dismissed.body, dismissed.error) == ("dismissed", None, "ZstdError: cut short")
    event = AuditEvent.objects.get(verb="report.dismissed")
    assert (event.actor, event.target) == (sam, str(dismissed.report_id))
    assert event.data["cluster"] == "production"
    assert event.data["error"] == "ZstdError: cut short"


def test_a_dismissed_report_cannot_be_tried_again(cluster: Cluster, sam: User) -> None:
    parked = park(cluster)
    dismiss_report(report_id=parked.pk, actor=sam)
    with pytest.raises(Conflict):
        retry_report(report_id=parked.pk, actor=sam)


def test_only_parked_reports_can_be_dismissed(cluster: Cluster, sam: User) -> None:
    waiting = accept(cluster, report(scanned_at=at(0)))
    with pytest.raises(Conflict, match="this one is accepted"):
        dismiss_report(report_id=waiting.pk, actor=sam)
    processed = merge(cluster, report(scanned_at=at(5)))
    with pytest.raises(Conflict):
        dismiss_report(report_id=processed.pk, actor=sam)
    with pytest.raises(NotFound):
        dismiss_report(report_id=uuid7(), actor=sam)
    assert not AuditEvent.objects.filter(verb="report.dismissed").exists()


def test_the_same_report_sent_again_after_it_was_dismissed_is_not_taken_up(cluster: Cluster, sam: User) -> None:
    """Its id stays known: the sender gets the first receipt, as it is now."""
    parked = park(cluster)
    dismiss_report(report_id=parked.pk, actor=sam)
    assert Report.objects.get(report_id=parked.report_id).status == "dismissed"
