"""Running cases: the policy's verdict on each object, and where it differs from what was expected."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from plumbline.evaluation import Evaluator
from plumbline.fixes import FixError, apply_patch
from plumbline.manifests import LoadError
from plumbline.nulls import without_nulls
from plumbline.policies import Policy, PolicyError
from plumbline.resources import Resource
from plumbline.results import Result
from plumbline.testing.cases import Case
from plumbline.testing.coverage import Coverage, Meter
from plumbline.testing.foreign import SuiteRun

_MAX_FIXES: Final = 50
_WORST_FIRST: Final = ("fail", "error", "skip", "pass")


@dataclass(slots=True)
class CaseRun:
    """A case as it was judged: `got` is the verdict, `differences` is empty when all is as expected."""

    case: Case
    got: str
    results: list[Result]
    differences: list[str]
    seconds: float


@dataclass(slots=True)
class PolicyRun:
    """All cases of one policy. `engine` names what judged it, `missing` the verdicts that no case expects."""

    policy: Policy
    engine: str
    tests: str | None
    cases: list[CaseRun] = field(default_factory=list)
    missing: tuple[str, ...] = ()
    coverage: Coverage | None = None

    @property
    def passed(self) -> int:
        return sum(not run.differences for run in self.cases)

    @property
    def is_good(self) -> bool:
        return not self.missing and self.passed == len(self.cases)


@dataclass(slots=True)
class Run:
    """Everything below a directory; `problems` are files that cannot be used."""

    policies: list[PolicyRun] = field(default_factory=list)
    suites: list[SuiteRun] = field(default_factory=list)
    problems: list[LoadError] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def coverages(self) -> list[Coverage]:
        return [run.coverage for run in self.policies if run.coverage is not None]

    @property
    def is_good(self) -> bool:
        return all(run.is_good for run in self.policies) and all(run.is_good for run in self.suites)

    @property
    def cases(self) -> int:
        return sum(len(run.cases) for run in self.policies) + sum(len(run.cases) for run in self.suites)

    @property
    def passed(self) -> int:
        return sum(run.passed for run in self.policies) + sum(run.passed for run in self.suites)


def engine_of(policy: Policy) -> str:
    """What judges by the policy, for people."""
    return policy.judge.engine if policy.judge is not None else "CEL"


def run_cases(policy: Policy, cases: Sequence[Case], tests: str | None, *, measure: bool = False) -> PolicyRun:
    """Judge every case's object by the policy alone."""
    run = PolicyRun(policy, engine_of(policy), tests)
    meter = Meter(policy) if measure and policy.judge is None else None
    evaluators: dict[str, Evaluator] = {}
    for case in cases:
        started = time.perf_counter()
        key = json.dumps(case.params, sort_keys=True)
        try:
            evaluator = evaluators.get(key) or Evaluator([policy], {policy.id: case.params} if case.params else {})
        except PolicyError as error:
            run.cases.append(CaseRun(case, "error", [], [f"params: {error}"], 0.0))
            continue
        evaluators[key] = evaluator
        results = _judged(evaluator, case.object, case)
        differences = [*_differences(case, results), *_fix_differences(policy, evaluator, case, results)]
        if meter is not None:
            _survey(evaluator, case.object, case)
            meter.observe(evaluator, Resource(case.object), case.name)
        seconds = time.perf_counter() - started
        run.cases.append(CaseRun(case, verdict_of(results), results, differences, seconds))
    expected = {case.expect for case in cases}
    run.missing = tuple(word for word in ("pass", "fail") if word not in expected)
    if meter is not None:
        run.coverage = meter.coverage()
    elif measure:
        run.coverage = Coverage(policy.id, 0, 0, (), (f"a {policy.format} is judged as a whole",))
    return run


def verdict_of(results: Sequence[Result]) -> str:
    """The worst of the results; `none` when there are none."""
    statuses = {result.status for result in results}
    return next((status for status in _WORST_FIRST if status in statuses), "none")


def _judged(evaluator: Evaluator, obj: dict[str, Any], case: Case) -> list[Result]:
    _survey(evaluator, obj, case)
    return evaluator.evaluate(Resource(obj))


def _survey(evaluator: Evaluator, obj: dict[str, Any], case: Case) -> None:
    if evaluator.needs_inventory:
        evaluator.survey(Resource(item) for item in (obj, *case.related))


def _differences(case: Case, results: Sequence[Result]) -> list[str]:
    got = verdict_of(results)
    if got != case.expect:
        return [f"verdict: expected {case.expect}, got {got}"]
    said = [result for result in results if result.status == case.expect]
    for name in ("rule", "path", "message"):
        wanted = getattr(case, name)
        if wanted is None:
            continue
        there = list(dict.fromkeys(getattr(result, name) for result in said))
        if wanted not in there:
            return [f"{name}: expected {_shown(wanted)}, got {' and '.join(map(_shown, there))}"]
        said = [result for result in said if getattr(result, name) == wanted]
    return []


def _shown(text: str) -> str:
    return text or "(the object itself)"


def _fix_differences(policy: Policy, evaluator: Evaluator, case: Case, results: Sequence[Result]) -> list[str]:
    fixable = _fixable(policy)
    if case.expect != "fail" or not any(_is_to_fix(result, fixable) for result in results):
        return [] if case.fixed is None else ["fix: no failing rule has one"]
    try:
        obj = mended(policy, evaluator, case)
    except FixError as error:
        return [f"fix: {error}"]
    return [] if case.fixed in (None, obj) else [f"fixed: expected {_json(case.fixed)}, got {_json(obj)}"]


def mended(policy: Policy, evaluator: Evaluator, case: Case) -> dict[str, Any]:
    """The case's object after all fixes of the policy, one at a time because list indexes move.

    Raises FixError when a failing rule that has a fix proposes none, or still fails after it.
    """
    fixable = _fixable(policy)
    obj = without_nulls(case.object)
    for _ in range(_MAX_FIXES):
        failing = [result for result in _judged(evaluator, obj, case) if _is_to_fix(result, fixable)]
        if not failing:
            return obj
        result = failing[0]
        where = f"rule {result.rule} at {_shown(result.path)}"
        if not result.fix:
            raise FixError(f"{where} proposes none")
        obj = apply_patch(obj, result.fix)
    raise FixError(f"{where} still fails after its fix")


def _fixable(policy: Policy) -> set[str]:
    return {rule.name for rule in policy.rules if rule.fix}



def _is_to_fix(result: Result, fixable: set[str]) -> bool:
    return result.status == "fail" and result.rule in fixable


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
