"""A policy's rules as validations of whole objects: what every CEL dialect of Kubernetes has in common."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import translate as glob_to_regex

from plumbline import paths
from plumbline.engines.expressions import variables_of
from plumbline.exports.sources import chain, message, quoted, rewrite
from plumbline.messages import Template
from plumbline.policies import ELEMENT_NAMES, Each, Policy, Rule

_POD_SPEC = (
    "object.kind == 'Pod' ? dyn(object).?spec.orValue({}) : "
    "object.kind == 'CronJob' ? dyn(object).?spec.?jobTemplate.?spec.?template.?spec.orValue({}) : "
    "object.kind == 'PodTemplate' ? dyn(object).?template.?spec.orValue({}) : "
    "dyn(object).?spec.?template.?spec.orValue({})"
)
_POD_METADATA = (
    "object.kind == 'Pod' ? dyn(object).?metadata.orValue({}) : "
    "object.kind == 'CronJob' ? dyn(object).?spec.?jobTemplate.?spec.?template.?metadata.orValue({}) : "
    "object.kind == 'PodTemplate' ? dyn(object).?template.?metadata.orValue({}) : "
    "dyn(object).?spec.?template.?metadata.orValue({})"
)
_LISTS = {
    "containers": ("initContainers", "containers", "ephemeralContainers"),
    "mainContainers": ("containers",),
    "volumes": ("volumes",),
}
# Lists that the API server shows as null when they are empty.
_NULLABLE = frozenset(("endpoints", "limits", "rules", "sources"))
# Known to the engine here and to no API server.
_FOREIGN = re.compile(
    r"\b(?:math|base64|lists)\.\w+|\bcel\.bind|\bstrings\.quote"
    r"|\.(?:reverse|flatten|distinct|sort|sortBy|slice|first|last)(?=\()"
)
# What the API server has given to every object by the time that it asks.
_STORED = re.compile(r"\bmetadata\s*\.\s*\??\s*(?:creationTimestamp|managedFields|resourceVersion|uid)\b")


class InexpressibleError(ValueError):
    """A policy that another engine cannot express; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Validation:
    """`message` is constant; `message_expression` says more, of the object at hand."""

    expression: str
    message: str
    message_expression: str | None = None


@dataclass(slots=True)
class Translation:
    """Variables in the order in which they may be used, conditions by name, validations by rule."""

    variables: list[tuple[str, str]] = field(default_factory=list)
    conditions: list[tuple[str, str]] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)


def translate(policy: Policy, params: str) -> Translation:
    """The policy for an engine that knows its parameters by the expression `params`. Raises InexpressibleError."""
    if policy.judge is not None:
        raise InexpressibleError(f"{policy.id} is a {policy.format} already")
    if policy.related:
        names = ", ".join(related.name for related in policy.related)
        raise InexpressibleError(f"{policy.id} looks at related objects ({names}), and admission sees one at a time")
    if any(_STORED.search(source) for source in (*dict(policy.variables).values(), *_expressions(policy))):
        raise InexpressibleError(
            f"{policy.id} judges manifests, which it tells from stored objects, and admission sees no manifest"
        )
    return _Translator(policy, params).translate()


def _expressions(policy: Policy) -> Iterator[str]:
    return (rule.expression for rule in policy.rules)


