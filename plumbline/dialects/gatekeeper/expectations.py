"""What a case of a suite expects of the verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from plumbline.engines import patterns
from plumbline.judges import Verdict


@dataclass(frozen=True, slots=True)
class Expectation:
    """How many violations have a message in which the pattern `message` is found: a number, at least one, or none."""

    violations: int | Literal["yes", "no"] = "yes"
    message: str | None = None

    def failure(self, verdicts: Sequence[Verdict]) -> str | None:
        """Why these verdicts are not as expected, None when they are. Errors are never as expected."""
        error = next((verdict for verdict in verdicts if verdict.status == "error"), None)
        if error is not None:
            return error.message
        failed = [verdict.message for verdict in verdicts if verdict.status == "fail"]
        if self.message is not None:
            failed = [message for message in failed if patterns.matches(message, self.message)]
        if self._is_met(len(failed)):
            return None
        what = f" with a message like {self.message!r}" if self.message is not None else ""
        said = [verdict.message for verdict in verdicts if verdict.status == "fail"]
        wanted = {"yes": "at least 1", "no": "none"}.get(str(self.violations), str(self.violations))
        return f"expected {wanted} violations{what}, found {len(failed)}; all messages: {said}"

    def _is_met(self, count: int) -> bool:
        if self.violations == "yes":
            return count > 0
        return count == (0 if self.violations == "no" else self.violations)
