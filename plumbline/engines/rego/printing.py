"""Trees as text in version 1 of Rego."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

from plumbline.engines.rego import syntax
from plumbline.engines.rego.syntax import Body, Branch, Rule, Statement, Term, Tree

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED: Final = frozenset(("as", "contains", "data", "default", "else", "every", "false", "if", "import", "in")) | {
    *("input", "not", "null", "package", "some", "true", "with"),
}


class Printed:
    """Text, and for each of its lines (from 1) the line of the original that it comes from (0: none)."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.origins: list[int] = [0]

    def add(self, text: str, origin: int = 0) -> None:
        self.lines.append(text)
        self.origins.append(origin)

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def print_module(tree: Tree) -> Printed:
    """The module in version 1, one statement a line; it says itself that it is."""
    out = Printed()
    out.add(f"package {dotted(tree.package)}")
    out.add("import rego.v1")
    for item in tree.imports:
        out.add(f"import {dotted(item.path)} as {item.name}", item.line)
    for rule in tree.rules:
        _rule(rule, out)
    return out


def dotted(path: Sequence[str]) -> str:
    """`a.b["c-d"]`."""
    rest = (f".{step}" if is_plain(step) else f"[{quoted(step)}]" for step in path[1:])
    return path[0] + "".join(rest)


def is_plain(step: str) -> bool:
    """Whether it can be written after a dot."""
    return _NAME.fullmatch(step) is not None and step not in _RESERVED


def quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rule(rule: Rule, out: Printed) -> None:
    head = _path(rule.path)
    if rule.kind == "function":
        head = f"{head}({_list(rule.arguments)})"
    first = rule.branches[0]
    if rule.is_default:
        out.add(f"default {head} := {term(first.value)}", rule.line)
        return
    glue = "contains" if rule.kind == "set" else ":="
    text = f"{head} {glue} {term(first.value)}"
    for branch in rule.branches:
        if branch is not first:
            text = f"{text} else := {term(branch.value)}"
        text = _branch(text, branch, out)
    if text:
        out.add(text, rule.branches[-1].line)


def _branch(text: str, branch: Branch, out: Printed) -> str:
    """Prints the head and the body; what is left is to begin the next line."""
    if not branch.body:
        return text
    out.add(f"{text} if {{", branch.line)
    _body(branch.body, out, "\t")
    return "}"


def _body(body: Body, out: Printed, indent: str) -> None:
    for item in body:
        out.add(f"{indent}{statement(item)}", item.line)


def statement(item: Statement) -> str:
    """One statement on one line."""
    match item:
        case syntax.SomeDeclaration(names):
            return f"some {', '.join(name.name for name in names)}"
        case syntax.SomeIn(key, value, collection, _, withs):
            return f"some {_keyed(key, value)} in {operand(collection)}{_withs(withs)}"
        case syntax.Every(key, value, domain, body, _, withs):
            return f"every {_keyed(key, value)} in {operand(domain)} {{ {_inline(body)} }}{_withs(withs)}"
        case syntax.Expression(inner, _, negated, withs):
            return f"{'not ' if negated else ''}{term(inner)}{_withs(withs)}"


def _inline(body: Body) -> str:
    return "; ".join(map(statement, body))


def _withs(withs: Iterable[syntax.With]) -> str:
    return "".join(f" with {term(item.target)} as {operand(item.value)}" for item in withs)


def _keyed(key: Term | None, value: Term) -> str:
    return term(value) if key is None else f"{term(key)}, {term(value)}"


def term(item: Term) -> str:
    """Any term."""
    match item:
        case syntax.Scalar(text):
            return text
        case syntax.String(value):
            return quoted(value)
        case syntax.Var(name):
            return name
        case syntax.Ref(head, path):
            return term(head) + "".join(map(_step, path))
        case syntax.Call(name, arguments):
            return f"{dotted(name.split('.'))}({_list(arguments)})"
        case syntax.Collection(kind, items):
            inner = _list(items)
            if kind == "set" and not items:
                return "set()"
            return f"[{inner}]" if kind == "array" else f"{{{inner}}}"
        case syntax.Object(pairs):
            return f"{{{', '.join(f'{operand(key)}: {operand(value)}' for key, value in pairs)}}}"
        case syntax.Comprehension(kind, heads, body):
            inner = f"{': '.join(map(operand, heads))} | {_inline(body)}"
            return f"[{inner}]" if kind == "array" else f"{{{inner}}}"
        case syntax.Infix(operator, left, right):
            return f"{operand(left)} {operator} {operand(right)}"
        case syntax.In(key, value, collection):
            inner = f"{operand(value)} in {operand(collection)}"
            return inner if key is None else f"{operand(key)}, {inner}"


def operand(item: Term) -> str:
    """A term inside another one."""
    return f"({term(item)})" if isinstance(item, syntax.Infix | syntax.In) else term(item)


def _list(items: Iterable[Term]) -> str:
    return ", ".join(map(operand, items))


def _path(path: Sequence[Term]) -> str:
    return term(path[0]) + "".join(map(_step, path[1:]))


def _step(step: Term) -> str:
    if isinstance(step, syntax.String) and is_plain(step.value):
        return f".{step.value}"
    return f"[{term(step)}]"
