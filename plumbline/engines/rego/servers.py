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
from plumbline.engines.rego.opa import OpaEngine

_START_SECONDS: Final = 15.0
_MEMORY_BYTES: Final = 4 << 30


class OwnOpaEngine(OpaEngine):
    """The binary as a server with an empty environment. Raises EngineError when it does not start."""

    def __init__(self, binary: str, *, seconds: float = QUERY_SECONDS) -> None:
        directory = Path(tempfile.mkdtemp(prefix="plumbline-opa-"))
        socket = directory / "opa.sock"
        arguments = ["run", "--server", "--addr", f"unix://{socket}", "--disable-telemetry", "--log-level", "error"]
        try:
            process = subprocess.Popen(  # noqa: S603
                [binary, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=directory,
                env={},
            )
        except OSError as error:
            shutil.rmtree(directory, ignore_errors=True)
            raise EngineError(f"{binary} cannot be started: {error.strerror}") from error
        self._process = process
        self._stopper = weakref.finalize(self, _stop, process, directory, os.getpid())
        with contextlib.suppress(AttributeError, OSError, ValueError):
            resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        try:
            _wait(process, socket, binary)
            super().__init__("http://opa", socket=str(socket), seconds=seconds)
        except EngineError:
            self._stopper()
            raise

    def close(self) -> None:
        """End the server."""
        self._stopper()
        super().close()

    @property
    def process_id(self) -> int:
        return self._process.pid


def _wait(process: subprocess.Popen[bytes], socket: Path, binary: str) -> None:
    until = time.monotonic() + _START_SECONDS
    while not socket.exists():
        if process.poll() is not None:
            raise EngineError(f"{binary} ended at once, with {process.returncode}: is it OPA?")
        if time.monotonic() > until:
            raise EngineError(f"{binary} did not start within {_START_SECONDS:g} seconds")
        time.sleep(0.01)


def _stop(process: subprocess.Popen[bytes], directory: Path, owner: int) -> None:
    if os.getpid() != owner:  # a fork of the process that started it
        return
    with contextlib.suppress(OSError):
        process.kill()
    process.wait()
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
