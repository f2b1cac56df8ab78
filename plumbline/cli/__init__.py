"""The `plumbline` command. Exit codes: 0 fine, 1 violations, 2 unusable arguments or unreadable input (2
wins over 1).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from plumbline.cli.arguments import UsageError, build_parser

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code. No input ends in a traceback."""
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
    except KeyboardInterrupt:
        print("plumbline: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return 0
    except RecursionError:
        print("plumbline: the input is nested too deeply", file=sys.stderr)
        return 2
    return code


def _forget_stdout() -> None:
    """Whoever read the output has left: what is still buffered must not raise once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
