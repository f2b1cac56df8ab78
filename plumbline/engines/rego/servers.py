"""An `opa` of one's own: started once for the process, on a socket that only this user can reach."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import tempfile
import time
import weakref
from pathlib import Path
from typing import Final

from plumbline.engines.rego.engines import QUERY_SECONDS
from plumbline.engines.rego.errors import EngineError
from plumbline.engines.rego.opa import OpaEngine, OpaQuery

_START_SECONDS: Final = 15.0
_MEMORY_BYTES: Final = 4 << 30


class OwnOpaEngine(OpaEngine):
    """The binary as a server with an empty environment. Raises EngineError when it does not start.

    OPA compiles all it has for each policy that is put: so each is put alone, to see that it is right, and taken away
    again; before the next question a server is started with all of them.
    """

    def __init__(self, binary: str, *, seconds: float = QUERY_SECONDS) -> None:
        self._binary = binary
        self._directory = Path(tempfile.mkdtemp(prefix="plumbline-opa-"))
        self._starts = 0
        self._is_current = True
        self._processes: list[subprocess.Popen[bytes]] = []
        self._stopper = weakref.finalize(self, _stop, self._processes, self._directory, os.getpid())
        (self._directory / "policies").mkdir()
        try:
            super().__init__("http://opa", socket=str(self._start()), seconds=seconds)
        except EngineError:
            for client in getattr(self, "_clients", ()):
                client.close()
            self._stopper()
            raise

    def close(self) -> None:
        """End the server, which forgets all that was put."""
        self._put.clear()
        super().close()
        self._stopper()

    @property
    def process_id(self) -> int:
        return self._processes[-1].pid

    def uploaded(self, query: OpaQuery) -> None:
        """Keep it for the server to come."""
        self.take_away(query.path)
        for index, text in enumerate(query.modules):
            name = f"{query.path.replace('/', '-')}-m{index}.rego"
            (self._directory / "policies" / name).write_text(text, "utf-8")
        self._is_current = False

    def prepare(self) -> None:
        """Start the server with all policies, unless it runs with them."""
        if not self._is_current or self._processes[-1].poll() is not None:
            self.reconnect(str(self._start()))
            self._is_current = True

    def drop(self, path: str) -> None:
        """The next server starts without it."""
        for file in (self._directory / "policies").glob(f"{path.replace('/', '-')}-*.rego"):
            file.unlink(missing_ok=True)

    def _start(self) -> Path:
        self._starts += 1
        socket = self._directory / f"{self._starts}.sock"
        arguments = ["run", "--server", "--addr", f"unix://{socket}", "--disable-telemetry", "--log-level", "error"]
        while self._processes:
            _end(self._processes.pop())
        try:
            process = subprocess.Popen(  # noqa: S603
                [self._binary, *arguments, str(self._directory / "policies")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=self._directory,
                env={},
            )
        except OSError as error:
            raise EngineError(f"{self._binary} cannot be started: {error.strerror}") from error
        self._processes.append(process)
        with contextlib.suppress(AttributeError, OSError, ValueError):
            resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        _wait(process, socket, self._binary)
        return socket


def _wait(process: subprocess.Popen[bytes], socket: Path, binary: str) -> None:
    until = time.monotonic() + _START_SECONDS
    while not socket.exists():
        if process.poll() is not None:
            raise EngineError(f"{binary} ended at once, with {process.returncode}: is it OPA?")
        if time.monotonic() > until:
            raise EngineError(f"{binary} did not start within {_START_SECONDS:g} seconds")
        time.sleep(0.01)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        process.kill()
    process.wait()


def _stop(processes: list[subprocess.Popen[bytes]], directory: Path, owner: int) -> None:
    if os.getpid() != owner:  # a fork of the process that started them
        return
    while processes:
        _end(processes.pop())
    shutil.rmtree(directory, ignore_errors=True)


def find_binary() -> str | None:
    """The `opa` to start: OPA_BINARY, else the one on PATH. Raises EngineError when OPA_BINARY names no program."""
    named = os.environ.get("OPA_BINARY")
    if not named:
        return shutil.which("opa")
    found = shutil.which(named)
    if found is None:
        raise EngineError(f"OPA_BINARY {named} is not a program that can be run")
    return found
