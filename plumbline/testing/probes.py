"""Expressions made to tell which way they go: every operand that decides something reports its value.

The engine itself evaluates them, on the tree that it would evaluate anyway. A probe is a function that hands on the
value it is given; an operand that is never reached, or errors, reports nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from plumbline.engines import messages, probing
from plumbline.engines.rewriting import runnable
from plumbline.testing.spans import Spans

_LOGIC = ("_&&_", "_||_")
_CONDITIONAL = "_?_:_"
_OPTIONAL_MACROS = ("optMap", "optFlatMap")


@dataclass(slots=True)
class Condition:
    """One operand that decides: `truth` is true or false, `presence` is there or falls back to a default.

    `column` counts from 1 in the line of the expression, both None when the engine sees a rewritten source.
    """

    kind: Literal["truth", "presence"]
    text: str
    line: int | None
    column: int | None
    seen: set[bool] = field(default_factory=set)

    @property
    def missing(self) -> list[str]:
        """The outcomes that nothing has shown."""
        words = ("true", "false") if self.kind == "truth" else ("present", "absent")
        return [word for word, outcome in zip(words, (True, False), strict=True) if outcome not in self.seen]


class Probes:
    """Conditions by number, and the environment in which they report."""

    def __init__(self) -> None:
        self._conditions: list[Condition] = []
        self._environment = probing.probing_environment(self._report)

    def add(self, condition: Condition) -> int:
        self._conditions.append(condition)
        return len(self._conditions) - 1

    def program(self, tree: Any, envelope: bytes) -> Any:
        return self._environment.deserialize(messages.serialize(tree, envelope))

    def _report(self, number: int, outcome: bool) -> bool:
        self._conditions[number].seen.add(outcome)
        return outcome


class Source:
    """One expression of a policy, whose conditions are the same wherever it is used. Raises what the engine raises."""

    def __init__(self, text: str, names: Sequence[str]) -> None:
        self.text = runnable(text)
        self._is_as_written = self.text == text
        self.serialized = probing.serialized(text, tuple(sorted(names)))
        self.conditions: list[Condition] = []
        self._spans = Spans(self.text)
        self._positions = {entry.key: entry.value for entry in self.tree().source_info.positions}
        self._numbers: dict[tuple[int, str], int] = {}

    def tree(self) -> Any:
        return messages.parse(self.serialized)

    def number(self, node: int, kind: Literal["truth", "presence"], probes: Probes) -> int:
        """The probe of the condition at a node of the source's own tree."""
        key = (node, kind)
        if key not in self._numbers:
            position = self._positions[node]
            if kind == "truth" and self._spans.method(position) in _OPTIONAL_MACROS:
                kind = "presence"
            start, text = (self._spans.target if kind == "presence" else self._spans.operand)(position)
            line = self.text.count("\n", 0, start) + 1
            column = start - self.text.rfind("\n", 0, start)
            place = (line, column) if self._is_as_written else (None, None)
            condition = Condition(kind, text, *place)
            self.conditions.append(condition)
            self._numbers[key] = probes.add(condition)
        return self._numbers[key]


def instrumented(
    source: Source, variables: Iterable[tuple[str, Source]], policy: str, probes: Probes, *, counts: bool
) -> Any:
    """A program of the source, with the policy's variables bound around it in their order.

    `counts`: the value of the whole is a condition too.
    """
    bound = list(variables)
    weaver = _Weaver(policy, frozenset(name for name, _ in bound), probes)
    body = weaver.woven(source, counts=counts)
    for name, definition in reversed(bound):
        body = weaver.bound(_bound_name(name), weaver.woven(definition, counts=False), body)
    weaver.result.expr.CopyFrom(body)
    return probes.program(weaver.result, source.serialized)


def _bound_name(variable: str) -> str:
    return f"@variables.{variable}"


