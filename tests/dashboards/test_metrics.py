"""/metrics: who may read it, and that its numbers are right across processes."""

import json
import os
import subprocess
import sys
import urllib.request
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from clusters.models import ReportQueue
from clusters.services.clusters import register_cluster
from common.exposition import may_read
from dashboards.views import metrics
from deploy.local.home import CHECKOUT
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.compliance.reports import accept, at, report
from tests.isolation.rows import fill, mark


@pytest.fixture(autouse=True)
def asked_anew() -> None:
    metrics._answers.asked_at = float("-inf")


def samples(text: str) -> dict[str, float]:
    """Name with labels → value."""
    return {
        f"{sample.name}{json.dumps(sample.labels) if sample.labels else ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_backlog_of_all_organizations_is_summed_up(
    client: Client, acme: Organization, globex: Organization
) -> None:
    for organization, count in ((acme, 2), (globex, 1)):
        with organization_scope(organization.pk):
            cluster = register_cluster(name="production", environment="production")
            for minute in range(count):
                accept(cluster, report(scanned_at=at(minute)))
            ReportQueue.objects.update(parked_count=count)
    found = samples(client.get("/metrics").content.decode())
    assert found["plumbline_reports_waiting"] == 3
    assert found["plumbline_clusters_waiting"] == 2
    assert found["plumbline_reports_parked"] == 3
    assert found["plumbline_reports_waiting_bytes"] > 0
    assert 0 <= found["plumbline_oldest_report_waiting_seconds"] < 300
    assert found['plumbline_source_up{"source": "postgresql"}'] == 1
    assert found['plumbline_source_up{"source": "redis"}'] == 1


def test_nothing_of_a_tenant_is_in_the_metrics(client: Client, acme: Organization) -> None:
    made = fill(acme)
    text = client.get("/metrics").content.decode()
    assert mark(acme) not in text
    assert "acme" not in text
    assert [str(row.pk) for row in made.values() if len(str(row.pk)) > 30 and str(row.pk) in text] == []


def test_a_server_that_is_away_is_told_of_not_stumbled_over(client: Client, db: None, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    found = samples(client.get("/metrics").content.decode())
    assert found['plumbline_source_up{"source": "redis"}'] == 0
    assert found["plumbline_reports_waiting"] == 0


def test_asking_twice_asks_the_database_once(client: Client, db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(7):  # three, and four that open and close the scope that sees all queues
        client.get("/metrics")
    with django_assert_num_queries(0):
        client.get("/metrics")


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.1.2.3", {}, 200),
        ("::1", {}, 200),
        ("fd00::1", {}, 200),
        ("::ffff:192.168.0.9", {}, 200),
        ("203.0.113.9", {}, 403),
        ("2001:db8::1", {}, 403),
        ("nonsense", {}, 403),
        ("10.1.2.3", {"X-Forwarded-For": "203.0.113.9"}, 403),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}, 403),
    ],
)
def test_without_a_token_those_near_may_read(
    client: Client, db: None, address: str, headers: dict[str, str], status: int
) -> None:
    assert client.get("/metrics", REMOTE_ADDR=address, headers=headers).status_code == status


def test_behind_a_trusted_proxy_the_clients_own_address_counts(client: Client, db: None, settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    statuses = [
        client.get("/metrics", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": seen}).status_code
        for seen in ("203.0.113.9", "10.0.0.7")
    ]
    assert statuses == [403, 200]


def test_with_a_token_its_bearer_may_read_from_anywhere_and_nobody_else(
    client: Client, db: None, settings: Any
) -> None:
    settings.METRICS_TOKEN = "s3cret"
    answers = [
        client.get("/metrics", REMOTE_ADDR="203.0.113.9", headers={"Authorization": given})
        for given in ("Bearer s3cret", "bearer s3cret", "Bearer other", "Basic s3cret", "Bearer", "")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 403, 403, 403, 403]
    assert client.get("/metrics").status_code == 403
    assert set(answers[2].json()) == {"detail", "code", "fields"}


def test_a_token_that_is_not_ascii_is_refused_not_stumbled_over() -> None:
    assert not may_read(token="s3cret", authorization="Bearer schlüssel", address="", is_forwarded=False)


COUNT = """
from common.metrics import HTTP_REQUEST_SECONDS, MERGED_RESULTS, SWEEPER_RAN_AT
MERGED_RESULTS.inc(5)
SWEEPER_RAN_AT.set({value})
HTTP_REQUEST_SECONDS.labels("home", "GET", "2xx").observe(0.02)
"""
RENDER = "import sys; from common.exposition import render; sys.stdout.write(render().decode())"


def run(code: str, directory: Any) -> str:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(directory)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_what_several_processes_count_is_added_up(tmp_path: Any) -> None:
    """The directory is made by whoever comes first; the newest time of a sweep is the one that counts."""
    directory = tmp_path / "metrics"
    for value in (100, 200):
        run(COUNT.format(value=value), directory)
    found = samples(run(RENDER, directory))
    assert found["plumbline_merged_results_total"] == 10
    assert found["plumbline_sweeper_last_run_timestamp_seconds"] == 200
    label = json.dumps({"method": "GET", "route": "home", "status": "2xx"})
    assert found[f"plumbline_http_request_duration_seconds_count{label}"] == 2


CHILD = """
import sys
from billiard import Process
def work():
    from common.metrics import MERGED_RESULTS
    MERGED_RESULTS.inc(5)
for _ in range(2):
    child = Process(target=work)
    child.index = 0
    child.start()
    child.join()
"""


def test_a_child_of_celery_counts_on_in_the_file_of_the_one_before(tmp_path: Any) -> None:
    run(CHILD, tmp_path)
    assert samples(run(RENDER, tmp_path))["plumbline_merged_results_total"] == 10
    assert len(list(tmp_path.glob("counter_*-0.db"))) == 1


SERVE = """
import os, sys
import django
django.setup()
from common.metrics import MERGED_RESULTS
from config.worker_metrics import serve_metrics
MERGED_RESULTS.inc(5)
serve_metrics()
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_worker_answers_on_its_own_port(servers: Any, tmp_path: Any) -> None:
    port = "39411"
    environment = os.environ | {
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "WORKER_METRICS_PORT": port,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], cwd=CHECKOUT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            found = samples(answer.read().decode())
        worker.communicate()
    assert found["plumbline_merged_results_total"] == 5
