"""Rules made ready to run: programs compiled on first use, and results built from what they say."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

from plumbline import fixes, paths
from plumbline.elements import Subject
from plumbline.engines.cel import ExpressionError, Program, activate, compile_expression
from plumbline.engines.dependencies import parts_of
from plumbline.engines.expressions import scoped
from plumbline.engines.readings import Question
from plumbline.messages import Template
from plumbline.policies import Policy, Rule
from plumbline.results import Result, Status

REDACTED = "<redacted>"
_OWN_NAMES = frozenset(("params", "found"))


class Instance:
    """An element of an object with everything that its rules' expressions see.

    `path` leads to the element, `bindings` names it; what is costly is made when first asked for.
    """

    __slots__ = ("_activation", "_place", "_text", "_values", "bindings", "data", "path", "subject")

    def __init__(self, subject: Subject, path: paths.Path, bindings: dict[str, Any], data: dict[str, Any]) -> None:
        self.subject, self.path, self.bindings, self.data = subject, path, bindings, data
        self._activation: Any = None
        self._values: dict[str, Any] | None = None
        self._text: str | None = None
        self._place: str | None = None

    @property
    def values(self) -> dict[str, Any]:
        if self._values is None:
            self._values = {**self.data, **self.bindings} if self.bindings else self.data
        return self._values

    @property
    def activation(self) -> Any:
        if self._activation is None:
            self._activation = activate(self.values)
        return self._activation

    @property
    def text(self) -> str:
        """The element's path, rendered."""
        if self._text is None:
            self._text = paths.render(self.path)
        return self._text

    @property
    def place(self) -> str:
        """The element's path by names."""
        if self._place is None:
            self._place = paths.place(self.subject.object, self.path)
        return self._place


class Check:
    """One rule of one policy. `names` are known to its expressions besides the vocabulary: those of its elements, and
    maybe others, so that one environment of the engine serves many checks.
    """

    def __init__(self, policy: Policy, rule: Rule, names: frozenset[str] = frozenset()) -> None:
        self.policy, self.rule = policy, rule
        self.names = rule.each.names if rule.each else ()
        self._known = names.union(self.names)
        self.source = scoped(rule.expression, policy.id, policy.variables)
        self.parts = parts_of(self.source, self.names)
        self.constants = [(name,) for name in ("namespaceObject", "request") if name in self.source]
        """What is null in all that is judged here, and needs to be there all the same."""
        self.has_params = "params[" in self.source
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
    def _message_question(self) -> Question | None:
        return Question(self._compile(self.rule.message_expression)) if self.rule.message_expression else None

    @cached_property
    def _value_questions(self) -> list[Question | None]:
        return [
            Question(self._compile(step.value_expression)) if step.value_expression else None for step in self.rule.fix
        ]

    def failed(self, instance: Instance) -> Result:
        _, text, place, found = self._locate(instance)
        patch = self._patch(instance) if self.rule.fix else None
        return self._result("fail", text, place, found, self._message(instance, found), patch)

    def passed(self, instance: Instance) -> Result:
        _, text, place, found = self._locate(instance)
        return self._result("pass", text, place, found, "", None)

    def empty(self, obj: dict[str, Any], path: paths.Path) -> Result:
        """A pass because there are no elements in the list at `path`."""
        found = self._shown(paths.lookup(obj, path))
        return self._result("pass", paths.render(path), paths.place(obj, path), found, "", None)

    def errored(self, instance: Instance, why: str) -> Result:
        _, text, place, found = self._locate(instance)
        message = f"{self.policy.id} could not be evaluated: {why}"
        return self._result("error", text, place, found, message, None)

    def said(self, status: Status, why: str) -> Result:
        """What is said of the object as a whole."""
        return self._result(status, "", "", None, why, None)

    def malformed(self, obj: dict[str, Any], path: paths.Path, why: str) -> Result:
        found = self._shown(paths.lookup(obj, path))
        message = f"{self.policy.id} could not be evaluated: {why}"
        return self._result("error", paths.render(path), paths.place(obj, path), found, message, None)

    def _result(self, status: Any, text: str, place: str, found: Any, message: str, fix: fixes.Patch | None) -> Result:
        policy = self.policy
        return Result(policy.id, self.rule.name, policy.severity, status, text, place, found, message, fix)

    def _locate(self, instance: Instance) -> tuple[paths.Path, str, str, Any]:
        """The rule's path in this object, as steps and as text, by names, and what is found there."""
        path = self._path(instance)
        found = self._shown(paths.lookup(instance.subject.object, path))
        depth = len(instance.path)
        if depth and path[:depth] == instance.path:
            text, place = _suffixes(path[depth:])
            if place is not None:
                return path, instance.text + text, instance.place + place, found
        elif not depth:
            text, place = _suffixes(path)
            if place is not None:
                return path, text.removeprefix("."), place.removeprefix("."), found
        return path, paths.render(path), paths.place(instance.subject.object, path), found

    def _shown(self, found: Any) -> Any:
        """What may be told of the value at the path: nothing but that it is there when it may be a secret."""
        if found is paths.MISSING or found is None:
            return None
        return REDACTED if self.rule.is_sensitive else found

    def _compile(self, source: str) -> Program:
        return compile_expression(scoped(source, self.policy.id, self.policy.variables), self._known)

    def _path(self, instance: Instance) -> paths.Path:
        return _resolve(self._path_of, instance)

    def _message(self, instance: Instance, found: Any) -> str:
        if self._message_question is not None:
            try:
                return str(self._message_question.ask(instance.values))
            except ExpressionError:
                return self.policy.title
        if self._message_template.is_constant:
            return self._message_template.text
        values = instance.values
        if self._message_template.heads & _OWN_NAMES:
            values = {**values, "params": values["params"].get(self.policy.id, {}), "found": found}
        return self._message_template.fill(values)

    def _patch(self, instance: Instance) -> fixes.Patch | None:
        steps: list[fixes.Step] = []
        for step, source, question in zip(self.rule.fix, self._fix_paths, self._value_questions, strict=True):
            try:
                value = step.value if question is None else _sorted(question.ask(instance.values))
            except ExpressionError:
                return None
            steps.append((step.op, _resolve(source, instance), value))
        return fixes.build_patch(instance.subject.object, steps)


@lru_cache(maxsize=4096)
def _suffixes(path: paths.Path) -> tuple[str, str | None]:
    """How a path goes on below an element, and the same by names: None when that depends on the object."""
    text = paths.render(("x", *path))[1:]
    return text, None if any(step.__class__ is int for step in path) else "".join(f".{step}" for step in path)


def _sorted(value: Any) -> Any:
    """Maps by their keys: the engine hands them out in another order in every process."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _path_source(text: str) -> paths.Path | Template:
    template = Template(text)
    return paths.parse(text) if template.is_constant else template


def _resolve(source: paths.Path | Template, instance: Instance) -> paths.Path:
    if isinstance(source, Template):
        source = paths.parse(source.fill(instance.values, quote=True))
    return instance.subject.absolute(source, instance.path)
