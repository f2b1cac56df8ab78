"""Rules made ready to run: programs compiled on first use, and results built from what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from plumbline import fixes, paths
from plumbline.elements import Subject
from plumbline.engines.cel import ExpressionError, Program, compile_expression, compile_list
from plumbline.engines.expressions import scoped
from plumbline.messages import Template
from plumbline.policies import Each, FixStep, Policy, Rule
from plumbline.results import Result


@dataclass(slots=True)
class Instance:
    """An element of an object with everything that its rules' expressions see."""

    subject: Subject
    path: paths.Path
    values: Mapping[str, Any]
    activation: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)


class Check:
    """One rule of one policy."""

    def __init__(self, policy: Policy, rule: Rule) -> None:
        self.policy, self.rule = policy, rule
        self.names = rule.each.names if rule.each else ()
        self.source = scoped(rule.expression, policy.id, policy.variables)
        self._path_of = _path_source(rule.path)
        self._fix_paths = [_path_source(step.path) for step in rule.fix]

    @cached_property
    def program(self) -> Program:
        """The rule's own expression, for when the group's cannot say."""
        return self._compile(self.rule.expression)

    @cached_property
    def _message_template(self) -> Template:
        return Template(self.rule.message or "")

    @cached_property
    def _message_program(self) -> Program | None:
        return self._compile(self.rule.message_expression) if self.rule.message_expression else None

    @cached_property
    def _value_programs(self) -> list[Program | None]:
        return [
            self._compile(step.value_expression) if step.value_expression else None for step in self.rule.fix
        ]

    def failed(self, instance: Instance) -> Result:
        obj = instance.subject.object
        path = self._path(instance)
        found = paths.lookup(obj, path)
        found = None if found is paths.MISSING else found
        patch = self._patch(instance) if self.rule.fix else None
        return self._result("fail", obj, path, found, self._message(instance, found), patch)

    def passed(self, instance: Instance, relative: paths.Path | None = None) -> Result:
        """A pass; `relative` replaces the rule's path when there is no element for it."""
        obj = instance.subject.object
        path = self._path(instance) if relative is None else instance.path + relative
        found = paths.lookup(obj, path)
        return self._result("pass", obj, path, None if found is paths.MISSING else found, "", None)

    def errored(self, instance: Instance, why: str) -> Result:
        obj, path = instance.subject.object, self._path(instance)
        found = paths.lookup(obj, path)
        message = f"{self.policy.id} could not be evaluated: {why}"
        return self._result("error", obj, path, None if found is paths.MISSING else found, message, None)

    def malformed(self, obj: dict[str, Any], path: paths.Path, why: str) -> Result:
        found = paths.lookup(obj, path)
        message = f"{self.policy.id} could not be evaluated: {why}"
        return self._result("error", obj, path, None if found is paths.MISSING else found, message, None)

    def _result(
        self, status: Any, obj: Any, path: paths.Path, found: Any, message: str, fix: fixes.Patch | None
    ) -> Result:
        policy = self.policy
        text, place = paths.render(path), paths.place(obj, path)
        return Result(policy.id, self.rule.name, policy.severity, status, text, place, found, message, fix)

    def _compile(self, source: str) -> Program:
        return compile_expression(scoped(source, self.policy.id, self.policy.variables), self.names)

    def _path(self, instance: Instance) -> paths.Path:
        return _resolve(self._path_of, instance)

    def _message(self, instance: Instance, found: Any) -> str:
        if self._message_program is not None:
            try:
                return str(self._message_program.evaluate(instance.activation))
            except ExpressionError:
                return self.policy.title
        if self._message_template.is_constant:
            return self._message_template.text
        values = {**instance.values, "params": instance.params.get(self.policy.id, {}), "found": found}
        return self._message_template.fill(values)

    def _patch(self, instance: Instance) -> fixes.Patch | None:
        steps: list[fixes.Step] = []
        for step, source, program in zip(self.rule.fix, self._fix_paths, self._value_programs, strict=True):
            try:
                value = _value(step, program, instance)
            except ExpressionError:
                return None
            steps.append((step.op, _resolve(source, instance), value))
        return fixes.build_patch(instance.subject.object, steps)


class Group:
    """Checks evaluated for the same elements, as one program."""

    def __init__(self, each: Each | None, checks: tuple[Check, ...]) -> None:
        self.each, self.checks = each, checks

    @cached_property
    def program(self) -> Program:
        """Yields the list of all verdicts; errors when any of them does."""
        return compile_list([check.source for check in self.checks], self.each.names if self.each else ())


def group_checks(checks: Iterable[Check]) -> tuple[Group, ...]:
    """Checks by what they are evaluated for, in the order in which they first appear."""
    groups: dict[Each | None, list[Check]] = {}
    for check in checks:
        groups.setdefault(check.rule.each, []).append(check)
    return tuple(Group(each, tuple(members)) for each, members in groups.items())


def _path_source(text: str) -> paths.Path | Template:
    template = Template(text)
    return paths.parse(text) if template.is_constant else template


def _resolve(source: paths.Path | Template, instance: Instance) -> paths.Path:
    if isinstance(source, Template):
        source = paths.parse(source.fill(instance.values, quote=True))
    return instance.subject.absolute(source, instance.path)


def _value(step: FixStep, program: Program | None, instance: Instance) -> Any:
    return step.value if program is None else program.evaluate(instance.activation)
