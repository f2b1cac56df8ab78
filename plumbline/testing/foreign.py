"""Tests that come with policies of other formats: the suites of gator, Gatekeeper's own tool."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from plumbline.dialects.gatekeeper import suites
from plumbline.manifests import LoadError
from plumbline.policies import PolicyError

_SUFFIXES: Final = (".yaml", ".yml")


@dataclass(slots=True)
class SuiteRun:
    """The cases of one test of a suite, all judged by the same engine."""

    file: str
    test: str
    cases: list[suites.CaseResult] = field(default_factory=list)

    @property
    def engine(self) -> str:
        """What judged them, for people; `none` when nothing could."""
        return next((case.engine for case in self.cases if case.engine), "none")

    @property
    def passed(self) -> int:
        return sum(case.outcome == "passed" for case in self.cases)

    @property
    def is_good(self) -> bool:
        return all(case.outcome in ("passed", "skipped") for case in self.cases)


def run_suites(directory: Path) -> tuple[list[SuiteRun], list[LoadError]]:
    """Run every suite below `directory`; what cannot be used is named."""
    runs: list[SuiteRun] = []
    problems: list[LoadError] = []
    for file in _suite_files(directory):
        try:
            results = suites.run_suite(file)
        except PolicyError as error:
            problems.append(LoadError(str(file), None, str(error).removeprefix(f"{file}: ")))
            continue
        if not results:
            problems.append(LoadError(str(file), None, "holds no test"))
        by_test: dict[str, SuiteRun] = {}
        for result in results:
            by_test.setdefault(result.test, SuiteRun(str(file), result.test)).cases.append(result)
        runs.extend(by_test.values())
    return runs, problems


def _suite_files(directory: Path) -> Iterator[Path]:
    """Files that speak of gator's group, outside of hidden directories."""
    for folder, below, names in os.walk(directory):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if name.endswith(_SUFFIXES) and _holds_suite(file):
                yield file


def _holds_suite(file: Path) -> bool:
    try:
        text = file.read_bytes()
    except OSError:  # a broken link, a file that may not be read: whoever judges by it says so
        return False
    return suites.GROUP.encode() in text and b"Suite" in text
