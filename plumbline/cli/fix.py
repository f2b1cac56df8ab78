"""`plumbline fix`."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from plumbline.cli.scoping import scoping_of
from plumbline.cli.selection import build_evaluator
from plumbline.edits import Fixed, fix_text
from plumbline.edits.files import Original, read, write
from plumbline.evaluation import Evaluator
from plumbline.manifests import LoadError, load
from plumbline.manifests.files import MAX_FILE_BYTES
from plumbline.resources import Resource

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_STDIN = "-"


def run(options: argparse.Namespace) -> int:
    """Fix, print or write; the exit code."""
    scoping = scoping_of(options)
    evaluator = build_evaluator(options.policies, options.standard, options.policy, options.params, scoping=scoping)
    stdin = sys.stdin.buffer.read(MAX_FILE_BYTES + 1) if _STDIN in options.paths else b""
    names, problems = _survey(options.paths, stdin, evaluator)
    report = _Report(is_written=options.write)
    for name in names:
        try:
            original = read(name, stdin if name == _STDIN else None)
            fixed = fix_text(original.text, evaluator, name)
            if not fixed.errors:
                _put(original, fixed, options.paths, options.write)
        except OSError as error:
            problems.append(LoadError(name, None, f"left as it is: {error.strerror or error}"))
            continue
        except ValueError as error:
            problems.append(LoadError(name, None, f"left as it is: {error}"))
            continue
        report.add(name, original, fixed)
    sys.stdout.flush()
    for problem in problems:
        line = f":{problem.line}" if problem.line else ""
        print(f"plumbline: {problem.file}{line}: {problem.message}", file=sys.stderr)
    print(report.text(), file=sys.stderr)
    if problems:
        return 2
    return 1 if report.refused or (report.fixed and not options.write) else 0


def _survey(paths: Iterable[str], stdin: bytes, evaluator: Evaluator) -> tuple[list[str], list[LoadError]]:
    """The files that can be fixed, in order, and what cannot be read. A file with a part that cannot be read is left
    alone.
    """
    names: dict[str, None] = {}
    problems: list[LoadError] = []
    resources: list[Resource] = []
    for item in load(paths, BytesIO(stdin)):
        if isinstance(item, LoadError):
            problems.append(item)
        elif item.file is not None:
            names[item.file] = None
            resources.append(item)
    if evaluator.needs_inventory:
        evaluator.survey(resources)
    broken = {problem.file for problem in problems}
    return [name for name in names if name not in broken], problems


def _put(original: Original, fixed: Fixed, paths: Iterable[str], is_written: bool) -> None:
    """The diff to standard output, or the fixed text to where the original came from."""
    changed = fixed.text != original.text
    if not is_written:
        sys.stdout.flush()
        sys.stdout.buffer.write("".join(_diff(original, fixed.text)).encode("utf-8", "surrogateescape"))
    elif original.name == _STDIN:
        sys.stdout.flush()
        sys.stdout.buffer.write(original.encoded(fixed.text))
    elif changed:
        write(original, fixed.text, paths)


def _diff(original: Original, text: str) -> Iterable[str]:
    """A unified diff that `patch -p1` and `git apply` take."""
    before, after = _LINE.findall(original.mark + original.text), _LINE.findall(original.mark + text)
    name = _shown(original.name)
    for line in difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _shown(name: str) -> str:
    """The file as seen from the working directory, if it lies below it."""
    if name == _STDIN:
        return "stdin"
    relative = os.path.relpath(name)
    return Path(name if relative.startswith("..") else relative).as_posix().lstrip("/")


class _Report:
    """What was done and what is left, for standard error."""

    def __init__(self, *, is_written: bool) -> None:
        self.fixed = 0
        self._is_written = is_written
        self._files = 0
        self._without: Counter[str] = Counter()
        self.refused: list[str] = []

    def add(self, name: str, original: Original, fixed: Fixed) -> None:
        self.fixed += fixed.fixed
        self._files += fixed.text != original.text
        for violation in fixed.remaining:
            if violation.reason is None:
                self._without[violation.policy] += 1
            else:
                where = f"{name}:{violation.line}" if violation.line else name
                self.refused.append(f"  {where}: {violation.policy}: {violation.path}: {violation.reason}")

    def text(self) -> str:
        lines = ["nothing to fix"]
        if self.fixed:
            deed = "fixed" if self._is_written else "can be fixed (write them with --write)"
            lines = [f"{_count(self.fixed, 'violation')} in {_count(self._files, 'file')} {deed}"]
        if self.refused:
            lines += [f"{_count(len(self.refused), 'fix', 'es')} refused:", *self.refused]
        if self._without:
            names = ", ".join(f"{name} ({count})" for name, count in sorted(self._without.items()))
            number = _count(self._without.total(), "violation")
            lines.append(f"{number} without a fix, see `plumbline policy show`: {names}")
        return "\n".join(lines)


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}{'' if number == 1 else plural}"