class _Translator:
    def __init__(self, policy: Policy, params: str) -> None:
        self._policy, self._params = policy, params
        self._definitions = dict(policy.variables)
        self._translation = Translation()
        self._defined: dict[str, str] = {}

    def translate(self) -> Translation:
        for rule in self._policy.rules:
            self._translation.validations.append(self._validation(rule))
        for pattern in self._policy.match.excluded_namespaces:
            name = "not-" + re.sub(r"[^a-z0-9]+", "-", pattern.lower()).strip("-")
            regex = glob_to_regex(pattern).removeprefix("(?s:").removesuffix(r")\Z")
            source = f"!dyn(object).metadata.?namespace.orValue('').matches({quoted(f'^{regex}$')})"
            self._translation.conditions.append((name, source))
        return self._translation

    def _validation(self, rule: Rule) -> Validation:
        bound = frozenset(rule.each.names) if rule.each else frozenset()
        expression = self._rewritten(rule.expression, bound)
        text = self._message(rule, bound)
        static = rule.message if text is None and rule.message else self._policy.title
        if rule.each is None:
            return Validation(expression, static, text)
        return Validation(
            self._over(rule.each, expression),
            static,
            self._failing(rule.each, expression, text) if text is not None else None,
        )

    def _over(self, each: Each, expression: str) -> str:
        """True when the expression is true of every element."""
        for source, name in reversed(list(self._loops(each))):
            expression = f"{source}.all({name}, {_closed(expression)})"
        return expression

    def _failing(self, each: Each, expression: str, text: str) -> str:
        """The messages of all elements of which the expression is false, joined."""
        loops = list(self._loops(each))
        source, name = loops[-1]
        texts = f"{source}.filter({name}, !({_closed(expression)})).map({name}, {_closed(text)}).join('; ')"
        for outer, outer_name in reversed(loops[:-1]):
            texts = f"{outer}.map({outer_name}, {texts}).filter(text, text != '').join('; ')"
        return texts

    def _loops(self, each: Each) -> Iterator[tuple[str, str]]:
        """Lists to go through, the outermost first, each with the name of its elements."""
        if each.inside is not None:
            lists = (f"{self._pod_spec()}.?{name}.orValue([])" for name in _LISTS[each.inside])
            yield self._define(each.inside, " + ".join(lists)), ELEMENT_NAMES[each.inside]
        if each.over is not None:
            path = paths.parse(each.over)
            root, below = (ELEMENT_NAMES[each.inside], path) if each.inside else self._root_of_object(path)
            yield _listed(chain(root, below), path), each.variable or ""

    def _message(self, rule: Rule, bound: frozenset[str]) -> str | None:
        """The message as an expression; None when it is always the same."""
        if rule.message_expression is not None:
            return self._rewritten(rule.message_expression, bound)
        if rule.message is None or Template(rule.message).is_constant:
            return None
        return message(rule.message, lambda path: self._root_of_field(path, rule, bound))

    def _root_of_field(self, path: paths.Path, rule: Rule, bound: frozenset[str]) -> tuple[str, paths.Path]:
        head = str(path[0])
        if head in bound or head in ("request", "namespaceObject"):
            return head, path[1:]
        if head == "variables":
            return self._variable(str(path[1]), bound), path[2:]
        if head == "params":
            return self._params, path[1:]
        if head == "object":
            return self._object(), path[1:]
        if head != "found":
            raise InexpressibleError(f"the message of the rule {rule.name} names {head}")
        return self._root_of_path(rule)

    def _root_of_path(self, rule: Rule) -> tuple[str, paths.Path]:
        """Where a rule points to."""
        if not Template(rule.path).is_constant:
            raise InexpressibleError(f"the path of the rule {rule.name} depends on the object")
        path = paths.parse(rule.path)
        if rule.each is None or (path and path[0] in ("podSpec", "podMetadata")):
            return self._root_of_object(path)
        return rule.each.names[-1], path

    def _root_of_object(self, path: paths.Path) -> tuple[str, paths.Path]:
        if path and path[0] == "podSpec":
            return self._pod_spec(), path[1:]
        if path and path[0] == "podMetadata":
            return self._define("podMetadata", _POD_METADATA), path[1:]
        return self._object(), path

    def _rewritten(self, source: str, bound: frozenset[str]) -> str:
        roots = {"params": self._params}
        if re.search(r"\bobject\b", source):
            roots["object"] = self._object()
        text = rewrite(source.strip(), roots, lambda name: self._variable(name, bound))
        foreign = _FOREIGN.search(text)
        if foreign is not None:
            raise InexpressibleError(f"{self._policy.id} uses {foreign[0]}, which no API server knows")
        return text

    def _variable(self, name: str, bound: frozenset[str]) -> str:
        """How a variable is read: by its name, or as its own text when it depends on the element at hand."""
        if name == "podSpec" and name not in self._definitions:
            return self._pod_spec()
        if name == "podMetadata" and name not in self._definitions:
            return self._define(name, _POD_METADATA)
        if self._depends(name, bound):
            return f"({_closed(self._rewritten(self._definitions[name], bound))})"
        return self._define(name, self._rewritten(self._definitions[name], frozenset()))

    def _depends(self, name: str, bound: frozenset[str]) -> bool:
        source = self._definitions[name]
        if any(re.search(rf"(?<![\w.])(?<!\.\?){root}\b", source) for root in bound):
            return True
        return any(self._depends(inner, bound) for inner in variables_of(source) if inner in self._definitions)

    def _object(self) -> str:
        """The object without its type: what is optional here need not be known to the schema of every kind."""
        return self._define("object", "dyn(object)")

    def _pod_spec(self) -> str:
        return self._define("podSpec", _POD_SPEC)

    def _define(self, name: str, expression: str) -> str:
        while self._defined.get(name, expression) != expression:
            name += "_"
        if name not in self._defined:
            self._defined[name] = expression
            self._translation.variables.append((name, expression))
        return f"variables.{name}"


def _listed(source: str, path: paths.Path) -> str:
    """The list at an optional, empty when there is none."""
    if path[-1] in _NULLABLE:
        return f"({source}.orValue(null) == null ? [] : {source}.orValue([]))"
    return f"{source}.orValue([])"


def _closed(expression: str) -> str:
    """The expression so that what follows is no part of a comment in it."""
    return f"{expression}\n" if "//" in expression else expression
