"""What a run of tests says: to a person, to CI as JUnit XML, to a program as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, TextIO

from plumbline.formats import suites
from plumbline.messages import as_text
from plumbline.results import Result
from plumbline.testing.coverage import Coverage, Uncovered
from plumbline.testing.foreign import SuiteRun
from plumbline.testing.running import CaseRun, PolicyRun, Run

_OUTCOMES: Final[dict[str, suites.Outcome]] = {"failed": "failure", "error": "error"}  # of suites, in words of JUnit
_MAX_UNCOVERED: Final = 20
_MAX_TEXT: Final = 100


def write_table(run: Run, stream: TextIO) -> None:
    """Every difference with what was found, what tests do not reach, then one line of counts."""
    for policy in run.policies:
        for case in policy.cases:
            if case.differences:
                stream.write("\n".join(_printable(line) for line in _difference_lines(policy, case)) + "\n\n")
        if policy.missing:
            stream.write(f"FAIL  {policy.policy.id}: {_missing(policy)}\n\n")
    for suite in run.suites:
        for result in suite.cases:
            if result.outcome in _OUTCOMES:
                name = f"{suite.test}: {result.case}" if result.case else suite.test
                lines = (f"FAIL  {name}", f"      {suite.file}, judged by {suite.engine}", f"      {result.message}")
                stream.write("\n".join(map(_printable, lines)) + "\n\n")
    for problem in run.problems:
        line = f":{problem.line}" if problem.line else ""
        stream.write(f"UNUSABLE  {_printable(f'{problem.file}{line}: {problem.message}')}\n")
    if run.problems:
        stream.write("\n")
    if run.coverages:
        _write_coverage(run, stream)
    stream.write(summary(run) + "\n")


def write_junit(run: Run, stream: TextIO) -> None:
    """A suite for each policy, a case for each of its cases."""
    written = [*map(_suite, run.policies), *map(_foreign_suite, run.suites)]
    unusable = suites.Suite("policies", "plumbline")
    for problem in run.problems:
        name = f"{problem.file}:{problem.line}" if problem.line else str(problem.file)
        text = f"{name}: {problem.message}"
        unusable.cases.append(suites.Case(name, "error", problem.message, "unusable", text))
    suites.write_suites([*written, *([unusable] if unusable.cases else [])], stream)


def write_json(run: Run, stream: TextIO) -> None:
    """All of it; the shape is described in docs/authoring.md."""
    document = {
        "summary": {
            "policies": len(run.policies),
            "suites": len(run.suites),
            "cases": run.cases,
            "passed": run.passed,
            "coverage": _totals(run.coverages) if run.coverages else None,
            "seconds": round(run.seconds, 3),
        },
        "policies": [_policy_document(policy) for policy in run.policies],
        "suites": [
            {
                "file": suite.file,
                "test": suite.test,
                "engine": suite.engine,
                "cases": [
                    {"name": case.case, "outcome": case.outcome, "message": case.message} for case in suite.cases
                ],
            }
            for suite in run.suites
        ],
        "problems": [
            {"file": problem.file, "line": problem.line, "message": problem.message} for problem in run.problems
        ],
    }
    json.dump(document, stream, ensure_ascii=False, indent=2, default=str)
    stream.write("\n")


def summary(run: Run) -> str:
    """Counts by engine, in one line."""
    parts = [f"{run.passed} of {run.cases} cases passed"]
    if run.policies or not run.suites:
        parts.append(_counted(run.policies, "policy", "policies"))
    if run.suites:
        parts.append(_counted(run.suites, "test of gator's suites", "tests of gator's suites"))
    one_sided = sum(bool(policy.missing) for policy in run.policies)
    if one_sided:
        parts.append(f"{one_sided} without tests on both sides")
    if run.problems:
        parts.append(f"{len(run.problems)} unusable")
    if run.coverages:
        totals = _totals(run.coverages)
        parts.append(f"coverage {totals['percent']:.1f} % ({totals['taken']} of {totals['total']} branches)")
    return f"{', '.join(parts)}, in {run.seconds:.1f} s"


def _counted(runs: Sequence[PolicyRun | SuiteRun], one: str, many: str) -> str:
    """How many there are, and by which engines they were judged."""
    engines = Counter(item.engine for item in runs)
    judged = ", ".join(f"{count} by {engine}" for engine, count in sorted(engines.items()))
    return f"{len(runs)} {one if len(runs) == 1 else many}{f' ({judged})' if judged else ''}"


def percent(run: Run) -> float:
    """The branches reached, of all; 100 when there are none."""
    return float(_totals(run.coverages)["percent"])


def _totals(coverages: list[Coverage]) -> dict[str, Any]:
    taken, total = sum(item.taken for item in coverages), sum(item.total for item in coverages)
    return {"taken": taken, "total": total, "percent": round(100 * taken / total, 2) if total else 100.0}


def _difference_lines(policy: PolicyRun, run: CaseRun) -> Iterator[str]:
    yield f"FAIL  {policy.policy.id}: {run.case.name}"
    yield f"      {policy.tests}:{run.case.line}, judged by {policy.engine}"
    for difference in run.differences:
        what, _, text = difference.partition(": ")
        expected, comma, got = text.partition(", got ")
        yield f"      {what:<8} {expected}"
        if comma:
            yield f"      {'':<8} got {got}"
    shown = [result for result in run.results if result.status != "pass"] or run.results
    for result in shown:
        yield f"      {'result':<8} {_result(result)}"
    if not shown:
        yield f"      {'result':<8} none: the policy does not judge {_kind(run)}"


def _kind(run: CaseRun) -> str:
    return f"{run.case.object.get('apiVersion')} {run.case.object.get('kind')}"


def _result(result: Result) -> str:
    found = "nothing" if result.found is None else as_text(result.found)
    text = f"{result.status} {result.rule} at {result.path or '(the object itself)'}, found {found}"
    return f"{text}: {result.message}" if result.message else text


def _missing(policy: PolicyRun) -> str:
    if not policy.cases:
        return "has no tests" if policy.tests is None else "has no case that can be used"
    return f"has no case that expects {' nor one that expects '.join(policy.missing)}"


def _write_coverage(run: Run, stream: TextIO) -> None:
    incomplete = [item for item in run.coverages if item.uncovered or item.unmeasured]
    if incomplete:
        stream.write("Not reached by the tests\n")
    for coverage in sorted(incomplete, key=lambda item: (item.percent, item.policy)):
        stream.write(f"  {coverage.policy}: {coverage.taken} of {coverage.total} branches\n")
        for item in coverage.uncovered[:_MAX_UNCOVERED]:
            stream.write(f"    {_printable(_short(item))}\n")
        if len(coverage.uncovered) > _MAX_UNCOVERED:
            stream.write(f"    and {len(coverage.uncovered) - _MAX_UNCOVERED} more\n")
        for text in coverage.unmeasured:
            stream.write(f"    not measured: {_printable(text)}\n")
    if incomplete:
        stream.write("\n")


def _short(item: Uncovered) -> str:
    text = item.text if len(item.text) <= _MAX_TEXT else f"{item.text[: _MAX_TEXT - 1]}…"
    return str(Uncovered(item.where, item.line, item.column, text, item.outcome))


def _suite(policy: PolicyRun) -> suites.Suite:
    suite = suites.Suite(policy.policy.id, policy.policy.category)
    suite.properties = {"engine": policy.engine, "file": str(policy.policy.file)}
    if policy.coverage is not None:
        suite.properties["coverage"] = f"{policy.coverage.taken}/{policy.coverage.total}"
    for run in policy.cases:
        differs = bool(run.differences)
        text = "\n".join(_difference_lines(policy, run)) if differs else ""
        message = "; ".join(run.differences)
        outcome: suites.Outcome | None = "failure" if differs else None
        suite.cases.append(suites.Case(run.case.name, outcome, message, "difference", text, run.seconds))
    if policy.missing:
        message = _missing(policy)
        suite.cases.append(suites.Case("is tested on both sides", "failure", message, "one-sided", message))
    return suite


def _foreign_suite(run: SuiteRun) -> suites.Suite:
    suite = suites.Suite(run.test or "suite", "gator", properties={"engine": run.engine, "file": run.file})
    for case in run.cases:
        name = case.case or run.test
        outcome: suites.Outcome | None = "skipped" if case.outcome == "skipped" else _OUTCOMES.get(case.outcome)
        text = f"{run.file}: {case.message}"
        suite.cases.append(suites.Case(name, outcome, case.message, case.outcome, text))
    return suite


def _policy_document(policy: PolicyRun) -> dict[str, Any]:
    return {
        "id": policy.policy.id,
        "format": policy.policy.format,
        "engine": policy.engine,
        "file": policy.policy.file,
        "tests": policy.tests,
        "missing": list(policy.missing),
        "cases": [
            {
                "name": run.case.name,
                "line": run.case.line,
                "expected": run.case.expect,
                "got": run.got,
                "differences": run.differences,
                "results": [
                    {name: getattr(result, name) for name in ("rule", "status", "path", "found", "message", "fix")}
                    for result in run.results
                    if run.differences
                ],
            }
            for run in policy.cases
        ],
        "coverage": _coverage_document(policy.coverage) if policy.coverage is not None else None,
    }


def _coverage_document(coverage: Coverage) -> dict[str, Any]:
    return {
        "taken": coverage.taken,
        "total": coverage.total,
        "uncovered": [
            {name: getattr(item, name) for name in ("where", "line", "column", "text", "outcome")}
            for item in coverage.uncovered
        ],
        "unmeasured": list(coverage.unmeasured),
    }


def _printable(text: str) -> str:
    """Without what would steer a terminal."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
