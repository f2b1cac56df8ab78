"""regopy's own process: started, spoken to line by line, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from plumbline.engines.rego.errors import EngineError

_WORKER: Final = Path(__file__).with_name("worker.py")
_CHUNK: Final = 1 << 16
_MEMORY_EXIT_CODE: Final = 86  # as in the worker


class WorkerProcess:
    """The process, with a pipe of its own for answers: what regopy logs goes nowhere."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-E", str(_WORKER), str(writing)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(writing,),
                cwd="/",
                env={"LC_ALL": "C.UTF-8"},
            )
        except OSError as error:
            os.close(reading)
            raise EngineError(f"the built-in engine could not be started: {error.strerror}") from error
        finally:
            os.close(writing)
        self._reading = reading
        self._buffer = b""
        self.programs: dict[int, str] = {}
        self.inputs: set[str] = set()
        self._finalizer = weakref.finalize(self, _end, self._process, reading, os.getpid())

    @property
    def is_alive(self) -> bool:
        return self._finalizer.alive and self._process.poll() is None

    @property
    def process_id(self) -> int:
        return self._process.pid

    def unknown(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys whose inputs the process does not hold."""
        return [key for key in keys if key not in self.inputs]

    def send(self, command: dict[str, Any]) -> None:
        """Raises EngineError when the process is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            self.kill()
            raise EngineError("the built-in engine ended unexpectedly") from error

    def receive(self, seconds: float) -> dict[str, Any]:
        """The next answer. Raises EngineError after `seconds` and when the process ends; it is killed then."""
        until = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._reading], [], [], left)[0]:
                self.kill()
                raise EngineError(f"the policy took more than {seconds:g} seconds and was stopped")
            chunk = os.read(self._reading, _CHUNK)
            if not chunk:
                raise EngineError(self._end())
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> str:
        """What the process died of."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        self.kill()
        if code == _MEMORY_EXIT_CODE:
            return "the policy used too much memory and was stopped"
        return f"the policy made the built-in engine crash ({code})"

    def kill(self) -> None:
        self._finalizer()


def _end(process: subprocess.Popen[bytes], reading: int, owner: int) -> None:
    if os.getpid() != owner:  # a fork of the process that started it
        return
    with contextlib.suppress(OSError):
        process.kill()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    process.wait()
    os.close(reading)
