"""`make up` from the outside: the real launcher, servers and processes, in a home of the test's own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from deploy.local.home import CHECKOUT, Home
from deploy.local.processes import read_pid
from deploy.local.servers import Servers

PROGRAMS = ("web", "worker", "beat")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def environment(tmp_path):
    inherited = {k: v for k, v in os.environ.items() if k not in Servers.VARIABLES}
    return inherited | {
        "PLUMBLINE_HOME": str(tmp_path / "home"),
        "PORT": str(free_port()),
        "DEMO": "0",
        "PYTHONWARNINGS": "",
    }


@pytest.fixture
def launch(environment):
    """Starts `up` in its own session; whatever the test leaves running is ended."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.up"],
            cwd=CHECKOUT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    subprocess.run(
        [sys.executable, "-m", "deploy.local.down", "--delete"], cwd=CHECKOUT, env=environment, check=True
    )
    for process in started:
        process.wait()
        process.stdout.close()


def read_until(process, words):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError(f"never said {words!r}:\n{''.join(lines)}")


def running_in(home):
    """Every process that the launcher started there, by the pids it recorded."""
    pids = [read_pid(home.run / f"{name}.pid") for name in PROGRAMS]
    pids += [read_pid(home.directory / "postgres" / "postmaster.pid")]
    pids += [read_pid(home.directory / "redis" / "redis.pid")]
    processes = [psutil.Process(pid) for pid in pids]
    return processes + [child for p in processes for child in p.children(recursive=True)]


def assert_gone(processes):
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


def test_everything_starts_answers_and_stops_on_ctrl_c(launch, environment):
    home = Home(Path(environment["PLUMBLINE_HOME"]))
    process = launch()
    said = read_until(process, "Ctrl-C stops everything")
    url = f"http://127.0.0.1:{environment['PORT']}"
    assert f"Plumbline is ready: {url}" in said
    with urllib.request.urlopen(f"{url}/readyz") as answer:
        assert answer.status == 200
    processes = running_in(home)

    second = launch()
    assert f"already running at {url}" in second.communicate()[0]
    assert second.returncode == 0

    process.send_signal(signal.SIGINT)
    assert "Stopping" in process.communicate()[0]
    assert process.returncode == 0
    assert_gone(processes)


def test_a_run_that_was_killed_with_everything_it_had_is_repaired(launch, environment):
    home = Home(Path(environment["PLUMBLINE_HOME"]))
    first = launch()
    read_until(first, "Ctrl-C stops everything")
    processes = running_in(home)
    for victim in [psutil.Process(first.pid), *processes]:
        # A child may already have followed its parent.
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    assert_gone(processes)
    first.wait()

    second = launch()
    assert "Plumbline is ready" in read_until(second, "Ctrl-C stops everything")


def test_a_program_that_ends_by_itself_takes_the_rest_down_and_is_named(launch, environment):
    home = Home(Path(environment["PLUMBLINE_HOME"]))
    process = launch()
    read_until(process, "Ctrl-C stops everything")
    processes = running_in(home)
    psutil.Process(read_pid(home.run / "beat.pid")).kill()
    assert "beat ended by itself" in process.communicate()[0]
    assert process.returncode == 1
    assert_gone(processes)


def test_a_taken_port_is_said_before_anything_is_started(launch, environment):
    with socket.create_server(("127.0.0.1", int(environment["PORT"]))):
        process = launch()
        assert f"Port {environment['PORT']} is taken by" in process.communicate()[0]
    assert process.returncode == 1
    assert not (Path(environment["PLUMBLINE_HOME"]) / "postgres").exists()


def test_manifests_that_are_not_there_are_refused_by_name(launch, environment):
    environment["MANIFESTS"] = "no/such/directory"
    process = launch()
    assert "MANIFESTS=no/such/directory: there is no such file" in process.communicate()[0]
    assert process.returncode == 1


def test_down_has_nothing_to_do_when_nothing_runs(environment):
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local.down"],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "Nothing of this checkout is running.\n")
