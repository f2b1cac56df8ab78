"""Real PostgreSQL and Redis for the tests, loaded by `-p tests.servers` before Django reads its settings.

The URLs are known at once; the servers start when the first test asks for the database or for `servers`.
A run takes the first free slot under `.local/test/`, so that several runs can go on side by side.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from psycopg2 import sql

from deploy.local.home import CHECKOUT, Home, LaunchError
from deploy.local.postgres import APPLICATION_ROLE
from deploy.local.processes import end
from deploy.local.servers import Servers

SLOTS = CHECKOUT / ".local" / "test"
SLOT_COUNT = 64


def _take_slot() -> tuple[Home, int]:
    """The first slot that no other run holds, and its lock's descriptor, held until this process ends."""
    for number in range(SLOT_COUNT):
        home = Home(SLOTS / str(number))
        lock = home.try_lock("lock")
        if lock is not None:
            return home, lock
    raise LaunchError(f"All {SLOT_COUNT} slots for tests in {SLOTS} are in use.")


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


class TestServers:
    """The servers of one test run and its database: built by the owner's role, used as the application's."""

    __test__ = False  # not a class of tests, whatever its name says to pytest

    def __init__(self) -> None:
        self._home, self._lock = _take_slot()
        self._servers = Servers(self._home, durable=False)
        environment = self._servers.environment()
        self._maintenance_url = environment["DATABASE_OWNER_URL"]
        name = urlsplit(self._maintenance_url).path.strip("/") or "plumbline"
        self.database = name if name.startswith("test_") else f"test_{name}"
        for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
            environment[variable] = _with_database(environment[variable], self.database)
        self.environment = environment
        self._is_started = False

    def start(self) -> None:
        """Start what is embedded. Data that a crash of the machine has spoilt is made anew."""
        if self._is_started:
            return
        try:
            self._servers.start(dies_with_parent=True)
        except LaunchError:
            self._servers.stop()
            if self._servers.postgres is not None:
                shutil.rmtree(self._servers.postgres.data.resolve(), ignore_errors=True)
            self._servers.start(dies_with_parent=True)
        self._is_started = True

    def stop(self) -> None:
        """Stop what was started; the slot's data stays, to make the next run quicker."""
        if self._is_started:
            self._servers.stop()
            self._is_started = False

    @contextmanager
    def committing_durably(self) -> Iterator[None]:
        """Connections made within wait for their commits to be written, as they do outside of tests."""
        with closing(self._connect(self._maintenance_url)) as connection, connection.cursor() as cursor:
            database = sql.Identifier(self.database)
            cursor.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = on").format(database))
        try:
            yield
        finally:
            with closing(self._connect(self._maintenance_url)) as connection, connection.cursor() as cursor:
                cursor.execute(sql.SQL("ALTER DATABASE {} RESET synchronous_commit").format(database))

    def crash_postgres(self) -> None:
        """Cut PostgreSQL off without a shutdown of its data, as a kill does, and start it again."""
        postgres = self._servers.postgres
        if postgres is None:
            pytest.skip("this PostgreSQL is somebody else's")
        running = postgres.running()
        assert running is not None
        end(running, sent=signal.SIGQUIT, seconds=30)
        postgres.start(dies_with_parent=True)

    def create_database(self) -> None:
        """A fresh test database, copied from a template that is migrated once per state of the migrations."""
        self.start()
        template = f"{self.database}_{_schema_fingerprint()}"
        with closing(self._connect(self._maintenance_url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{self.database}%"])
            existing = {row[0] for row in cursor.fetchall()}
            for name in existing - {template}:
                cursor.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
            if template not in existing:
                self._create_template(cursor, template)
            cursor.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(self.database), sql.Identifier(template)
                )
            )

    def _create_template(self, cursor: "psycopg2.extensions.cursor", template: str) -> None:
        partial = f"{self.database}_partial"
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(partial)))
        owner_url = _with_database(self.environment["DATABASE_OWNER_URL"], partial)
        urls = {
            "DATABASE_OWNER_URL": owner_url,
            "DATABASE_URL": _with_database(self.environment["DATABASE_URL"], partial),
        }
        migrated = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=CHECKOUT,
            env=os.environ | urls,
            capture_output=True,
            text=True,
        )
        if migrated.returncode != 0:
            raise LaunchError(f"The migrations failed on the test database:\n{migrated.stderr}")
        with closing(self._connect(owner_url)) as connection, connection.cursor() as target:
            # Transactional tests end by emptying every table; outside of tests nobody holds this right.
            role = urlsplit(self.environment["DATABASE_URL"]).username or APPLICATION_ROLE
            target.execute(
                sql.SQL("GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO {}").format(sql.Identifier(role))
            )
        cursor.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(partial), sql.Identifier(template)
            )
        )

    def _connect(self, url: str) -> "psycopg2.extensions.connection":
        connection = psycopg2.connect(url, connect_timeout=10)
        connection.autocommit = True
        return connection


def _schema_sources() -> Iterator[Path]:
    yield CHECKOUT / "config" / "settings.py"
    yield CHECKOUT / "common" / "database.py"
    yield CHECKOUT / "requirements.txt"
    yield from sorted(CHECKOUT.glob("*/migrations/*.py"))


def _schema_fingerprint() -> str:
    digest = hashlib.sha256()
    for path in _schema_sources():
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode())
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()[:12]


test_servers = TestServers()
os.environ.update(test_servers.environment)


def pytest_unconfigure() -> None:
    """Stop the servers when the run is over; after kill -9 the kernel does it."""
    test_servers.stop()
