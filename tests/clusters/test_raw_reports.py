"""Bodies of settled reports: kept by day, dropped by partition, never reached but through the table."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from clusters.models import Cluster, RawReport, Report
from clusters.services.clusters import register_cluster
from clusters.services.raw_reports import partitions, turn_partitions
from common.clock import today
from organizations.models import Organization
from tests.compliance.reports import at, merge, report, resource
from tests.factories import make_policy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cluster(acme_scope: Organization) -> Cluster:
    for slug in ("privileged-container", "host-network", "memory-limits"):
        make_policy(slug)
    return register_cluster(name="production", environment="production")


def names() -> list[str]:
    return [name for name, _ in partitions()]


def sql(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_body_of_a_merged_report_moves_to_the_partition_of_its_day(cluster: Cluster) -> None:
    stored = merge(cluster, report(resource(), scanned_at=at(0)))
    raw = RawReport.objects.get()
    assert (raw.id, raw.settled_on, stored.body) == (stored.pk, today(), None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM clusters_rawreport")
        assert cursor.fetchone()[0] == f"raw_reports.day_{today():%Y%m%d}"


def test_a_body_is_not_kept_where_none_is_to_be(cluster: Cluster) -> None:
    with override_settings(RAW_REPORT_DAYS=0):
        merge(cluster, report(resource(), scanned_at=at(0)))
    assert RawReport.objects.count() == 0


def test_days_ahead_have_partitions_and_making_them_again_changes_nothing(db: None) -> None:
    turn_partitions()
    assert f"day_{today() + timedelta(days=14):%Y%m%d}" in names()
    assert turn_partitions() == (0, 0)


def test_a_day_without_a_partition_is_kept_elsewhere_and_dropped_all_the_same(cluster: Cluster) -> None:
    old = today() - timedelta(days=400)
    RawReport.objects.create(
        organization_id=cluster.organization_id, id=cluster.pk, cluster=cluster, settled_on=old, body=b"x"
    )
    turn_partitions()
    assert RawReport.objects.count() == 0


def test_days_that_are_over_are_dropped_whole(cluster: Cluster) -> None:
    stored = merge(cluster, report(resource(), scanned_at=at(0)))
    output = StringIO()
    with override_settings(RAW_REPORT_DAYS=-1):
        call_command("prune_reports", "--dry-run", stdout=output)
        assert f"day_{today():%Y%m%d}" in names()
        call_command("prune_reports", stdout=StringIO())
    assert f"day_{today():%Y%m%d}: " in output.getvalue()
    assert "would go" in output.getvalue()
    assert RawReport.objects.count() == 0
    assert Report.objects.get(pk=stored.pk).status == "processed"
    turn_partitions()
    assert f"day_{today():%Y%m%d}" in names()


def test_the_application_enters_no_partition(db: None) -> None:
    for statement in (
        f"SELECT * FROM raw_reports.day_{today():%Y%m%d}",
        "SELECT * FROM raw_reports.elsewhen",
        "CREATE TABLE raw_reports.own (id int)",
        f"DROP TABLE raw_reports.day_{today():%Y%m%d}",
    ):
        with pytest.raises(DatabaseError, match="permission denied"):
            sql(statement)
