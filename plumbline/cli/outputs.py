"""Where the result of a command goes: standard output, or the file of `--output`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from plumbline.cli.arguments import UsageError


def check_output(output: str | None) -> None:
    """Raises UsageError, before the work is done, when `output` cannot be a file."""
    if output is None:
        return
    directory = Path(output).resolve().parent
    if not directory.is_dir():
        raise UsageError(f"--output {output}: there is no directory {directory}")
    if Path(output).is_dir():
        raise UsageError(f"--output {output}: is a directory")


def write_output(write: Callable[[TextIO], None], output: str | None) -> None:
    """Let `write` write to the file, or to standard output, whose reader may leave early. Raises UsageError."""
    if output is None:
        try:
            write(sys.stdout)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    try:
        with open(output, "w", encoding="utf-8", errors="backslashreplace") as stream:
            write(stream)
    except OSError as error:
        raise UsageError(f"--output {output}: cannot be written: {error.strerror or error}") from error
