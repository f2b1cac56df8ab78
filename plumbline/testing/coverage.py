"""What of a policy's expressions its cases reach: for everything that decides, whether it was seen both ways.

A condition is an operand of `&&`, `||` and `?:`, the predicate of a comprehension, the verdict of a rule, and the
value before `orValue`, which is there or is not. Each has two branches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plumbline.checks import Instance
from plumbline.engines.cel import ExpressionError, Program
from plumbline.engines.expressions import variables_of
from plumbline.evaluation import Evaluator
from plumbline.policies import Policy, Rule
from plumbline.resources import Resource
from plumbline.testing.probes import Condition, Probes, Source, instrumented


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A condition of which cases do not show both outcomes: `never false`, or `never reached`, which is two branches.

    `where` names the expression.
    """

    where: str
    line: int | None
    column: int | None
    text: str
    outcome: str

    def __str__(self) -> str:
        place = "" if self.column is None else f" column {self.column}"
        line = "" if self.line in (None, 1) else f" line {self.line}"
        return f"{self.where}{line}{place}: {self.text} {self.outcome} in the tests"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Branches of one policy; `unmeasured` says what could not be measured, and why."""

    policy: str
    taken: int
    total: int
    uncovered: tuple[Uncovered, ...]
    unmeasured: tuple[str, ...]

    @property
    def percent(self) -> float:
        """Of the branches that there are; 100 where there are none."""
        return 100 * self.taken / self.total if self.total else 100.0


class Meter:
    """Watches the expressions of one policy while its cases are judged."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._probes = Probes()
        self._unmeasured: dict[str, None] = {
            f"related.{related.name}: its key and lookup": None for related in policy.related if related.key is not None
        }
        self._names = sorted({name for rule in policy.rules if rule.each for name in rule.each.names})
        self._variables = {
            name: source
            for name, text in policy.variables
            if (source := self._source(f"variable {name}", text, self._names)) is not None
        }
        self._sources: list[tuple[str, Source]] = [
            (f"variable {name}", source) for name, source in self._variables.items()
        ]
        self._rules = {rule.name: self._watched(rule) for rule in policy.rules}

    def observe(self, evaluator: Evaluator, resource: Resource, case: str) -> None:
        """Evaluate on one object what was made to tell; the evaluator has surveyed the case's objects."""
        for check, instance in evaluator.instances(resource):
            watched = self._rules[check.rule.name]
            verdict = _outcome(check.program, instance)
            if watched.verdict is not None and _outcome(watched.verdict, instance) != verdict:
                why = f"rule {check.rule.name}: it evaluates differently when watched, in case {case!r}"
                self._unmeasured[why] = None
                watched.verdict = None
            if verdict is False:
                for program in watched.others:
                    _outcome(program, instance)

    def coverage(self) -> Coverage:
        conditions = [
            (where, condition) for where, source in self._sources for condition in _in_order(source.conditions)
        ]
        uncovered = tuple(
            Uncovered(where, condition.line, condition.column, condition.text, f"never {_outcomes(condition)}")
            for where, condition in conditions
            if condition.missing
        )
        taken = sum(len(condition.seen) for _, condition in conditions)
        return Coverage(self._policy.id, taken, 2 * len(conditions), uncovered, tuple(self._unmeasured))

    def _watched(self, rule: Rule) -> _Watched:
        watched = _Watched(self._program(f"rule {rule.name}", rule.expression, rule, counts=True), [])
        others = [("message", rule.message_expression), *(("fix", step.value_expression) for step in rule.fix)]
        for what, text in others:
            program = self._program(f"rule {rule.name} {what}", text, rule, counts=False) if text else None
            if program is not None:
                watched.others.append(program)
        return watched

    def _program(self, where: str, text: str, rule: Rule, *, counts: bool) -> Program | None:
        source = self._source(where, text, rule.each.names if rule.each else ())
        if source is None:
            return None
        try:
            needed = list(self._needed(text))
            expression = instrumented(source, needed, self._policy.id, self._probes, counts=counts)
        except Exception as error:  # the engine raises many kinds: all mean that this expression is not measured
            self._unmeasured[f"{where}: {_first_line(error)}"] = None
            return None
        self._sources.append((where, source))
        return Program(text, expression, "dyn")

    def _source(self, where: str, text: str, names: Any) -> Source | None:
        try:
            return Source(text, names)
        except Exception as error:
            self._unmeasured[f"{where}: {_first_line(error)}"] = None
            return None

    def _needed(self, text: str) -> Iterator[tuple[str, Source]]:
        """The variables that the text needs, in the order of their definition."""
        definitions = dict(self._policy.variables)
        needed: set[str] = set()
        waiting = [text]
        while waiting:
            for name in variables_of(waiting.pop()):
                if name in definitions and name not in needed:
                    needed.add(name)
                    waiting.append(definitions[name])
        for name, _ in self._policy.variables:
            if name in needed:
                yield name, self._variables[name]


@dataclass(slots=True)
class _Watched:
    """A rule's expression, and those that are evaluated when it fails."""

    verdict: Program | None
    others: list[Program]


def _outcome(program: Program, instance: Instance) -> Any:
    try:
        return program.evaluate(instance.activation)
    except ExpressionError:
        return ExpressionError


def _outcomes(condition: Condition) -> str:
    return condition.missing[0] if condition.seen else "reached"


def _in_order(conditions: Any) -> list[Condition]:
    return sorted(conditions, key=lambda condition: (condition.line or 0, condition.column or 0))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [error.__class__.__name__])[0]
