"""From accepted to settled: in order, one worker to a cluster, parked when it cannot be, swept up when
forgotten.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
import zstandard
from celery import current_app
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections
from kombu import pools

from clusters.models import Cluster, Report, ReportQueue
from clusters.services.intake.receipts import request_processing
from common.clock import now
from common.errors import Conflict, NotFound
from common.ids import uuid7
from compliance.models import Severity, Violation
from compliance.services import processing
from compliance.services.locks import cluster_lock
from compliance.services.processing import MAX_ATTEMPTS
from compliance.services.retries import retry_report
from compliance.services.turns import overdue_cluster_count, process_waiting_reports
from compliance.services.verification import verify_posture
from compliance.tasks import process_reports, sweep_reports
from deploy.local.home import CHECKOUT
from organizations.models import AuditEvent, Organization, User
from organizations.scope import organization_scope, shared_scope
from tests.compliance.reports import accept, at, merge, report, resource, violation
from tests.factories import make_cluster, make_policy

QUEUE = "celery"


@pytest.fixture
def queue(servers: Any) -> Iterator[Any]:
    """The broker's queue in the real Redis, empty at first."""
    with current_app.connection_for_write() as broker:
        client = broker.default_channel.client
        client.delete(QUEUE)
        yield client
        client.delete(QUEUE)


def statuses() -> list[str]:
    return list(Report.objects.order_by("scanned_at").values_list("status", flat=True))


def test_waiting_reports_are_merged_in_the_order_of_their_scans(cluster: Cluster) -> None:
    accept(cluster, report(resource(), scanned_at=at(10)))
    accept(cluster, report(resource(violations=[violation()]), scanned_at=at(5)))
    assert process_waiting_reports() == 2
    assert statuses() == ["processed", "processed"]
    found = Violation.objects.get()
    assert (found.opened_at, found.resolved_at) == (at(5), at(10))


def test_processed_body_is_dropped(cluster: Cluster) -> None:
    assert merge(cluster, report(scanned_at=at(0))).body is None


def test_unmergeable_report_is_parked_with_its_error_and_the_next_goes_on(cluster: Cluster) -> None:
    broken = accept(cluster, report(scanned_at=at(0)))
    Report.objects.filter(pk=broken.pk).update(body=b"not zstd")
    accept(cluster, report(resource(), scanned_at=at(5)))
    process_waiting_reports()
    broken.refresh_from_db()
    assert statuses() == ["parked", "processed"]
    assert "ZstdError" in broken.error
    assert broken.body is not None


def test_report_of_a_policy_that_the_database_lacks_says_what_to_do(cluster: Cluster) -> None:
    stored = merge(cluster, report(scanned_at=at(0), policies=["seccomp"]))
    assert stored.status == "parked"
    assert "sync_library" in stored.error


def test_report_that_keeps_killing_its_worker_is_parked(cluster: Cluster) -> None:
    deadly = accept(cluster, report(scanned_at=at(0)))
    Report.objects.filter(pk=deadly.pk).update(attempt_count=MAX_ATTEMPTS)
    accept(cluster, report(scanned_at=at(5)))
    process_waiting_reports()
    deadly.refresh_from_db()
    assert statuses() == ["parked", "processed"]
    assert "ended 5 times" in deadly.error


def broken_off() -> DatabaseError:
    """As psycopg2 says it of a connection that ends in mid-answer: without an SQLSTATE."""
    error = DatabaseError("server closed the connection unexpectedly")
    error.__cause__ = psycopg2.DatabaseError()
    return error


