"""All of Plumbline on servers of its own, in a temporary home: PostgreSQL, Redis, web, worker, beat."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from deploy.local.home import Home
from deploy.local.processes import die_with_parent
from deploy.local.servers import Servers

CHECKOUT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60
STOP_SECONDS = 330  # a worker finishes the merge in hand


class Stack:
    """The servers, and the programs by name; each program can be killed and started again by itself."""

    def __init__(self, home: Home, port: int, *, worker_count: int, settings: dict[str, str]) -> None:
        self.home = home
        self.port = port
        self.servers = Servers(home)
        self.environment = os.environ | settings
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.ended: Counter[str] = Counter()
        self._met: list[psutil.Process] = []
        self._commands = _commands(port, home, worker_count)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_servers(self) -> None:
        """PostgreSQL with its tables and the library, and Redis."""
        self.environment |= self.servers.start(dies_with_parent=True)
        for command in ("migrate", "sync_library"):
            self.manage(command)

    def start(self, name: str) -> None:
        """Start a program. It ends with the thread that calls this, so that nothing is ever left behind."""
        with (self.home.log / f"{name}.log").open("ab") as log:
            self.children[name] = subprocess.Popen(
                self._commands[name],
                cwd=CHECKOUT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )

    def processes(self, name: str) -> list[psutil.Process]:
        """A program's first process and those that it started; remembered, so that none outlives the stack."""
        try:
            first = psutil.Process(self.children[name].pid)
            found = [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
        self._met += found
        return found

    def manage(self, *arguments: str) -> str:
        """The output of a management command. Raises SystemExit with its errors when it fails."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"manage.py {arguments[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout.strip()

    def revive(self) -> None:
        """Start again, as a supervisor does, what ended by itself; `ended` counts how often that was."""
        for name, child in list(self.children.items()):
            if child.poll() is not None:
                self.ended[name] += 1
                self.start(name)

    def wait_until_ready(self) -> None:
        """Until the web answers and has all that it needs."""
        give_up_at = time.monotonic() + READY_SECONDS
        while time.monotonic() < give_up_at:
            self.revive()
            try:
                answer = httpx.get(f"{self.url}/readyz", timeout=10)
                if answer.status_code == 200 and answer.json()["status"] == "ready":
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"The web was not ready after {READY_SECONDS} s; logs are in {self.home.log}.")

    def stop(self) -> None:
        """End the programs, the worker with what it has in hand, then the servers."""
        for name, child in self.children.items():
            self.processes(name)
            child.terminate()
        for child in self.children.values():
            child.wait(timeout=STOP_SECONDS)
        for process in self._met:
            if process.is_running():
                process.kill()
        self.servers.remove()


@contextmanager
def running_stack(
    port: int,
    *,
    programs: Sequence[str] = ("web", "worker"),
    worker_count: int = 1,
    settings: dict[str, str] | None = None,
) -> Iterator[Stack]:
    """A stack whose web is ready. Its home is removed at the end; `settings` are variables of the environment."""
    home = Home(Path(tempfile.mkdtemp(prefix="plumbline-bench-")))
    stack = Stack(home, port, worker_count=worker_count, settings=settings or {})
    try:
        stack.start_servers()
        for name in programs:
            stack.start(name)
        stack.wait_until_ready()
        yield stack
    finally:
        stack.stop()
        shutil.rmtree(home.directory, ignore_errors=True)


def _commands(port: int, home: Home, worker_count: int) -> dict[str, list[str]]:
    binaries = Path(sys.executable).parent
    web = [str(binaries / "gunicorn"), "config.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    web += ["--config", "config/gunicorn.py", "--timeout", "120", "--no-control-socket"]
    celery = [str(binaries / "celery"), "--quiet", "-A", "config"]
    worker = [*celery, "worker", "--concurrency", str(worker_count), "--without-gossip", "--without-mingle"]
    beat = [*celery, "beat", "--pidfile=", "--schedule", str(home.run / "celerybeat")]
    return {"web": web, "worker": worker, "beat": beat}
