"""A part that was acknowledged is there after anything dies; a snapshot of parts is merged whole or not at all."""

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import orjson
import pytest
from celery import current_app
from django.db import connections

from clusters.models import Report, ReportPart, ReportQueue, Resource
from compliance.models import Violation
from compliance.services.turns import process_waiting_reports
from compliance.services.verification import verify_posture
from deploy.local.home import CHECKOUT
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import Sender
from tests.clusters.test_report_parts import three
from tests.compliance.test_ingest_processing import wait_for_the_lock_of
from tests.servers import TestServers

KILLED_BEFORE_COMMIT = """
import os, signal, sys
import django
django.setup()
from uuid import UUID
from clusters.services.intake import accept_report, receipts
from clusters.services.intake.bodies import Body
from organizations.scope import organization_scope

make = receipts.make_report
def make_and_die(sent):
    make(sent)
    os.kill(os.getpid(), signal.SIGKILL)

receipts.make_report = make_and_die
with organization_scope(UUID(sys.argv[1])):
    accept_report(cluster_id=UUID(sys.argv[2]), body=Body.plain(sys.stdin.buffer.read()))
"""

KILLED_IN_MID_MERGE = """
import os, signal, sys
import django
django.setup()
from compliance.services import turns
from compliance.services.merging import merge

merge.apply_counts = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
turns.process_waiting_reports()
"""


def killed(script: str, *arguments: object, body: bytes = b"") -> None:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, input=body, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.django_db(transaction=True)
def test_web_process_that_dies_as_it_takes_the_last_part_leaves_the_others(agent: Sender, acme: Organization) -> None:
    posted = three()
    for part in posted[:2]:
        agent.post(part)
    killed(KILLED_BEFORE_COMMIT, acme.pk, agent.cluster.pk, body=orjson.dumps(posted[2]))
    with organization_scope(acme.pk):
        assert (ReportPart.objects.count(), Report.objects.count()) == (2, 0)
    assert agent.post(posted[2]).json()["status"] == "accepted"
    with organization_scope(acme.pk):
        process_waiting_reports()
        assert (Resource.objects.count(), Violation.objects.count(), verify_posture()) == (3, 2, [])


@pytest.mark.django_db(transaction=True)
def test_worker_that_dies_in_mid_merge_leaves_nothing_of_any_part(agent: Sender, acme: Organization) -> None:
    for part in three():
        agent.post(part)
    killed(KILLED_IN_MID_MERGE)
    with organization_scope(acme.pk):
        assert (Resource.objects.count(), Violation.objects.count()) == (0, 0)
        wait_for_the_lock_of(agent.cluster)
        process_waiting_reports()
        assert (Resource.objects.count(), Violation.objects.count(), verify_posture()) == (3, 2, [])


@pytest.mark.django_db(transaction=True)
def test_parts_that_were_acknowledged_survive_a_crash_of_postgres(
    agent: Sender, acme: Organization, servers: TestServers
) -> None:
    *first, closing = three()
    with servers.committing_durably():
        connections.close_all()
        for part in first:
            agent.post(part)
        connections.close_all()
        servers.crash_postgres()
    assert agent.post(closing).json()["status"] == "accepted"
    with organization_scope(acme.pk):
        process_waiting_reports()
        assert (Resource.objects.count(), Violation.objects.count(), verify_posture()) == (3, 2, [])


@pytest.mark.django_db(transaction=True)
def test_closed_snapshot_is_found_although_the_broker_forgot_everything(
    agent: Sender, acme: Organization, servers: TestServers
) -> None:
    for part in three():
        agent.post(part)
    with current_app.connection_for_write() as broker:
        broker.default_channel.client.flushdb()
    with organization_scope(acme.pk):
        assert ReportQueue.objects.get().waiting_count == 1
        assert process_waiting_reports() == 1
        queue = ReportQueue.objects.get()
        assert (queue.waiting_count, queue.waiting_bytes) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_parts_that_race_make_one_report(agent: Sender, acme: Organization) -> None:
    posted = three()
    start = threading.Barrier(6)
    statuses = []

    def send(part: dict[str, Any]) -> None:
        start.wait()
        statuses.append(agent.post(part).status_code)
        connections.close_all()

    threads = [threading.Thread(target=send, args=(part,)) for part in posted * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [202] * 6
    with organization_scope(acme.pk):
        assert Report.objects.count() == 1
        process_waiting_reports()
        assert (Resource.objects.count(), verify_posture()) == (3, [])