@pytest.mark.parametrize("error", [OperationalError(), InterfaceError(), MemoryError(), broken_off()], ids=repr)
def test_report_is_not_to_blame_when_the_database_or_the_machine_gives_out(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    accept(cluster, report(resource(), scanned_at=at(0)))

    def fail(_: Report) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(processing, "merge_report", fail)
        with pytest.raises(type(error)):
            process_waiting_reports()
    assert statuses() == ["accepted"]
    assert process_waiting_reports() == 1
    assert statuses() == ["processed"]


def test_retried_report_is_merged_and_the_deed_is_recorded(cluster: Cluster, sam: User) -> None:
    unknown = report(resource(passed=[], violations=[violation()]), scanned_at=at(0), policies=["seccomp"])
    stored = merge(cluster, unknown)
    make_policy("seccomp", Severity.HIGH)
    retry_report(report_id=stored.pk, actor=sam)
    process_waiting_reports()
    stored.refresh_from_db()
    assert (stored.status, stored.error, stored.attempt_count) == ("processed", "", 1)
    assert AuditEvent.objects.filter(verb="report.retried", actor=sam).count() == 1


def test_only_parked_reports_can_be_retried(cluster: Cluster, sam: User) -> None:
    stored = merge(cluster, report(scanned_at=at(0)))
    with pytest.raises(Conflict):
        retry_report(report_id=stored.pk, actor=sam)
    with pytest.raises(NotFound):
        retry_report(report_id=uuid7(), actor=sam)


def test_used_up_budget_asks_for_another_turn(cluster: Cluster, queue: Any) -> None:
    for minute in range(3):
        accept(cluster, report(scanned_at=at(minute)))
    assert process_waiting_reports(budget_seconds=0) == 1
    assert queue.llen(QUEUE) == 1
    assert Report.objects.filter(status="accepted").count() == 2


def test_only_clusters_that_wait_too_long_are_overdue(cluster: Cluster, queue: Any) -> None:
    accept(cluster, report(scanned_at=at(0)))
    assert overdue_cluster_count() == 0
    ReportQueue.objects.update(waiting_since=now() - timedelta(seconds=31))
    assert overdue_cluster_count() == 1


def test_sweeper_visits_every_organization(cluster: Cluster, globex: Organization, queue: Any) -> None:
    with organization_scope(globex.pk):
        accept(make_cluster("warehouse"), report(scanned_at=at(0)))
        ReportQueue.objects.update(waiting_since=now() - timedelta(hours=1))
    accept(cluster, report(scanned_at=at(0)))
    ReportQueue.objects.update(waiting_since=now() - timedelta(hours=1))
    sweep_reports.run()
    assert queue.llen(QUEUE) == 2


def test_task_finds_the_scope_by_itself(cluster: Cluster) -> None:
    accept(cluster, report(scanned_at=at(0)))
    with shared_scope():
        process_reports.run()
    assert statuses() == ["processed"]


def forget_broker_connections() -> None:
    """The pools are keyed by broker and cached in three places; a closed one must not be met by a later test."""
    pools.reset()
    current_app._pool = None
    current_app.amqp._producer_pool = None


def test_broker_that_is_down_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    earlier = current_app.conf.broker_url
    current_app.conf.broker_url = "redis://127.0.0.1:1/0"
    forget_broker_connections()
    try:
        request_processing()
    finally:
        current_app.conf.broker_url = earlier
        forget_broker_connections()
    assert "The broker took no task" in caplog.text


KILLED_IN_MID_MERGE = """
import os, signal
import django
django.setup()
from compliance.services import turns
from compliance.services.merging import merge

merge.apply_counts = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
turns.process_waiting_reports()
"""


def wait_for_the_lock_of(cluster: Cluster) -> None:
    """PostgreSQL lets go of a dead client's locks as soon as it has noticed."""
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at:
        with cluster_lock(cluster.pk) as is_ours:
            if is_ours:
                return
        time.sleep(0.05)


@pytest.mark.django_db(transaction=True)
def test_kill_in_the_middle_of_a_merge_leaves_nothing_half_applied(cluster: Cluster) -> None:
    stored = accept(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    command = [sys.executable, "-c", KILLED_IN_MID_MERGE]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    killed = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    stored.refresh_from_db()
    assert (stored.status, stored.attempt_count, Violation.objects.count()) == ("accepted", 1, 0)
    wait_for_the_lock_of(cluster)
    process_waiting_reports()
    assert (statuses(), Violation.objects.count(), verify_posture()) == (["processed"], 1, [])


@pytest.mark.django_db(transaction=True)
def test_second_worker_leaves_a_cluster_that_is_being_merged_alone(cluster: Cluster) -> None:
    accept(cluster, report(scanned_at=at(0)))
    settled: list[int] = []

    def work() -> None:
        settled.append(process_waiting_reports())
        connections.close_all()

    with cluster_lock(cluster.pk) as is_ours:
        other = threading.Thread(target=work)
        other.start()
        other.join()
    assert (is_ours, settled, statuses()) == (True, [0], ["accepted"])


@pytest.mark.django_db(transaction=True)
def test_merge_that_fails_late_is_rolled_back_whole(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    late = accept(cluster, report(resource(), scanned_at=at(5)))
    with connection.cursor() as cursor:
        # Valid by schema, yet beyond what a counter of the rollup can hold.
        cursor.execute(
            "UPDATE compliance_postureday SET resolved_count = 2147483647 WHERE namespace = 'shop'"
        )
    process_waiting_reports()
    late.refresh_from_db()
    assert late.status == "parked"
    assert Violation.objects.get().status == "open"
    assert zstandard.decompress(bytes(late.body))
