"""What a posture is: weighted verdicts in, a score and its coverage out. Defined in docs/posture.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

FRESH_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Posture:
    """Summed `Policy.weight`s of checks (a check = one policy on one resource) per verdict; adds with `+`.

    `unreported` stands for checks that apply but of which nothing is known: resources that a truncated report
    could not carry, and everything in a cluster that has gone silent.
    """

    passed: int = 0
    failed: int = 0
    errored: int = 0
    skipped: int = 0
    unreported: int = 0

    @property
    def evaluated(self) -> int:
        """Weight of the checks that came to a verdict."""
        return self.passed + self.failed

    @property
    def applicable(self) -> int:
        """Weight of the checks that should have come to one; those skipped on purpose are not among them."""
        return self.passed + self.failed + self.errored + self.unreported

    @property
    def score(self) -> float | None:
        """passed ÷ evaluated, 0 to 1; None when nothing was evaluated, for no data is not 100 %."""
        return self.passed / self.evaluated if self.evaluated else None

    @property
    def coverage(self) -> float | None:
        """evaluated ÷ applicable, 0 to 1; None when nothing applies."""
        return self.evaluated / self.applicable if self.applicable else None

    def as_stale(self) -> "Posture":
        """The same checks once their cluster has gone silent: all of them apply, none counts as evaluated."""
        return Posture(skipped=self.skipped, unreported=self.applicable)

    def __add__(self, other: "Posture") -> "Posture":
        return Posture(
            self.passed + other.passed,
            self.failed + other.failed,
            self.errored + other.errored,
            self.skipped + other.skipped,
            self.unreported + other.unreported,
        )


def total(postures: Iterable[Posture]) -> Posture:
    """The sum of any number of postures; of none, the empty one, whose score and coverage are None."""
    return sum(postures, Posture())


def is_stale(last_scanned_at: datetime | None, at: datetime) -> bool:
    """True when the newest merged report is more than 24 hours older than the instant `at`."""
    return last_scanned_at is None or at - last_scanned_at > FRESH_FOR


def end_of_day(day: date) -> datetime:
    """The first instant after a UTC day: the one at which that day is looked at and its staleness judged."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)
