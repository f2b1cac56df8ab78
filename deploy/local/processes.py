"""Starting, recognising and ending the processes that belong to this checkout, and no others."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from .home import CHECKOUT

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(sent: int = signal.SIGTERM) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends the child `sent` when its parent is gone, even after kill -9."""
    parent = os.getpid()

    def arrange() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, sent)
            if os.getppid() != parent:
                os._exit(1)

    return arrange


def run(
    command: list[str], environment: dict[str, str], **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Run to its end, in the checkout, a command that the terminal's Ctrl-C does not reach but ours does.

    An exception here (Ctrl-C is one) kills it, and so does the end of this process.
    """
    return subprocess.run(
        command,
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent(),
        **options,
    )


def find(pid: int, *, cwd: Path, words: tuple[str, ...] = ()) -> psutil.Process | None:
    """The live process `pid`, provided that it works in `cwd` and its command line holds every word.

    A pid is reused after a reboot or a crash: without this check we might end a stranger's process.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or not os.path.samefile(process.cwd(), cwd):
            return None
        command = " ".join(process.cmdline())
    except (psutil.Error, OSError):
        return None
    return process if all(word in command for word in words) else None


def read_pid(path: Path) -> int | None:
    """The number on the first line of a pid file, or None when there is no such file or number."""
    try:
        return int(path.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def end(process: psutil.Process, *, sent: int = signal.SIGTERM, seconds: float = 20) -> None:
    """Ask `process` to stop, wait, then kill it together with what it started."""
    try:
        children = process.children(recursive=True)
        process.send_signal(sent)
        if not _gone(process, seconds):
            process.kill()
            _gone(process, 5)
    except psutil.NoSuchProcess:
        return
    _, alive = psutil.wait_procs(children, timeout=2)
    for child in alive:
        child.kill()


def _gone(process: psutil.Process, seconds: float) -> bool:
    """Wait until the process has ended. One that nobody has reaped yet counts as ended."""
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error message."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"
