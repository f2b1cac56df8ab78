"""What an evaluation says: results, and outcomes that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Status = Literal["pass", "fail", "error", "skip"]
Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")


def severity_rank(severity: str) -> int:
    """0 for low up to 3 for critical. ValueError for any other word."""
    return SEVERITIES.index(severity)


class Result(NamedTuple):
    """The verdict of one rule on one element of a resource.

    `path` is where (with list indexes), `place` the same with names instead of indexes: the identity of a
    violation.
    `found` is the value at `path`, None when there is none. `fix` is an RFC 6902 patch of the whole object,
    or None. `exception` names what made a skip of a violation.
    """

    policy: str
    rule: str
    severity: Severity
    status: Status
    path: str
    place: str
    found: Any
    message: str
    fix: list[dict[str, Any]] | None
    exception: str | None = None


@dataclass(slots=True)
class Outcome:
    """What was found out about one resource.

    `policies` names those that apply to it, `results` holds every result that is not a pass (and, when all
    were asked for, the passes).
    """

    policies: tuple[str, ...] = ()
    passed: int = 0
    failed: int = 0
    errored: int = 0
    skipped: int = 0
    results: list[Result] = field(default_factory=list)

    @property
    def checks(self) -> int:
        return self.passed + self.failed + self.errored + self.skipped
