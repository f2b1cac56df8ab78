"""`plumbline scan`."""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Iterator
from functools import partial

from plumbline.cli.arguments import UsageError
from plumbline.cli.outputs import check_output, write_output
from plumbline.cli.scoping import scoping_of
from plumbline.cli.selection import build_evaluator
from plumbline.manifests import LoadError
from plumbline.scanning import Progress, Scan, scan

# A scan makes many small objects and no cycles: collecting as often as usual costs a tenth of its time.
_GARBAGE_THRESHOLD = 100_000


def run(options: argparse.Namespace) -> int:
    """Scan, print, report; the exit code."""
    token = options.token or os.environ.get("PLUMBLINE_TOKEN")
    if options.report_to and not token:
        raise UsageError("--report-to needs --token, or PLUMBLINE_TOKEN in the environment")
    check_output(options.output)
    problems: list[LoadError] = []
    scoping = scoping_of(options)
    evaluator = build_evaluator(options.policies, options.standard, options.policy, options.params, problems, scoping)
    gc.freeze()
    gc.set_threshold(_GARBAGE_THRESHOLD)
    with _progress() as progress:
        found = scan(
            options.paths,
            evaluator,
            stdin=sys.stdin.buffer,
            everything=options.all or options.format == "junit",
            keep=bool(options.report_to),
            progress=progress,
        )
    found.errors[:0] = problems
    write = importlib.import_module(f"plumbline.formats.{options.format}").write
    write_output(partial(write, found), options.output)
    reported = _report(found, options.report_to, token) if options.report_to and token else True
    if found.errors or not reported:
        return 2
    return 1 if options.fail_on != "never" and found.violates(options.fail_on) else 0


def _report(found: Scan, url: str, token: str) -> bool:
    from datetime import UTC, datetime

    from plumbline.reports import ReportError, build_report, send_report
    from plumbline.reports.digests import policy_set_digest

    report = build_report(found, scanned_at=datetime.now(UTC), policy_set=policy_set_digest(found.policies))
    try:
        receipt = send_report(url, token, report, progress=_sent if sys.stderr.isatty() else None)
    except ReportError as error:
        print(f"plumbline: the report was not accepted: {error}", file=sys.stderr)
        return False
    number = f"{found.resources} resource{'' if found.resources == 1 else 's'}"
    print(f"plumbline: reported {number} to {url} as {receipt.get('id')}", file=sys.stderr)
    return True


def _sent(count: int, total: int) -> None:
    end = "" if count < total else "\r\x1b[K"
    if total > 1:
        sys.stderr.write(f"\rsent {count} of {total} parts …\x1b[K{end}")
        sys.stderr.flush()


@contextlib.contextmanager
def _progress() -> Iterator[Progress | None]:
    """A counter on a terminal's standard error; small scans end before it is seen."""
    if not sys.stderr.isatty():
        yield None
        return

    def show(resources: int, violations: int) -> None:
        sys.stderr.write(f"\r{resources} resources, {violations} violations …\x1b[K")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
