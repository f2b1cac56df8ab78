"""Beat, killed: what it keeps of its schedule, whole or not, does not keep the next one from beating."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from deploy.local.home import CHECKOUT
from tests.servers import TestServers

BEAT = """
import sys
from config.celery import app
app.conf.beat_schedule = {"sweep-reports": {"task": "compliance.sweep_reports", "schedule": 0.2}}
app.Beat(schedule=sys.argv[1], pidfile=None, max_interval=0.2, quiet=True).run()
"""
SECONDS = 60


@pytest.fixture
def queue(servers: TestServers) -> Iterator[Any]:
    """The broker, where the tasks lie that nobody takes."""
    with current_app.connection_for_write() as broker:
        client = broker.default_channel.client
        client.flushdb()
        yield client
        client.flushdb()


def beat_until_killed(schedule: Path, queue: Any) -> int:
    """How many tasks a beat sent until it was killed, soon after its first."""
    command = [sys.executable, "-c", BEAT, str(schedule)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    queue.flushdb()
    beat = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL)
    end = time.monotonic() + SECONDS
    while not queue.llen("celery") and beat.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    beat.kill()
    beat.wait()
    return queue.llen("celery")


def test_beat_that_was_killed_beats_again(queue: Any, tmp_path: Path) -> None:
    schedule = tmp_path / "celerybeat"
    assert beat_until_killed(schedule, queue) > 0
    assert list(tmp_path.iterdir())
    assert beat_until_killed(schedule, queue) > 0


def test_beat_whose_schedule_was_half_written_begins_anew(queue: Any, tmp_path: Path) -> None:
    schedule = tmp_path / "celerybeat"
    beat_until_killed(schedule, queue)
    kept = [(file, file.read_bytes()) for file in tmp_path.iterdir()]
    assert kept
    for file, content in kept:
        file.write_bytes(content[: len(content) // 2])
    assert beat_until_killed(schedule, queue) > 0
