"""Judging objects by policies. A pass costs a fraction of a microsecond; paths, messages and fixes are made
for the rest only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from plumbline import paths
from plumbline.checks import Check, Instance
from plumbline.elements import MalformedError, Subject, elements_of, list_path, subject_of
from plumbline.engines.cel import ExpressionError, Program
from plumbline.groups import Grouping, Sheaf
from plumbline.inventories import Inventory
from plumbline.judges import Verdict
from plumbline.policies import Each, Policy, PolicyError
from plumbline.relations import MissingError, Relation
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
        self._relations = {
            policy.id: tuple(Relation(related) for related in policy.related)
            for policy in self.policies
            if policy.related
        }
        self._inventory = Inventory()

    @property
    def needs_inventory(self) -> bool:
        """Whether some policy looks at several objects: then `survey` is to be called before `judge`."""
        return bool(self._relations) or any(policy.judge and policy.judge.needs_inventory for policy in self.policies)

    def survey(self, resources: Iterable[Resource]) -> None:
        """Take these as the set of objects that are judged together."""
        self._inventory = Inventory(resources)

    def evaluate(self, resource: Resource) -> list[Result]:
        """Every result, passes included: one for each rule and element."""
        return self.judge(resource, everything=True).results

    def judge(self, resource: Resource, *, everything: bool = False) -> Outcome:
        """Counts, and the results that are not passes (all of them with `everything`). Never raises."""
        plan = self.plan(resource)
        outcome = Outcome(plan.policies)
        if plan.sheaves or plan.related:
            self._judge_by_rules(resource, plan, outcome, everything)
        for policy in plan.foreign:
            self._judge_as_foreign(policy, resource, outcome, everything)
        return outcome

    def _judge_by_rules(self, resource: Resource, plan: _Plan, outcome: Outcome, everything: bool) -> None:
        try:
            subject = subject_of(resource.object, plan.pod_path)
        except MalformedError as error:
            for sheaf in (*plan.sheaves, *(sheaf for _, sheaves in plan.related for sheaf in sheaves)):
                _malformed(sheaf, error, resource.object, outcome)
            return
        data = self._vocabulary(subject)
        for sheaf in plan.sheaves:
            _judge(sheaf, subject, data, outcome, everything)
        for name, sheaves in plan.related:
            try:
                related = self._related(name, resource, subject)
            except MissingError as missing:
                _skip(sheaves, str(missing), outcome)
            except ExpressionError as error:
                _fail_to_evaluate(sheaves, error, outcome)
            else:
                for sheaf in sheaves:
                    _judge(sheaf, subject, {**data, "related": related}, outcome, everything)

    def _related(self, policy: str, resource: Resource, subject: Subject) -> dict[str, Any]:
        return {
            relation.name: relation.find(subject, resource.group, resource.kind, self._inventory)
            for relation in self._relations[policy]
        }

    def _judge_as_foreign(self, policy: Policy, resource: Resource, outcome: Outcome, everything: bool) -> None:
        assert policy.judge is not None
        verdicts = policy.judge.judge(resource, self._inventory, self._params[policy.id])
        if verdicts is None:
            return
        outcome.policies = (*outcome.policies, policy.id)
        for verdict in verdicts:
            if verdict.status == "pass":
                outcome.passed += 1
            elif verdict.status == "fail":
                outcome.failed += 1
            elif verdict.status == "error":
                outcome.errored += 1
            else:
                outcome.skipped += 1
            if everything or verdict.status != "pass":
                outcome.results.append(_foreign_result(policy, verdict, resource))

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
            matched = tuple(policy for policy in self.policies if policy.match.covers(*key))
            plan = self._plans[key] = self._made_plan(matched, pod_spec_path(key[1], key[0]))
        return plan

    def _made_plan(self, matched: tuple[Policy, ...], pod_path: tuple[str, ...] | None) -> _Plan:
        own = tuple(policy.id for policy in matched if policy.judge is None)
        alone = tuple(name for name in own if name not in self._relations)
        sheaves = self._sheaves.get(alone)
        if sheaves is None:
            sheaves = self._sheaves[alone] = self._grouping.sheaves(
                check for name in alone for check in self._checks[name]
            )
        related = tuple((name, self._grouping.sheaves(self._checks[name])) for name in own if name in self._relations)
        return _Plan(own, sheaves, related, tuple(policy for policy in matched if policy.judge), pod_path)

    def _vocabulary(self, subject: Subject) -> dict[str, Any]:
        return {
            "object": subject.object,
            "params": self._params,
            "variables": {"podSpec": subject.pod_spec, "podMetadata": subject.pod_metadata},
            "namespaceObject": None,
            "request": None,
            "related": {},
        }


class _Plan:
    """What judges a kind: `policies` by rules (those in `related` with other objects in view), `foreign` as they decide
    for each object.
    """

    __slots__ = ("foreign", "pod_path", "policies", "related", "sheaves")

    def __init__(
        self,
        policies: tuple[str, ...],
        sheaves: tuple[Sheaf, ...],
        related: tuple[tuple[str, tuple[Sheaf, ...]], ...],
        foreign: tuple[Policy, ...],
        pod_path: tuple[str, ...] | None,
    ) -> None:
        self.policies, self.sheaves, self.related = policies, sheaves, related
        self.foreign, self.pod_path = foreign, pod_path


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


def _skip(sheaves: tuple[Sheaf, ...], why: str, outcome: Outcome) -> None:
    for check in _checks_of(sheaves):
        outcome.skipped += 1
        outcome.results.append(check.said("skip", why))


def _fail_to_evaluate(sheaves: tuple[Sheaf, ...], error: ExpressionError, outcome: Outcome) -> None:
    for check in _checks_of(sheaves):
        outcome.errored += 1
        outcome.results.append(check.said("error", f"{check.policy.id} could not be evaluated: {error}"))


def _checks_of(sheaves: tuple[Sheaf, ...]) -> Iterator[Check]:
    return (check for _, groups in sheaves for group in groups for check in group.checks)


def _foreign_result(policy: Policy, verdict: Verdict, resource: Resource) -> Result:
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
