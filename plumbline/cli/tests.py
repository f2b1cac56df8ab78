"""`plumbline test`: policies judged by their own tests."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from plumbline.cli.arguments import UsageError
from plumbline.cli.outputs import check_output, write_output
from plumbline.spelling import nearest
from plumbline.testing import reports
from plumbline.testing.running import Run
from plumbline.testing.suites import ids_below, run_directory

_WRITERS = {"table": reports.write_table, "junit": reports.write_junit, "json": reports.write_json}


def run(options: argparse.Namespace) -> int:
    """0 when all is as expected and covered enough, 1 when not, 2 when something cannot be used."""
    directory = Path(options.directory)
    if not directory.is_dir():
        raise UsageError(f"{directory}: is not a directory")
    check_output(options.output)
    measure = options.coverage or options.min_coverage is not None
    found = run_directory(directory, only=options.policy, measure=measure)
    _check_found(found, directory, options.policy)
    write_output(partial(_WRITERS[options.format], found), options.output)
    if options.output is not None:
        print(f"plumbline: {reports.summary(found)}", file=sys.stderr)
    covered = reports.percent(found) if measure else 100.0
    is_covered = options.min_coverage is None or covered >= options.min_coverage
    if not is_covered:
        print(f"plumbline: coverage is {covered:.1f} %, below {options.min_coverage:g} %", file=sys.stderr)
    if found.problems:
        return 2
    return 0 if found.is_good and is_covered else 1


def _check_found(found: Run, directory: Path, wanted: list[str]) -> None:
    if wanted:
        known = ids_below(directory)
        for name in wanted:
            if name not in known:
                raise UsageError(f"there is no policy {name} below {directory}{nearest(name, known)}")
    elif not found.policies and not found.suites and not found.problems:
        raise UsageError(f"{directory}: there is no policy.yaml, no tests.yaml and no suite of gator below it")
