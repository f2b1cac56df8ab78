"""The embedded servers on data of their own: starting anew, adopting, repairing, cleaning up."""

import contextlib
import os
import signal
import socket
import subprocess
import sys

import psutil
import psycopg2
import pytest
import redis

from deploy.local.home import CHECKOUT, Home, LaunchError
from deploy.local.postgres import OWNER_ROLE, PostgresServer
from deploy.local.processes import find, read_pid
from deploy.local.redis_server import RedisServer


@pytest.fixture
def home(tmp_path):
    # Deeper than the ~100 bytes that a socket's path may have, and with a space in it.
    deep = tmp_path / ("deep checkout " + "d" * 100)
    deep.mkdir()
    return Home(deep / ".local")


@pytest.fixture
def postgres(home):
    server = PostgresServer(home, durable=False)
    yield server
    server.remove()


@pytest.fixture
def redis_server(home):
    server = RedisServer(home)
    yield server
    server.stop()


def rows(url, statement):
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_data_outlives_a_restart_under_the_same_url(postgres):
    postgres.start(dies_with_parent=True)
    url = postgres.url(OWNER_ROLE)
    rows(url, "CREATE TABLE plumb (line int)")
    postgres.stop()
    postgres.start(dies_with_parent=True)
    assert postgres.url(OWNER_ROLE) == url
    assert rows(url, "SELECT count(*) FROM plumb") == [(0,)]


def test_a_running_server_is_adopted(postgres):
    first = postgres.start(dies_with_parent=True)
    assert postgres.start(dies_with_parent=True) == first


def test_a_killed_server_is_repaired_although_its_pid_is_in_use_again(postgres):
    process = postgres.start(dies_with_parent=True)
    for victim in [*process.children(), process]:
        with contextlib.suppress(psutil.NoSuchProcess):  # a child of PostgreSQL may end by itself
            victim.send_signal(signal.SIGKILL)
    psutil.wait_procs([process], timeout=10)
    lines = (postgres.data / "postmaster.pid").read_text().splitlines()
    (postgres.data / "postmaster.pid").write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    assert postgres.running() is None
    postgres.start(dies_with_parent=True)
    assert rows(postgres.url(), "SELECT 1") == [(1,)]


def test_an_interrupted_first_start_leaves_nothing_to_trip_over(postgres, home):
    home.create()
    partial = home.directory / "postgres.new"
    partial.mkdir()
    (partial / "PG_VERSION").write_text("18\n")
    postgres.start(dies_with_parent=True)
    assert rows(postgres.url(), "SELECT 1") == [(1,)]


def test_data_of_another_version_is_left_alone(postgres, home):
    postgres.data.mkdir(parents=True)
    (postgres.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(LaunchError, match="written by PostgreSQL 15"):
        postgres.start(dies_with_parent=True)


def test_a_directory_that_holds_something_else_is_left_alone(postgres):
    postgres.data.mkdir(parents=True)
    (postgres.data / "thesis.txt").write_text("the only copy")
    with pytest.raises(LaunchError, match="not PostgreSQL data"):
        postgres.start(dies_with_parent=True)
    assert (postgres.data / "thesis.txt").read_text() == "the only copy"
    (postgres.data / "thesis.txt").unlink()


def test_postgres_listens_on_no_network_address(postgres):
    process = postgres.start(dies_with_parent=True)
    assert process.net_connections("inet") == []


def test_redis_keeps_its_data_and_its_url_over_a_restart(redis_server):
    redis_server.start(dies_with_parent=True)
    url = redis_server.url
    with redis.Redis.from_url(url) as client:
        client.set("plumb", "line")
    redis_server.stop()
    redis_server.start(dies_with_parent=True)
    with redis.Redis.from_url(url) as client:
        assert client.get("plumb") == b"line"


def test_redis_refuses_a_client_without_the_password(redis_server):
    redis_server.start(dies_with_parent=True)
    without_password = f"redis://{redis_server.url.partition('@')[2]}"
    with redis.Redis.from_url(without_password) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_redis_moves_when_its_port_was_taken_meanwhile(redis_server, home):
    home.create()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        (home.run / "redis-port").write_text(f"{taken}\n")
        redis_server.start(dies_with_parent=True)
        assert f":{taken}/" not in redis_server.url


def test_servers_end_with_a_parent_that_is_killed(tmp_path):
    program = (
        "import sys, time; from pathlib import Path;"
        "from deploy.local.home import Home; from deploy.local.servers import Servers;"
        "Servers(Home(Path(sys.argv[1])), durable=False).start(dies_with_parent=True);"
        "print('up', flush=True); time.sleep(600)"
    )
    home = Home(tmp_path / "home")
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(home.directory)],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout.readline() == b"up\n"
        running = [PostgresServer(home).running(), RedisServer(home).running()]
        parent.kill()
    assert None not in running
    _, alive = psutil.wait_procs(running, timeout=20)
    still_running = [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]
    assert still_running == []
    PostgresServer(home).remove()


def test_a_stranger_with_a_recorded_pid_is_not_ours(tmp_path):
    (tmp_path / "web.pid").write_text(f"{os.getpid()}\n")
    assert find(read_pid(tmp_path / "web.pid"), cwd=tmp_path) is None
    assert find(os.getpid(), cwd=CHECKOUT, words=("gunicorn", "config.wsgi:application")) is None


def test_secrets_are_made_once_and_are_for_their_owner_only(home):
    value = home.secret("secret_key", 50)
    assert len(value) >= 50
    assert home.secret("secret_key", 50) == value
    assert (home.directory / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_lock_is_held_by_one_process_at_a_time(home):
    held = home.try_lock("up.lock")
    assert home.try_lock("up.lock") is None
    os.close(held)
    again = home.try_lock("up.lock")
    assert again is not None
    os.close(again)
