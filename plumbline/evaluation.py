"""Judging objects by policies. A pass costs a fraction of a microsecond; paths, messages and fixes are made
for the rest only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plumbline.checks import Check, Instance
from plumbline.elements import MalformedError, Subject, elements_of, list_path, subject_of
from plumbline.engines.cel import ExpressionError, Program
from plumbline.groups import Grouping, Sheaf
from plumbline.policies import Each, Policy, PolicyError
from plumbline.resources import Resource, pod_spec_path
from plumbline.results import Outcome, Result


class Evaluator:
    """Judges resources by `policies` with `params` (policy id → parameters). Raises PolicyError for
    parameters that do not fit.

    Expressions are compiled when a resource first needs them. Not shared between threads.
    """

    def __init__(self, policies: Iterable[Policy], params: Mapping[str, dict[str, Any]] | None = None) -> None:
        self.policies = tuple(policies)
        given = params or {}
        unknown = sorted(set(given) - {policy.id for policy in self.policies})
        if unknown:
            raise PolicyError(f"there is no policy {unknown[0]} to give parameters to", field="params")
        self._params = {policy.id: policy.parameters(given.get(policy.id)) for policy in self.policies}
        self._checks = {policy.id: tuple(Check(policy, rule) for rule in policy.rules) for policy in self.policies}
        self._by_namespace = any(policy.match.excluded_namespaces for policy in self.policies)
        self._plans: dict[tuple[str, str, str], _Plan] = {}
        self._sheaves: dict[tuple[str, ...], tuple[Sheaf, ...]] = {}
        self._grouping = Grouping()

    def evaluate(self, resource: Resource) -> list[Result]:
        """Every result, passes included: one for each rule and element."""
        return self.judge(resource, everything=True).results

    def judge(self, resource: Resource, *, everything: bool = False) -> Outcome:
        """Counts, and the results that are not passes (all of them with `everything`). Never raises."""
        plan = self.plan(resource)
        outcome = Outcome(plan.policies)
        if not plan.sheaves:
            return outcome
        try:
            subject = subject_of(resource.object, plan.pod_path)
        except MalformedError as error:
            for sheaf in plan.sheaves:
                _malformed(sheaf, error, resource.object, outcome)
            return outcome
        data = self._vocabulary(subject)
        for sheaf in plan.sheaves:
            _judge(sheaf, subject, data, outcome, everything)
        return outcome

    def applicable(self, resource: Resource) -> tuple[str, ...]:
        """Ids of the policies that judge this resource."""
        return self.plan(resource).policies

    def programs(self, resource: Resource) -> list[tuple[Program, Any]]:
        """Each check's own compiled expression with its activation: what a bare loop would evaluate. For
        benchmarks.
        """
        plan = self.plan(resource)
        subject = subject_of(resource.object, plan.pod_path)
        data = self._vocabulary(subject)
        pairs: list[tuple[Program, Any]] = []
        for each, groups in plan.sheaves:
            for instance in _instances(each, subject, data):
                pairs.extend((check.program, instance.activation) for group in groups for check in group.checks)
        return pairs

    def forget(self) -> None:
        """Remember no verdict of objects judged so far. For benchmarks."""
        for plan in self._plans.values():
            for _, groups in plan.sheaves:
                for group in groups:
                    group.forget()

    def plan(self, resource: Resource) -> _Plan:
        """What applies to objects of this resource's kind (and namespace, when some policy excludes
        namespaces).
        """
        key = (resource.group, resource.kind, resource.namespace if self._by_namespace else "")
        plan = self._plans.get(key)
        if plan is None:
            matched = tuple(policy.id for policy in self.policies if policy.match.covers(*key))
            sheaves = self._sheaves.get(matched)
            if sheaves is None:
                checks = [check for name in matched for check in self._checks[name]]
                sheaves = self._sheaves[matched] = self._grouping.sheaves(checks)
            plan = self._plans[key] = _Plan(matched, sheaves, pod_spec_path(key[1], key[0]))
        return plan

    def _vocabulary(self, subject: Subject) -> dict[str, Any]:
        return {
            "object": subject.object,
            "params": self._params,
            "variables": {"podSpec": subject.pod_spec, "podMetadata": subject.pod_metadata},
            "namespaceObject": None,
            "request": None,
        }


class _Plan:
    __slots__ = ("pod_path", "policies", "sheaves")

    def __init__(self, policies: tuple[str, ...], sheaves: tuple[Sheaf, ...], pod_path: tuple[str, ...] | None) -> None:
        self.policies, self.sheaves, self.pod_path = policies, sheaves, pod_path


def _instances(each: Each | None, subject: Subject, data: dict[str, Any]) -> list[Instance]:
    if each is None:
        return [Instance(subject, (), {}, data)]
    return [Instance(subject, path, bindings, data) for path, bindings in elements_of(each, subject)]


def _judge(sheaf: Sheaf, subject: Subject, data: dict[str, Any], outcome: Outcome, everything: bool) -> None:
    each, groups = sheaf
    try:
        instances = _instances(each, subject, data)
    except MalformedError as error:
        _malformed(sheaf, error, subject.object, outcome)
        return
    if not instances and each is not None:
        checks = [check for group in groups for check in group.checks]
        outcome.passed += len(checks)
        if everything:
            where = list_path(each, subject)
            outcome.results.extend(check.empty(subject.object, where) for check in checks)
        return
    for instance in instances:
        for group in groups:
            verdicts = group.verdicts(instance)
            outcome.passed += verdicts.passed
            for check, verdict in verdicts.all if everything else verdicts.notable:
                outcome.results.append(_result(check, instance, verdict, outcome))


def _malformed(sheaf: Sheaf, error: MalformedError, obj: dict[str, Any], outcome: Outcome) -> None:
    for group in sheaf[1]:
        for check in group.checks:
            outcome.errored += 1
            outcome.results.append(check.malformed(obj, error.path, str(error)))


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
