"""Results of an object's judgement, counted: by rules, by other formats, and where nothing can be said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plumbline import paths
from plumbline.checks import Check, Instance
from plumbline.elements import MalformedError, Subject, elements_of, list_path
from plumbline.engines.cel import ExpressionError
from plumbline.groups import Sheaf
from plumbline.judges import Verdict
from plumbline.policies import Each, Policy
from plumbline.resources import Resource
from plumbline.results import Outcome, Result


def instances_of(each: Each | None, subject: Subject, data: dict[str, Any]) -> list[Instance]:
    """What `each` names in the object, or the object itself. Raises MalformedError."""
    if each is None:
        return [Instance(subject, (), {}, data)]
    return [Instance(subject, path, bindings, data) for path, bindings in elements_of(each, subject)]


def judge_sheaf(sheaf: Sheaf, subject: Subject, data: dict[str, Any], outcome: Outcome, everything: bool) -> None:
    """Every check of the sheaf on every element; passes are kept with `everything`."""
    if sheaf.is_absent_in(subject) and not everything:
        outcome.passed += len(sheaf.checks)
        return
    try:
        instances = instances_of(sheaf.each, subject, data)
    except MalformedError as error:
        malformed(sheaf, error, subject.object, outcome)
        return
    if not instances and sheaf.each is not None:
        outcome.passed += len(sheaf.checks)
        if everything:
            where = list_path(sheaf.each, subject)
            outcome.results.extend(check.empty(subject.object, where) for check in sheaf.checks)
        return
    for instance in instances:
        for group in sheaf.groups:
            verdicts = group.verdicts(instance)
            outcome.passed += verdicts.passed
            for check, verdict in verdicts.all if everything else verdicts.notable:
                outcome.results.append(_result(check, instance, verdict, outcome))


def malformed(sheaf: Sheaf, error: MalformedError, obj: dict[str, Any], outcome: Outcome) -> None:
    """An error for every check: the object is not what Kubernetes would take."""
    for check in sheaf.checks:
        outcome.errored += 1
        outcome.results.append(check.malformed(obj, error.path, str(error)))


def skip(sheaves: tuple[Sheaf, ...], why: str, outcome: Outcome) -> None:
    """A skip for every check: nothing can be said."""
    for check in _checks_of(sheaves):
        outcome.skipped += 1
        outcome.results.append(check.said("skip", why))


def fail_to_evaluate(sheaves: tuple[Sheaf, ...], error: ExpressionError, outcome: Outcome) -> None:
    """An error for every check: what they look at could not be found out."""
    for check in _checks_of(sheaves):
        outcome.errored += 1
        outcome.results.append(check.said("error", f"{check.policy.id} could not be evaluated: {error}"))


def cannot_evaluate(policy: Policy, why: str, resource: Resource, outcome: Outcome) -> None:
    """An error for every rule of a policy of any format."""
    for rule in [rule.name for rule in policy.rules] or ["parameters"]:
        outcome.errored += 1
        verdict = Verdict(rule, "error", f"{policy.id} could not be evaluated: {why}")
        outcome.results.append(foreign_result(policy, verdict, resource))


def _checks_of(sheaves: tuple[Sheaf, ...]) -> Iterator[Check]:
    return (check for sheaf in sheaves for check in sheaf.checks)


def foreign_result(policy: Policy, verdict: Verdict, resource: Resource) -> Result:
    """What a policy of another format says, with the value that its path leads to."""
    found = paths.lookup(resource.object, verdict.path) if verdict.path else None
    return Result(
        policy.id,
        verdict.rule,
        policy.severity,
        verdict.status,
        paths.render(verdict.path),
        paths.place(resource.object, verdict.path),
        None if found is paths.MISSING else found,
        verdict.message,
        None,
    )


def _result(check: Check, instance: Instance, verdict: Any, outcome: Outcome) -> Result:
    if verdict is True:
        return check.passed(instance)
    if verdict is False:
        outcome.failed += 1
        return check.failed(instance)
    outcome.errored += 1
    if isinstance(verdict, ExpressionError):
        return check.errored(instance, str(verdict))
    return check.errored(instance, f"the expression yields {verdict!r:.80}, not true or false")
