"""`plumbline policy docs`: the catalogue as a site of Markdown."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from plumbline.catalogue import Catalogue, compare, pages, write
from plumbline.cli.arguments import UsageError
from plumbline.library import library_policies, library_standards
from plumbline.policies import Policy, PolicyError
from plumbline.testing.cases import Case, load_cases


def run(options: argparse.Namespace) -> int:
    """0 when the pages are as they should be, or were made so; 1 when --check finds others."""
    try:
        policies = {policy.id: policy for policy in library_policies()}
        standards = {standard.name: standard for standard in library_standards()}
    except PolicyError as error:
        raise UsageError(str(error)) from error
    made = pages(Catalogue(policies, {name: _cases(policy) for name, policy in policies.items()}, standards))
    directory = Path(options.output)
    try:
        differences = compare(directory, made)
        if differences.foreign:
            name = directory / differences.foreign[0]
            raise UsageError(f"{name}: was not written by this command: move it away first")
        if not options.check:
            write(directory, made, differences)
    except OSError as error:
        raise UsageError(f"{error.filename or directory}: {error.strerror or error}") from error
    if options.check:
        for what in ("missing", "changed", "stale"):
            for name in getattr(differences, what):
                print(f"{directory / name}: {what}")
        return 1 if differences else 0
    count = len(differences.missing) + len(differences.changed)
    print(f"{directory}: {len(made)} pages, {count} written, {len(differences.stale)} removed", file=sys.stderr)
    return 0


def _cases(policy: Policy) -> list[Case]:
    assert policy.file is not None
    file = Path(policy.file).with_name("tests.yaml")
    cases, problems = load_cases(file)
    if problems:
        raise UsageError(f"{problems[0].file}:{problems[0].line or 1}: {problems[0].message}")
    return cases
