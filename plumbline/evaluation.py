"""Judging objects by policies. A pass costs a fraction of a microsecond; paths, messages and fixes are made
for the rest only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plumbline.checks import Check, Instance
from plumbline.elements import MalformedError, Subject, subject_of
from plumbline.engines.cel import ExpressionError, Program, activate
from plumbline.exceptions import ExceptionSet, PolicyException
from plumbline.groups import Grouping, Sheaf
from plumbline.inventories import Inventory
from plumbline.outcomes import (
    cannot_evaluate,
    fail_to_evaluate,
    foreign_result,
    instances_of,
    judge_sheaf,
    malformed,
    skip,
)
from plumbline.parameters import Entry, Overlay, ScopedParameters
from plumbline.policies import Policy, PolicyError, is_excluded
from plumbline.relations import MissingError, Relation, Seeker
from plumbline.resources import Resource, pod_spec_path
from plumbline.results import Outcome, Result
from plumbline.scopes import Scopes


class Evaluator:
    """Judges resources by `policies` with `params` (policy id → parameters), which `overlays` vary by scope; violations
    that `exceptions` hold for are skips. `scopes` says where resources live. Raises PolicyError for parameters that do
    not fit.

    Expressions are compiled when a resource first needs them. Not shared between threads.
    """

    def __init__(
        self,
        policies: Iterable[Policy],
        params: Mapping[str, dict[str, Any]] | None = None,
        *,
        overlays: Iterable[Entry] = (),
        exceptions: Iterable[PolicyException] = (),
        scopes: Scopes | None = None,
    ) -> None:
        self.policies = tuple(policies)
        given = params or {}
        unknown = sorted(set(given) - {policy.id for policy in self.policies})
        if unknown:
            raise PolicyError(f"there is no policy {unknown[0]} to give parameters to", field="params")
        self._scopes = scopes or Scopes()
        self._parameters = ScopedParameters(overlays, self.policies, given)
        self.exceptions = ExceptionSet(tuple(exceptions), self.policies, self._scopes)
        names = frozenset(
            name for policy in self.policies for rule in policy.rules if rule.each for name in rule.each.names
        )
        self._checks = {
            policy.id: tuple(Check(policy, rule, names) for rule in policy.rules) for policy in self.policies
        }
        self._exclusions = frozenset(
            pattern for policy in self.policies for pattern in policy.match.excluded_namespaces
        )
        self._excluded: dict[str, frozenset[str]] = {}
        self._plans: dict[tuple[str, str, frozenset[str], Overlay], _Plan] = {}
        self._sheaves: dict[tuple[tuple[str, ...], Overlay], tuple[Sheaf, ...]] = {}
        self._grouping = Grouping(names)
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
            self._judge_as_foreign(policy, plan, resource, outcome, everything)
        for policy, why in plan.broken:
            cannot_evaluate(policy, why, resource, outcome)
        self.exceptions.apply(resource, outcome)
        return outcome

    def _judge_by_rules(self, resource: Resource, plan: _Plan, outcome: Outcome, everything: bool) -> None:
        try:
            subject = subject_of(resource.object, plan.pod_path)
        except MalformedError as error:
            for sheaf in (*plan.sheaves, *(sheaf for _, sheaves in plan.related for sheaf in sheaves)):
                malformed(sheaf, error, resource.object, outcome)
            return
        data = _vocabulary(subject, plan)
        for sheaf in plan.sheaves:
            judge_sheaf(sheaf, subject, data, outcome, everything)
        seeker = Seeker(subject.object, resource)
        for name, sheaves in plan.related:
            try:
                related = self._related(name, seeker)
            except MissingError as missing:
                skip(sheaves, str(missing), outcome)
            except ExpressionError as error:
                fail_to_evaluate(sheaves, error, outcome)
            else:
                for sheaf in sheaves:
                    judge_sheaf(sheaf, subject, {**data, "related": related}, outcome, everything)

    def _related(self, policy: str, seeker: Seeker) -> dict[str, Any]:
        return {relation.name: relation.find(seeker, self._inventory) for relation in self._relations[policy]}

    def _judge_as_foreign(
        self, policy: Policy, plan: _Plan, resource: Resource, outcome: Outcome, everything: bool
    ) -> None:
        assert policy.judge is not None
        verdicts = policy.judge.judge(resource, self._inventory, plan.overlay.params[policy.id])
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
                outcome.results.append(foreign_result(policy, verdict, resource))

    def applicable(self, resource: Resource) -> tuple[str, ...]:
        """Ids of the policies that judge this resource."""
        return self.plan(resource).policies

    def instances(self, resource: Resource) -> Iterator[tuple[Check, Instance]]:
        """Each rule with each element of the resource that it judges; none where it cannot be known what to judge."""
        plan = self.plan(resource)
        with contextlib.suppress(MalformedError):
            subject = subject_of(resource.object, plan.pod_path)
            data = _vocabulary(subject, plan)
            everything = [(plan.sheaves, data)]
            for name, sheaves in plan.related:
                with contextlib.suppress(MissingError, ExpressionError):
                    related = self._related(name, Seeker(subject.object, resource))
                    everything.append((sheaves, {**data, "related": related}))
            for sheaves, seen in everything:
                for sheaf in sheaves:
                    with contextlib.suppress(MalformedError):
                        for instance in instances_of(sheaf.each, subject, seen):
                            yield from ((check, instance) for check in sheaf.checks)

    def programs(self, resource: Resource) -> list[tuple[Program, Any]]:
        """Each check's own compiled expression with an activation of all that it may see: what a bare loop would
        evaluate. For benchmarks.
        """
        found: list[tuple[Program, Any]] = []
        last: Instance | None = None
        shared: Any = None
        for check, instance in self.instances(resource):
            if instance is not last:
                last, shared = instance, activate({**instance.values, "params": {}})
            if check.has_params:
                params = {check.policy.id: instance.data["params"][check.policy.id]}
                found.append((check.program, activate({**instance.values, "params": params})))
            else:
                found.append((check.program, shared))
        return found

    def forget(self) -> None:
        """Remember no verdict of objects judged so far. For benchmarks."""
        self._grouping.forget()

    def plan(self, resource: Resource) -> _Plan:
        """What applies to objects of this resource's kind (and namespace, when some policy excludes namespaces), with
        the parameters that hold where it lives.
        """
        parameters = self._parameters
        overlay = parameters.of(self._scopes.of(resource)) if parameters.vary else parameters.base
        group, kind, excluding = resource.group, resource.kind, self._excluding(resource.namespace)
        plan = self._plans.get((group, kind, excluding, overlay))
        if plan is None:
            matched = tuple(
                policy
                for policy in self.policies
                if policy.match.covers(group, kind) and excluding.isdisjoint(policy.match.excluded_namespaces)
            )
            plan = self._plans[group, kind, excluding, overlay] = self._made_plan(
                matched, overlay, pod_spec_path(kind, group)
            )
        return plan

    def _excluding(self, namespace: str) -> frozenset[str]:
        """The patterns of excluded namespaces that this one fits."""
        found = self._excluded.get(namespace)
        if found is None:
            found = self._excluded[namespace] = self._exclusions and frozenset(
                pattern for pattern in self._exclusions if is_excluded(namespace, pattern)
            )
        return found

    def _made_plan(self, matched: tuple[Policy, ...], overlay: Overlay, pod_path: tuple[str, ...] | None) -> _Plan:
        sound = tuple(policy for policy in matched if policy.id not in overlay.broken)
        own = tuple(policy.id for policy in sound if policy.judge is None)
        alone = tuple(name for name in own if name not in self._relations)
        sheaves = self._sheaves.get((alone, overlay))
        if sheaves is None:
            checks = (check for name in alone for check in self._checks[name])
            sheaves = self._sheaves[alone, overlay] = self._grouping.sheaves(checks, overlay.versions)
        return _Plan(
            policies=own + tuple(policy.id for policy in matched if policy.id in overlay.broken),
            sheaves=sheaves,
            related=tuple(
                (name, self._grouping.sheaves(self._checks[name], overlay.versions))
                for name in own
                if name in self._relations
            ),
            foreign=tuple(policy for policy in sound if policy.judge),
            broken=tuple((policy, overlay.broken[policy.id]) for policy in matched if policy.id in overlay.broken),
            overlay=overlay,
            pod_path=pod_path,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What judges a kind: `policies` by rules (those in `related` with other objects in view), `foreign` as they decide
    for each object; `broken` cannot judge, and why.
    """

    policies: tuple[str, ...]
    sheaves: tuple[Sheaf, ...]
    related: tuple[tuple[str, tuple[Sheaf, ...]], ...]
    foreign: tuple[Policy, ...]
    broken: tuple[tuple[Policy, str], ...]
    overlay: Overlay
    pod_path: tuple[str, ...] | None


def _vocabulary(subject: Subject, plan: _Plan) -> dict[str, Any]:
    return {
        "object": subject.object,
        "params": plan.overlay.params,
        "variables": {"podSpec": subject.pod_spec, "podMetadata": subject.pod_metadata},
        "namespaceObject": None,
        "request": None,
        "related": {},
    }
