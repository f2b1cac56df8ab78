"""The `plumbline` command. Exit codes: 0 fine, 1 violations, 2 unusable arguments or unreadable input (2
wins over 1).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code. No input ends in a traceback."""
    _end_when_interrupted()
    from plumbline.cli.arguments import UsageError, build_parser

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = build_parser().parse_args(arguments)
        code: int = options.run(options)
        sys.stdout.flush()
    except UsageError as error:
        print(f"plumbline: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        _forget_stdout()
        return 0
    except RecursionError:
        print("plumbline: the input is nested too deeply", file=sys.stderr)
        return 2
    finally:
        _restore()
    return code


def _end_when_interrupted() -> None:
    """Only where Python would raise KeyboardInterrupt: a process told to ignore the signal goes on doing so."""
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, _interrupted)


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    """End at once: the expression engine would take a KeyboardInterrupt for an error of the expression."""
    start = "\r\x1b[K" if os.isatty(2) else ""
    os.write(2, f"{start}plumbline: interrupted\n".encode())
    os._exit(INTERRUPTED)


def _restore() -> None:
    if signal.getsignal(signal.SIGINT) is _interrupted:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _forget_stdout() -> None:
    """Whoever read the output has left: what is still buffered must not raise once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
