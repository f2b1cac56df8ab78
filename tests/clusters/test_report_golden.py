"""What the client is known to build is what this server takes, and its receipts hold what the client reads."""

import pytest

from clusters.models import Report
from compliance.models import Violation
from compliance.services.turns import process_waiting_reports
from compliance.services.verification import verify_posture
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import Sender
from tests.golden import golden_reports, read

RECEIPT = {
    "id", "report_id", "status", "received_at", "scanned_at", "processed_at", "opened_count", "resolved_count", "error",
    "clock_skew_seconds", "part_count", "missing", "known_count", "unknown_count", "unknown", "wanted", "links",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(golden_reports()))
def test_server_takes_the_golden_report(agent: Sender, name: str) -> None:
    answer = agent.post(read(name))
    assert (answer.status_code, answer.json().keys()) == (202, RECEIPT)
    assert agent.status(read(name)["id"]).json().keys() == RECEIPT


def test_golden_session_is_merged_to_the_last(agent: Sender, acme: Organization) -> None:
    wanted = [agent.post(read(name)).json()["wanted"] for name in ("snapshot", "part-2", "part-1", "delta", "known")]
    assert wanted == [""] * 5
    with organization_scope(acme.pk):
        process_waiting_reports()
        assert set(Report.objects.values_list("status", flat=True)) == {"processed"}
        names = Violation.objects.order_by("resource__name", "id").values_list("resource__name", "status", "exception")
        assert list(names) == [("import", "resolved", ""), ("web", "open", ""), ("worker", "open", "")]
        assert Report.objects.get(sequence=4).unknown_count == 0
        assert verify_posture() == []
