"""What the command takes."""

from __future__ import annotations

import argparse

from plumbline import __version__
from plumbline.results import SEVERITIES

_EXIT_CODES = """\
exit codes:
  0  no violation at or above --fail-on
  1  violations at or above --fail-on
  2  unusable arguments, or input that could not be read or reported; what could be read is still
     scanned and printed. 2 wins over 1.
"""
_FIX_EXIT_CODES = """\
exit codes:
  0  no violation that has a fix is left
  1  some are left: in the files (without --write), or because their fix was refused
  2  unusable arguments, or a file that could not be read or written; the others are still fixed.
     2 wins over 1.
"""

_EXPORT_EXIT_CODES = """\
exit codes:
  0  all that was asked for is printed; with --all, what the engine cannot express is named on standard error
  2  unusable arguments, or a named policy that the engine cannot express; the others are still printed
"""


_REPORT_EXIT_CODES = """\
exit codes:
  0  everything was read, and reported if --report-to was given
  2  unusable arguments, documents that cannot be read, or a report that was not accepted
"""


class UsageError(Exception):
    """Arguments that cannot be used; the message says what to change."""


def build_parser() -> argparse.ArgumentParser:
    """Every sub-command sets `run`, a function from the options to the exit code."""
    from plumbline.cli import authors, catalogue, scan, standards

    parser = argparse.ArgumentParser(
        prog="plumbline",
        description="Policy as code for Kubernetes: judge manifests before they are delivered.",
    )
    parser.add_argument("--version", action="version", version=f"plumbline {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_scan(commands, scan.run)
    _add_fix(commands)
    policy = commands.add_parser("policy", help="list, show, export or document the library's policies, or start one")
    verbs = policy.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", help="one a line").set_defaults(run=catalogue.list_policy)
    show = verbs.add_parser("show", help="all about one")
    show.add_argument("name", metavar="ID")
    show.set_defaults(run=catalogue.show_policy)
    _add_export(verbs)
    authors.add_policy_verbs(verbs)
    standards.add_commands(commands)
    _add_report(commands)
    authors.add_test(commands)
    authors.add_schema(commands)
    return parser


def _add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    def run(options: argparse.Namespace) -> int:
        from plumbline.cli import report

        return report.run(options)

    report = commands.add_parser(
        "report",
        help="report what other engines found",
        description="Read PolicyReports, OpenReports and audited Gatekeeper constraints from files, directories and "
        "standard input (kubectl get polr -A -o yaml | plumbline report -), and post them to a Plumbline server.",
        epilog=_REPORT_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    report.set_defaults(run=run)
    report.add_argument("paths", nargs="+", metavar="PATH", help="a file, a directory, or - for standard input")
    report.add_argument("--report-to", metavar="URL", help="the server; without it, only say what would be reported")
    report.add_argument("--token", help="the cluster's token (default: the environment variable PLUMBLINE_TOKEN)")
    report.add_argument("--source", default="", metavar="NAME", help="the engine of reports that name none")
    report.add_argument(
        "--complete",
        action="store_true",
        help="this is all that the engines say of the cluster: what only they knew and no longer name is gone",
    )


def _add_export(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    def run(options: argparse.Namespace) -> int:
        from plumbline.cli import exports

        return exports.run(options)

    export = verbs.add_parser(
        "export",
        help="policies as documents that the API server, Gatekeeper or Kyverno enforces",
        description="Print policies as YAML documents that another engine enforces, with the same verdict and message.",
        epilog=_EXPORT_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.set_defaults(run=run)
    export.add_argument("ids", nargs="*", metavar="ID", help="a policy of the library, or of --policies")
    export.add_argument("--all", action="store_true", help="every policy that the engine can express")
    export.add_argument(
        "--policies", action="append", default=[], metavar="DIR", help="policies of your own; the same id replaces one"
    )
    export.add_argument("--format", choices=("vap", "gatekeeper", "kyverno"), default="vap")
    export.add_argument("--params", metavar="FILE", help="YAML: policy id → parameters, written into the documents")
    export.add_argument(
        "--enforcement",
        choices=("audit", "warn", "enforce"),
        default="enforce",
        help="what the engine does about a violation (default: enforce)",
    )


def _add_scan(commands: argparse._SubParsersAction[argparse.ArgumentParser], run: object) -> None:
    scan = commands.add_parser(
        "scan",
        help="judge manifests",
        description="Judge the objects in files, directories (*.yaml *.yml *.json) and standard input.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    scan.set_defaults(run=run)
    scan.add_argument("paths", nargs="+", metavar="PATH", help="a file, a directory, or - for standard input")
    _add_selection(scan)
    output = scan.add_argument_group("what to print")
    output.add_argument("--all", action="store_true", help="passes and skips too")
    output.add_argument("--format", choices=("table", "json", "sarif", "junit"), default="table")
    output.add_argument("--output", metavar="FILE", help="write there instead of to standard output")
    output.add_argument(
        "--fail-on",
        choices=(*SEVERITIES, "never"),
        default="high",
        help="least severity that makes the exit code 1 (default: high)",
    )
    report = scan.add_argument_group("where to report")
    report.add_argument("--report-to", metavar="URL", help="post what was found to a Plumbline server")
    report.add_argument("--token", help="the cluster's token (default: the environment variable PLUMBLINE_TOKEN)")


def _add_selection(command: argparse.ArgumentParser) -> None:
    from plumbline.cli import scoping

    selection = command.add_argument_group("what to check")
    selection.add_argument(
        "--policies",
        action="append",
        default=[],
        metavar="DIR",
        help="policies of your own, besides the library's; the same id replaces it",
    )
    selection.add_argument(
        "--standard",
        action="append",
        default=[],
        metavar="NAME",
        help="only this standard's policies (repeatable)",
    )
    selection.add_argument(
        "--policy",
        action="append",
        default=[],
        metavar="ID",
        help="only this policy (repeatable, adds to --standard)",
    )
    selection.add_argument("--params", metavar="FILE", help="YAML: policy id → parameters, or PolicyParameters")
    scoping.add_options(command)


def _add_fix(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fix = commands.add_parser(
        "fix",
        help="mend manifests",
        description="Apply the fixes of violated policies to files, directories (*.yaml *.yml *.json) and standard "
        "input. Lines that a fix does not touch stay as they are.",
        epilog=_FIX_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fix.set_defaults(run=_run_fix)
    fix.add_argument("paths", nargs="+", metavar="PATH", help="a file, a directory, or - for standard input")
    _add_selection(fix)
    result = fix.add_argument_group("what to do with the result").add_mutually_exclusive_group()
    result.add_argument("--diff", action="store_true", help="print a unified diff and change nothing (the default)")
    result.add_argument(
        "--write", action="store_true", help="write the files; of standard input, the fixed text to standard output"
    )


def _run_fix(options: argparse.Namespace) -> int:
    from plumbline.cli import fix  # here, because what edits text would slow the start of a scan

    return fix.run(options)
