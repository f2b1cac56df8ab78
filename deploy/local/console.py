"""What `make up` shows: one line for each step, and the lines of the logs that somebody should read."""

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_IS_TERMINAL = sys.stdout.isatty()
_LOCK = threading.Lock()
LINES_OF_A_RECORD = 30
# A line that opens a log record, of Django and Celery, of gunicorn, or of gunicorn's access log.
_RECORD = re.compile(r"^(\[?\d{4}-\d\d-\d\d[ T]|\S+ - \S+ \[)")
_IMPORTANT = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b|^Traceback ")
# Pages that are not there and sign-ins that fail are the visitor's affair; they stay in the log file.
_EXPECTED = re.compile(r"\bWARNING django\.(request|security)\b")


def say(text: str = "") -> None:
    """Print a line of our own."""
    with _LOCK:
        print(text, flush=True)


def complain(text: str) -> None:
    """Print what went wrong on standard error."""
    with _LOCK:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show that a step is under way and, when it is over, how long it took."""
    started = time.monotonic()
    if _IS_TERMINAL:
        with _LOCK:
            print(f"  … {title}", end="", flush=True)
    try:
        yield
    except BaseException:
        _finish("✗", title, "")
        raise
    _finish("✓", title, f" ({time.monotonic() - started:.1f} s)")


def _finish(mark: str, title: str, suffix: str) -> None:
    with _LOCK:
        start = "\r\033[K" if _IS_TERMINAL else ""
        print(f"{start}  {mark} {title}{suffix}", flush=True)


class LogFilter:
    """Picks, from one program's output, the warnings and errors together with their tracebacks."""

    def __init__(self) -> None:
        self._is_showing = False
        self._shown_count = 0

    def shows(self, line: str) -> bool:
        """True when `line` belongs on the console. Lines must come in their order."""
        is_start = bool(_RECORD.match(line)) or line.startswith("Traceback ")
        if is_start or not self._is_showing:
            self._is_showing = bool(_IMPORTANT.search(line)) and not _EXPECTED.search(line)
            self._shown_count = 0
        self._shown_count += 1
        return self._is_showing and bool(line) and self._shown_count <= LINES_OF_A_RECORD
