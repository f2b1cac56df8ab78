"""Whether a policy may be enforced: only when its own tests pass on the engine that will run it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from plumbline.engines import patterns
from plumbline.inventories import Inventory
from plumbline.judges import Judge, Verdict
from plumbline.resources import Resource


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


@dataclass(frozen=True, slots=True)
class GateTest:
    """An object, judged together with others, and what is expected of the verdicts."""

    name: str
    resource: Resource
    expectations: Sequence[Expectation]
    others: Sequence[Resource] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """Names of the tests that passed on `engine`, and of those that failed with the reason."""

    engine: str
    passed: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = field(default=())

    @property
    def is_open(self) -> bool:
        """Whether the policy may be enforced: it has tests, and all of them pass."""
        return bool(self.passed) and not self.failed


def gate(judge: Judge, tests: Iterable[GateTest], params: dict[str, object] | None = None) -> Gate:
    """Run a policy's own tests on the engine that its judge uses here."""
    passed, failed = [], []
    for test in tests:
        verdicts = judge.judge(test.resource, Inventory(test.others), dict(params or {})) or []
        reasons = [reason for item in test.expectations if (reason := item.failure(verdicts)) is not None]
        if reasons or not test.expectations:
            failed.append((test.name, "; ".join(reasons) or "expects nothing"))
        else:
            passed.append(test.name)
    return Gate(judge.engine, tuple(passed), tuple(failed))
