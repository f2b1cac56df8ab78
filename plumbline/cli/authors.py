"""What authors of policies use: new, test, docs, schema. Each is imported when it runs: a scan starts without them."""

from __future__ import annotations

import argparse

from plumbline.results import SEVERITIES

_Commands = argparse._SubParsersAction

_TEST_EXIT_CODES = """\
exit codes:
  0  every case is as expected, and every policy has tests on both sides
  1  some are not, or the coverage is below --min-coverage
  2  unusable arguments, policies or tests; the others still run. 2 wins over 1.
"""


def add_test(commands: _Commands[argparse.ArgumentParser]) -> None:
    """`plumbline test`."""

    def run(options: argparse.Namespace) -> int:
        from plumbline.cli import tests

        return tests.run(options)

    test = commands.add_parser(
        "test",
        help="run the tests of policies",
        description="Judge the objects in every tests.yaml below a directory by the policy beside it, and compare the "
        "verdicts, paths and messages with what is expected. Fixes must make their own rules pass.",
        epilog=_TEST_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    test.set_defaults(run=run)
    test.add_argument("directory", metavar="DIR")
    test.add_argument("--policy", action="append", default=[], metavar="ID", help="only this policy (repeatable)")
    test.add_argument("--format", choices=("table", "junit", "json"), default="table")
    test.add_argument("--output", metavar="FILE", help="write there instead of to standard output")
    test.add_argument("--coverage", action="store_true", help="say which branches of the expressions no case reaches")
    test.add_argument(
        "--min-coverage", type=_percentage, metavar="N", help="least percentage of branches (implies --coverage)"
    )


def add_schema(commands: _Commands[argparse.ArgumentParser]) -> None:
    """`plumbline schema`."""

    def run(options: argparse.Namespace) -> int:
        from plumbline.cli import schemas

        return schemas.run(options)

    schema = commands.add_parser(
        "schema", help="print a JSON schema", description="Print a JSON schema, for editors and other tools."
    )
    schema.set_defaults(run=run)
    schema.add_argument("name", nargs="?", metavar="NAME", help="without a name, list them")


def add_policy_verbs(verbs: _Commands[argparse.ArgumentParser]) -> None:
    """`plumbline policy new` and `plumbline policy docs`."""

    def run_new(options: argparse.Namespace) -> int:
        from plumbline.cli import authoring

        return authoring.new(options)

    def run_docs(options: argparse.Namespace) -> int:
        from plumbline.cli import pages

        return pages.run(options)

    new = verbs.add_parser(
        "new",
        help="start a policy of your own",
        description="Write DIR/<category>/<id>/policy.yaml and tests.yaml: a policy that works, to be changed.",
    )
    new.set_defaults(run=run_new)
    new.add_argument("id", metavar="ID", help="small letters, digits and hyphens, at most 63")
    new.add_argument("--category", default="metadata", metavar="C", help="default: metadata")
    new.add_argument("--severity", choices=SEVERITIES, default="medium", help="default: medium")
    new.add_argument("--kinds", default="workloads", metavar="K,...", help="default: workloads")
    new.add_argument("--dir", default="policies", metavar="DIR", help="default: policies")
    docs = verbs.add_parser(
        "docs",
        help="write the catalogue as Markdown",
        description="Write the library as Markdown: a page for each policy and each standard, and an index.",
    )
    docs.set_defaults(run=run_docs)
    docs.add_argument("--output", default="docs/catalogue", metavar="DIR", help="default: docs/catalogue")
    docs.add_argument("--check", action="store_true", help="change nothing; exit 1 and name what is stale")


def _percentage(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is no percentage from 0 to 100")
    return value