class _Weaver:
    """Joins the trees of one program, renumbered, with probes in them."""

    def __init__(self, policy: str, variables: frozenset[str], probes: Probes) -> None:
        self.result = messages.new_tree()
        self._policy, self._variables, self._probes = policy, variables, probes
        self._last = 0
        self._source: Source | None = None
        self._offset = 0

    def woven(self, source: Source, *, counts: bool) -> Any:
        """The source's tree with its probes, its references joined to the result's."""
        tree = source.tree()
        self._source, self._offset = source, self._last
        self._last = messages.renumber(tree, self._offset)
        self.result.reference_map.extend(tree.reference_map)
        if counts:
            self._decide(tree.expr)
        else:
            self._walk(tree.expr)
        return tree.expr

    def bound(self, name: str, value: Any, body: Any) -> Any:
        """`body` with `name` bound to the value, which the engine computes when it is first needed."""
        node = self._node()
        loop = node.comprehension_expr
        loop.iter_var, loop.accu_var = "#unused", name
        loop.iter_range.CopyFrom(self._node())
        loop.iter_range.list_expr.SetInParent()
        loop.accu_init.CopyFrom(value)
        loop.loop_condition.CopyFrom(self._node())
        loop.loop_condition.const_expr.bool_value = False
        loop.loop_step.CopyFrom(self._ident(name))
        loop.result.CopyFrom(body)
        return node

    def _decide(self, node: Any) -> None:
        """A node whose truth decides: probe its operands when it has some, else itself."""
        kind, function = messages.kind_of(node), node.call_expr.function
        if kind == "const" or (kind == "ident" and node.ident_expr.name.startswith("@")):
            return  # written by a macro, or never anything else
        operands = node.call_expr.args
        if function in _LOGIC or function == _CONDITIONAL or (function == "!_" and _is_logical(operands[0])):
            for operand in operands:
                self._decide(operand)
        elif _is_binding(node):
            self._walk(node.comprehension_expr.accu_init)
            self._decide(node.comprehension_expr.result)
        else:
            number = node.id - self._offset
            self._walk(node)
            self._probe(node, number)

    def _walk(self, node: Any) -> None:
        """Everything below a node whose own value decides nothing."""
        kind, function = messages.kind_of(node), node.call_expr.function
        if kind == "comprehension":
            loop = node.comprehension_expr
            for child in (loop.iter_range, loop.accu_init, loop.loop_step, loop.result):
                self._walk(child)
        elif function in _LOGIC:
            self._decide(node)
        elif function == _CONDITIONAL:
            self._decide(node.call_expr.args[0])
            self._walk(node.call_expr.args[1])
            self._walk(node.call_expr.args[2])
        else:
            number = node.id - self._offset
            for child in messages.children(node):
                self._walk(child)
            if function == "orValue":
                self._probe_default(node, number)
            else:
                self._translate(node)

    def _translate(self, node: Any) -> None:
        """What the evaluator's own sources say differently: parameters and variables."""
        kind = messages.kind_of(node)
        if kind == "ident" and node.ident_expr.name == "params":
            entry = self._call("_[_]", self._ident("params"), self._text(self._policy))
            node.CopyFrom(entry)
        elif kind == "select" and not node.select_expr.test_only:
            operand, name = node.select_expr.operand, node.select_expr.field
            if operand.ident_expr.name == "variables" and name in self._variables:
                node.CopyFrom(self._ident(_bound_name(name)))

    def _probe(self, node: Any, number: int) -> None:
        inner = self._node()
        inner.CopyFrom(node)
        node.CopyFrom(self._reported(number, "truth", inner))

    def _probe_default(self, node: Any, number: int) -> None:
        """`x.orValue(d)` as `probe(x.hasValue()) || true ? x.orValue(d) : true`.

        Not with `x` bound to a name: the engine takes what a loop left behind for the value of a later binding
        (`environments`), which is safe around the whole alone, where variables are bound.
        """
        reported = self._reported(number, "presence", self._call("hasValue", target=node.call_expr.target))
        inner = self._node()
        inner.CopyFrom(node)
        node.CopyFrom(self._call(_CONDITIONAL, self._call("_||_", reported, self._true()), inner, self._true()))

    def _reported(self, number: int, kind: Literal["truth", "presence"], value: Any) -> Any:
        assert self._source is not None
        probe = self._node()
        probe.const_expr.int64_value = self._source.number(number, kind, self._probes)
        return self._call(probing.PROBE, probe, value)

    def _call(self, function: str, *args: Any, target: Any = None) -> Any:
        node = self._node()
        node.call_expr.function = function
        if target is not None:
            node.call_expr.target.CopyFrom(target)
        node.call_expr.args.extend(args)
        return node

    def _ident(self, name: str) -> Any:
        node = self._node()
        node.ident_expr.name = name
        return node

    def _text(self, value: str) -> Any:
        node = self._node()
        node.const_expr.string_value = value
        return node

    def _true(self) -> Any:
        node = self._node()
        node.const_expr.bool_value = True
        return node

    def _node(self) -> Any:
        self._last += 1
        return messages.new_node(self._last)


def _is_logical(node: Any) -> bool:
    return node.call_expr.function in (*_LOGIC, _CONDITIONAL)


def _is_binding(node: Any) -> bool:
    return messages.kind_of(node) == "comprehension" and node.comprehension_expr.iter_var.lower() == "#unused"
