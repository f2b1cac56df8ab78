"""What whoever runs the service types: whose queue is long, and another try for what is parked."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from clusters.models import Cluster, Report
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope, shared_scope
from tests.compliance.reports import accept, at, report
from tests.factories import make_cluster


def run(*arguments: str) -> str:
    output = StringIO()
    with shared_scope():
        call_command(*arguments, stdout=output)
    return output.getvalue()


def test_empty_queues_are_said_to_be_empty(db: None) -> None:
    assert run("show_queues") == "No report waits and none is parked.\n"


def test_queues_of_all_organizations_are_listed_the_longest_first(cluster: Cluster, globex: Organization) -> None:
    with organization_scope(globex.pk):
        warehouse = make_cluster("warehouse")
        for minute in range(3):
            accept(warehouse, report(scanned_at=at(minute)))
    accept(cluster, report(scanned_at=at(0)))
    lines = run("show_queues").splitlines()
    assert [line.split()[0] for line in lines] == ["waiting", "3", "1"]
    assert f"globex/warehouse ({warehouse.pk})" in lines[1]
    assert len(run("show_queues", "--most", "1").splitlines()) == 2


def park_all() -> None:
    for parked in Report.objects.all():
        Report.objects.filter(pk=parked.pk).update(status="parked", error="x")


@pytest.fixture
def parked(cluster: Cluster, servers: Any) -> None:
    accept(cluster, report(scanned_at=at(0)))
    accept(make_cluster("other"), report(scanned_at=at(0)))
    park_all()


def test_all_parked_reports_of_an_organization_are_tried_again(parked: None) -> None:
    assert run("retry_reports", "--organization", "acme") == "2 reports of acme to be tried again.\n"
    assert set(Report.objects.values_list("status", flat=True)) == {"accepted"}
    assert AuditEvent.objects.filter(verb="report.retried", actor_label="Plumbline").count() == 2


def test_those_of_one_cluster_alone(parked: None) -> None:
    assert "1 report of acme" in run("retry_reports", "--organization", "acme", "--cluster", "other")
    assert Report.objects.filter(status="parked").get().cluster.name == "production"


def test_an_organization_that_is_none_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="no organization “nowhere”"):
        run("retry_reports", "--organization", "nowhere")
