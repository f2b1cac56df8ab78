"""Judging objects by policies. A pass costs a fraction of a microsecond; paths, messages and fixes are made
for the rest only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plumbline import paths
from plumbline.checks import Check, Group, Instance, group_checks
from plumbline.elements import MalformedError, Subject, elements_of, list_path, subject_of
from plumbline.engines.cel import ExpressionError, Program, activate
from plumbline.policies import Policy, PolicyError
from plumbline.resources import Resource, pod_spec_path
from plumbline.results import Outcome, Result


class Evaluator:
    """Judges resources by `policies` with `params` (policy id → parameters). Raises PolicyError for
    parameters that do not fit.

    Expressions are compiled when a resource first needs them. Not shared between threads.
    """

    def __init__(
        self, policies: Iterable[Policy], params: Mapping[str, dict[str, Any]] | None = None
    ) -> None:
        self.policies = tuple(policies)
        given = params or {}
        unknown = sorted(set(given) - {policy.id for policy in self.policies})
        if unknown:
            raise PolicyError(f"there is no policy {unknown[0]} to give parameters to", field="params")
        self._params = {policy.id: policy.parameters(given.get(policy.id)) for policy in self.policies}
        self._checks = {
            policy.id: tuple(Check(policy, rule) for rule in policy.rules) for policy in self.policies
        }
        self._by_namespace = any(policy.match.excluded_namespaces for policy in self.policies)
        self._plans: dict[tuple[str, str, str], _Plan] = {}
        self._groups: dict[tuple[str, ...], tuple[Group, ...]] = {}

    def evaluate(self, resource: Resource) -> list[Result]:
        """Every result, passes included: one for each rule and element."""
        return self.judge(resource, everything=True).results

    def judge(self, resource: Resource, *, everything: bool = False) -> Outcome:
        """Counts, and the results that are not passes (all of them with `everything`). Never raises."""
        plan = self.plan(resource)
        outcome = Outcome(plan.policies)
        if not plan.groups:
            return outcome
        try:
            subject = subject_of(resource.object, plan.pod_path)
        except MalformedError as error:
            self._malformed(plan.groups, error, resource.object, outcome)
            return outcome
        data = self._vocabulary(subject)
        for group in plan.groups:
            self._judge_group(group, subject, data, outcome, everything)
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
        for group in plan.groups:
            for _, bindings in self._instances(group, subject):
                activation = activate({**data, **bindings})
                pairs.extend((check.program, activation) for check in group.checks)
        return pairs

    def plan(self, resource: Resource) -> _Plan:
        """What applies to objects of this resource's kind (and namespace, when some policy excludes
        namespaces).
        """
        key = (resource.group, resource.kind, resource.namespace if self._by_namespace else "")
        plan = self._plans.get(key)
        if plan is None:
            matched = tuple(policy.id for policy in self.policies if policy.match.covers(*key))
            groups = self._groups.get(matched)
            if groups is None:
                checks = [check for name in matched for check in self._checks[name]]
                groups = self._groups[matched] = group_checks(checks)
            plan = self._plans[key] = _Plan(matched, groups, pod_spec_path(key[1], key[0]))
        return plan

    def _vocabulary(self, subject: Subject) -> dict[str, Any]:
        return {
            "object": subject.object,
            "params": self._params,
            "variables": {"podSpec": subject.pod_spec, "podMetadata": subject.pod_metadata},
            "namespaceObject": None,
            "request": None,
        }

    @staticmethod
    def _instances(group: Group, subject: Subject) -> list[tuple[paths.Path, dict[str, Any]]]:
        return [((), {})] if group.each is None else elements_of(group.each, subject)

    def _judge_group(
        self, group: Group, subject: Subject, data: dict[str, Any], outcome: Outcome, everything: bool
    ) -> None:
        try:
            instances = self._instances(group, subject)
        except MalformedError as error:
            self._malformed((group,), error, subject.object, outcome)
            return
        if not instances and group.each is not None:
            outcome.passed += len(group.checks)
            if everything:
                where = list_path(group.each, subject)
                outcome.results.extend(
                    check.passed(Instance(subject, where, {}), ()) for check in group.checks
                )
            return
        for path, bindings in instances:
            values = {**data, **bindings}
            activation = activate(values)
            try:
                verdicts = group.program.evaluate(activation)
            except ExpressionError:
                verdicts = [_verdict(check, activation) for check in group.checks]
            instance: Instance | None = None
            for check, verdict in zip(group.checks, verdicts, strict=True):
                if verdict is True:
                    outcome.passed += 1
                    if not everything:
                        continue
                if instance is None:
                    instance = Instance(subject, path, values, activation, self._params)
                outcome.results.append(_result(check, instance, verdict, outcome))

    @staticmethod
    def _malformed(
        groups: Iterable[Group], error: MalformedError, obj: dict[str, Any], outcome: Outcome
    ) -> None:
        for group in groups:
            for check in group.checks:
                outcome.errored += 1
                outcome.results.append(check.malformed(obj, error.path, str(error)))


class _Plan:
    __slots__ = ("groups", "pod_path", "policies")

    def __init__(
        self, policies: tuple[str, ...], groups: tuple[Group, ...], pod_path: tuple[str, ...] | None
    ) -> None:
        self.policies, self.groups, self.pod_path = policies, groups, pod_path


def _verdict(check: Check, activation: Any) -> Any:
    try:
        return check.program.evaluate(activation)
    except ExpressionError as error:
        return error


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
