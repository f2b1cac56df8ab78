"""Whose report is merged next: organizations in turn, clusters in turn, reports of a cluster in order."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from django.db import connection, connections, transaction

from clusters.models import Cluster, Report, ReportQueue, ReportStatus
from common.clock import now
from compliance.services.dismissals import dismiss_report
from compliance.services.locks import cluster_lock
from compliance.services.turns import process_waiting_reports
from organizations.models import Organization
from organizations.scope import directory_scope, organization_scope, shared_scope
from tests.compliance.reports import accept, at, report
from tests.factories import make_cluster


@pytest.fixture(autouse=True)
def no_broker(servers: object) -> None:
    """A used-up budget asks for another task: Redis has to be there."""


def take_turns(count: int) -> None:
    for _ in range(count):
        process_waiting_reports(budget_seconds=0)


def waiting(organization: Organization) -> int:
    with organization_scope(organization.pk):
        return Report.objects.filter(status="accepted").count()


def queue_of(cluster: Cluster) -> tuple[int, int, int]:
    queue = ReportQueue.objects.get(cluster=cluster)
    return queue.waiting_count, queue.waiting_bytes, queue.parked_count


def counted(cluster: Cluster) -> tuple[int, int, int]:
    """What the queue has to say, counted from the reports."""
    accepted = Report.objects.filter(cluster=cluster, status="accepted")
    parked = Report.objects.filter(cluster=cluster, status="parked")
    return accepted.count(), sum(len(one.body) for one in accepted), parked.count()


def test_a_noisy_organization_does_not_delay_another(
    cluster: Cluster, acme: Organization, globex: Organization
) -> None:
    for minute in range(50):
        accept(cluster, report(scanned_at=at(minute)))
    with organization_scope(globex.pk):
        accept(make_cluster("warehouse"), report(scanned_at=now()))
    take_turns(2)
    assert (waiting(globex), waiting(acme)) == (0, 49)


def test_many_clusters_do_not_give_an_organization_more_turns(
    cluster: Cluster, acme: Organization, globex: Organization
) -> None:
    for number in range(10):
        accept(make_cluster(f"shop-{number}"), report(scanned_at=now()))
    with organization_scope(globex.pk):
        warehouse = make_cluster("warehouse")
        Cluster.objects.update(last_scanned_at=None)
        for minute in range(3):
            accept(warehouse, report(scanned_at=at(minute)))
    take_turns(6)
    assert (waiting(globex), waiting(acme)) == (0, 7)


def test_a_newcomer_comes_before_one_that_was_served(
    cluster: Cluster, acme: Organization, globex: Organization
) -> None:
    for minute in range(3):
        accept(cluster, report(scanned_at=at(minute)))
    take_turns(2)
    with organization_scope(globex.pk):
        accept(make_cluster("warehouse"), report(scanned_at=now()))
    take_turns(1)
    assert (waiting(globex), waiting(acme)) == (0, 1)


def test_clusters_of_an_organization_take_turns_too(cluster: Cluster) -> None:
    quiet = make_cluster("quiet")
    for minute in range(5):
        accept(cluster, report(scanned_at=at(minute)))
    accept(quiet, report(scanned_at=now()))
    take_turns(2)
    assert [queue_of(one)[0] for one in (cluster, quiet)] == [4, 0]


def test_the_queue_counts_what_waits_whatever_becomes_of_it(cluster: Cluster) -> None:
    stored = [accept(cluster, report(scanned_at=at(minute))) for minute in range(4)]
    assert queue_of(cluster) == counted(cluster)
    take_turns(1)
    assert queue_of(cluster) == counted(cluster)
    Report.objects.filter(pk=stored[1].pk).update(body=b"not zstd")
    ReportQueue.objects.update(waiting_bytes=sum(len(one.body) for one in Report.objects.filter(status="accepted")))
    take_turns(1)
    assert queue_of(cluster) == counted(cluster)
    assert queue_of(cluster)[2] == 1
    dismiss_report(report_id=stored[1].pk, actor=None)
    stored[2].delete()
    assert queue_of(cluster) == counted(cluster)
    assert ReportQueue.objects.get().waiting_since == stored[3].received_at
    take_turns(1)
    assert queue_of(cluster) == (0, 0, 0)
    assert ReportQueue.objects.get().waiting_since is None


def test_a_queue_that_says_too_much_is_counted_anew(cluster: Cluster) -> None:
    accept(cluster, report(scanned_at=at(0)))
    process_waiting_reports()
    ReportQueue.objects.update(waiting_count=3, waiting_since=now())
    assert process_waiting_reports() == 0
    assert queue_of(cluster) == (0, 0, 0)


def test_the_scope_that_sees_all_queues_changes_none(cluster: Cluster) -> None:
    accept(cluster, report(scanned_at=at(0)))
    with shared_scope(), directory_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT waiting_count FROM clusters_reportqueue")
        assert cursor.fetchall() == [(1,)]
        cursor.execute("UPDATE clusters_reportqueue SET waiting_count = 0")
        assert cursor.rowcount == 0


def test_a_cluster_is_deleted_with_its_queue(cluster: Cluster) -> None:
    accept(cluster, report(scanned_at=at(0)))
    cluster.delete()
    assert ReportQueue.objects.count() == 0


@contextmanager
def held_elsewhere(cluster_id: UUID) -> Iterator[None]:
    """Another session works on the cluster for the length of the block."""
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with cluster_lock(cluster_id):
            is_held.set()
            may_end.wait(60)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait(60)
    yield
    may_end.set()
    holder.join()


@pytest.mark.django_db(transaction=True)
def test_a_cluster_in_another_workers_hands_holds_up_nobody_else(cluster: Cluster) -> None:
    other = make_cluster("other")
    accept(cluster, report(scanned_at=at(0)))
    accept(other, report(scanned_at=now()))
    with held_elsewhere(cluster.pk):
        assert process_waiting_reports() == 1
    assert [queue_of(one)[0] for one in (cluster, other)] == [1, 0]


@pytest.mark.django_db(transaction=True)
def test_reports_that_come_in_while_others_are_settled_are_all_counted(cluster: Cluster) -> None:
    """Two writers of one queue at once: neither's count is lost, and neither waits for the other for good."""

    def send() -> None:
        with organization_scope(cluster.organization_id):
            for minute in range(20):
                with transaction.atomic():
                    Cluster.objects.filter(pk=cluster.pk).update(last_received_at=now())
                    accept(cluster, report(scanned_at=at(minute)))
        connections.close_all()

    sender = threading.Thread(target=send)
    sender.start()
    while sender.is_alive():
        process_waiting_reports()
    sender.join()
    process_waiting_reports()
    assert set(Report.objects.values_list("status", flat=True)) <= {ReportStatus.PROCESSED, ReportStatus.SUPERSEDED}
    assert queue_of(cluster) == (0, 0, 0)
