"""A scan: every resource that the sources hold, judged, with counts and findings."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from plumbline.evaluation import Evaluator
from plumbline.exceptions import Standing
from plumbline.manifests import LoadError, LoadStatistics, load
from plumbline.policies import Policy
from plumbline.resources import Resource
from plumbline.results import Outcome, Result, severity_rank
from plumbline.scopes import API_VERSION

Progress = Callable[[int, int], None]
_PROGRESS_EVERY = 100
_IGNORED = "was not applied: it stands among the manifests, and exceptions are read from elsewhere (--exceptions)"


@dataclass(frozen=True, slots=True)
class Subject:
    """Which resource a finding is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    file: str | None
    line: int | None

    @property
    def title(self) -> str:
        """`Kind namespace/name`."""
        name = self.name or "(unnamed)"
        return f"{self.kind} {self.namespace}/{name}" if self.namespace else f"{self.kind} {name}"


class Finding(NamedTuple):
    """A result with the resource it is about and the line of its field."""

    subject: Subject
    result: Result
    line: int | None


@dataclass(slots=True)
class Judged:
    """A resource with its outcome and the line of each of the outcome's results."""

    resource: Resource
    outcome: Outcome
    lines: list[int | None]


@dataclass(slots=True)
class Scan:
    """What a scan found. `judged` is filled only when the scan was told to keep resources, as a report needs
    them.
    """

    policies: tuple[Policy, ...]
    resources: int = 0
    passed: int = 0
    failed: int = 0
    errored: int = 0
    skipped: int = 0
    findings: list[Finding] = field(default_factory=list)
    errors: list[LoadError] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    exceptions: list[Standing] = field(default_factory=list)
    ignored: int = 0
    duration_seconds: float = 0.0

    @property
    def checks(self) -> int:
        return self.passed + self.failed + self.errored + self.skipped

    def violates(self, threshold: str) -> bool:
        """Whether any violation is at least as severe as `threshold`."""
        least = severity_rank(threshold)
        return any(
            finding.result.status == "fail" and severity_rank(finding.result.severity) >= least
            for finding in self.findings
        )


def scan(
    sources: Iterable[Path | str],
    evaluator: Evaluator,
    *,
    stdin: BinaryIO | None = None,
    everything: bool = False,
    keep: bool = False,
    progress: Progress | None = None,
) -> Scan:
    """Judge all that `sources` hold. `everything` keeps passes among the findings, `keep` the resources
    themselves.

    `progress` is called now and then with the number of resources and of violations so far.
    """
    started = time.perf_counter()
    found = Scan(evaluator.policies)
    statistics = LoadStatistics()
    loaded: Iterable[Resource | LoadError] = load(sources, stdin, statistics)
    if evaluator.needs_inventory:
        loaded = list(loaded)
        evaluator.survey(item for item in loaded if isinstance(item, Resource))
    for item in loaded:
        if isinstance(item, LoadError):
            found.errors.append(item)
            continue
        if item.kind == "PolicyException" and item.api_version == API_VERSION:
            found.exceptions.append(_ignored(item))
        _count(found, item, evaluator.judge(item, everything=everything), keep)
        if progress is not None and found.resources % _PROGRESS_EVERY == 0:
            progress(found.resources, found.failed)
    found.exceptions[:0] = _standings(found, evaluator)
    found.ignored = statistics.ignored
    found.duration_seconds = time.perf_counter() - started
    return found


def _standings(found: Scan, evaluator: Evaluator) -> list[Standing]:
    if not evaluator.exceptions.exceptions:
        return []
    return evaluator.exceptions.standings(Counter(finding.result.exception for finding in found.findings))


def _ignored(document: Resource) -> Standing:
    """Exceptions among manifests would be granted by whoever writes manifests."""
    return Standing(document.name, (), "ignored", detail=_IGNORED, file=document.file, line=document.line)


def _count(found: Scan, resource: Resource, outcome: Outcome, keep: bool) -> None:
    found.resources += 1
    found.passed += outcome.passed
    found.failed += outcome.failed
    found.errored += outcome.errored
    found.skipped += outcome.skipped
    lines: list[int | None] = []
    if outcome.results:
        subject = Subject(
            resource.api_version,
            resource.kind,
            resource.namespace,
            resource.name,
            resource.file,
            resource.line,
        )
        lines = [resource.line_of(result.path) for result in outcome.results]
        found.findings.extend(map(Finding, [subject] * len(lines), outcome.results, lines))
    resource.locate = None
    if keep:
        found.judged.append(Judged(resource, outcome, lines))
