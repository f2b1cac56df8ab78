"""Modules of one policy joined into a program: names resolved, packages of its own, version 1 throughout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from plumbline.engines.rego import syntax
from plumbline.engines.rego.errors import RegoError
from plumbline.engines.rego.parsing import parse_module
from plumbline.engines.rego.printing import print_module
from plumbline.engines.rego.syntax import Call, Infix, Ref, Rule, String, Term, Tree, Var
from plumbline.engines.rego.walking import Mapper, declared, terms_of_rule

# What a policy must not do: reach out, or look at the machine that it runs on.
REFUSED: Final[Mapping[str, str]] = {
    "http.send": "it would reach out over the network",
    "net.lookup_ip_addr": "it would reach out over the network",
    "opa.runtime": "it would read the environment of the engine",
    "external_data": "external data providers are not asked here",
}
_RENAMED: Final = {"re_match": "regex.match", "net.cidr_overlap": "net.cidr_contains"}
_GONE: Final = frozenset(f"cast_{kind}" for kind in ("array", "boolean", "null", "object", "set", "string"))
_KEYWORDS: Final = frozenset(("contains", "every", "if", "in"))
# `any` and `all` of version 0, which take arrays and sets and are undefined for anything else.
_POLYFILLS: Final = """
package plumbline_v0
import rego.v1
is_collection(c) if is_array(c)
is_collection(c) if is_set(c)
holds(c) := count([1 | some v in c; v == true])
any(c) := holds(c) > 0 if is_collection(c)
all(c) := count(c) == count([1 | some v in c; v == true]) if is_collection(c)
"""


@dataclass(frozen=True, slots=True)
class Module:
    """A module's own text, and what messages call it. `is_v1` says that it is written in version 1."""

    name: str
    source: str
    is_v1: bool = False


@dataclass(frozen=True, slots=True)
class Linked:
    """Trees with resolved names, in the order of the modules (then the polyfills)."""

    names: tuple[str, ...]
    trees: tuple[Tree, ...]

    @property
    def entry(self) -> tuple[str, ...]:
        """The package of the first module."""
        return self.trees[0].package

    def functions(self) -> dict[str, int]:
        """Each function by its full name (`data.a.b.f`) with its number of arguments."""
        return {
            ".".join(("data", *tree.package, _flat(rule))): len(rule.arguments)
            for tree in self.trees
            for rule in tree.rules
            if rule.kind == "function"
        }


def link(modules: Sequence[Module]) -> Linked:
    """Parse modules and resolve what they name. Raises RegoError naming the module and the line."""
    trees = []
    for module in modules:
        try:
            trees.append(parse_module(module.source, is_v1=module.is_v1))
        except RegoError as error:
            raise RegoError(error.message, module=module.name, line=error.line, column=error.column) from error
    functions = {
        ".".join(("data", *tree.package, _flat(rule)))
        for tree in trees
        for rule in tree.rules
        if rule.kind == "function"
    }
    resolved, used = [], False
    for module, tree in zip(modules, trees, strict=True):
        try:
            resolver = _Resolver(tree, functions)
            resolved.append(resolver.tree())
        except RegoError as error:
            raise RegoError(error.message, module=module.name, line=error.line, column=error.column) from error
        used = used or resolver.needs_polyfills
    names = tuple(module.name for module in modules)
    if used:
        names = (*names, "polyfills")
        resolved.append(_Resolver(parse_module(_POLYFILLS), _POLYFILL_FUNCTIONS).tree())
    return Linked(names, tuple(resolved))


_POLYFILL_FUNCTIONS: Final = {f"data.plumbline_v0.{name}" for name in ("is_collection", "holds", "any", "all")}


def under(linked: Linked, prefix: Sequence[str], inventory: Sequence[str] | None = None) -> Linked:
    """The same program with all packages below `prefix`, `data.inventory` at `inventory` (default: below it too)."""
    mover = _Mover(tuple(prefix), tuple(inventory or (*prefix, "inventory")))
    return Linked(linked.names, tuple(mover.tree(tree) for tree in linked.trees))


def texts(linked: Linked) -> list[tuple[str, list[int]]]:
    """Each tree as text, and the line of the original for each of its lines (from 1)."""
    return [(out.text, out.origins) for out in map(print_module, linked.trees)]


def uses_inventory(linked: Linked) -> bool:
    """Whether some rule looks at other objects: `data.inventory`, or all of `data`."""
    for tree in linked.trees:
        for rule in tree.rules:
            heads = {id(item.head) for item in terms_of_rule(rule) if isinstance(item, Ref)}
            for item in terms_of_rule(rule):
                if isinstance(item, Ref) and item.head == Var("data") and item.path[0] == String("inventory"):
                    return True
                if item == Var("data") and id(item) not in heads:
                    return True
    return False


def _flat(rule: Rule) -> str:
    """The name of a function: dotted when its head is a reference."""
    steps = [step.value for step in rule.path[1:] if isinstance(step, String)]
    return ".".join((rule.name, *steps))


class _Resolver(Mapper):
    """Replaces imported names and old built-in functions, and gives calls their full names."""

    def __init__(self, tree: Tree, functions: set[str]) -> None:
        self._tree, self._functions = tree, functions
        self._imports = {item.name: item.path for item in tree.imports}
        self._own: set[str] = set()
        self._line = 0
        self.needs_polyfills = False

    def tree(self) -> Tree:
        rules = []
        for rule in self._tree.rules:
            self._own, self._line = declared(rule), rule.line
            made = self.rule(rule)
            first = self.name(Var(rule.name, rule.line))
            rules.append(replace(made, path=(first, *made.path[1:])))
        return replace(self._tree, imports=(), rules=tuple(rules), is_v1=True)

    def statement(self, item: syntax.Statement) -> syntax.Statement:
        self._line = item.line
        return super().statement(item)

    def name(self, name: Var) -> Var:
        return Var(f"{name.name}_", name.line) if name.name in _KEYWORDS else name

    def term(self, item: Term) -> Term:
        match item:
            case Var(name, line):
                imported = self._imports.get(name) if name not in self._own else None
                if imported is not None:
                    return _reference(imported, line)
                return self.name(item)
            case Ref(head, path, line):
                resolved = self.term(head)
                steps = tuple(map(self.term, path))
                if isinstance(resolved, Ref):
                    return Ref(resolved.head, (*resolved.path, *steps), line)
                return Ref(resolved, steps, line)
            case Call(name, arguments, line):
                return self._call(name, tuple(map(self.term, arguments)), line)
            case _:
                return self.parts(item)

    def _call(self, name: str, arguments: tuple[Term, ...], line: int) -> Term:
        own = ".".join(("data", *self._tree.package, name))
        if own in self._functions:
            return Call(f"{own}_" if name in _KEYWORDS else own, arguments, line)
        first, dot, rest = name.partition(".")
        if first in self._imports and first not in self._own and (dot or self._imports[first][0] == "data"):
            return Call(".".join((*self._imports[first], *([rest] if rest else []))), arguments, line)
        if name in REFUSED:
            raise RegoError(f"uses {name}, which is refused: {REFUSED[name]}", line=line)
        if name in _GONE:
            raise RegoError(f"uses {name}, which later versions of Rego no longer have", line=line)
        if name == "set_diff" and len(arguments) == 2:
            return Infix("-", *arguments)
        if name in ("any", "all"):
            self.needs_polyfills = True
            return Call(f"data.plumbline_v0.{name}", arguments, line)
        return Call(_RENAMED.get(name, name), arguments, line)


class _Mover(Mapper):
    def __init__(self, prefix: tuple[str, ...], inventory: tuple[str, ...]) -> None:
        self._prefix, self._inventory = prefix, inventory

    def tree(self, tree: Tree) -> Tree:
        return replace(tree, package=(*self._prefix, *tree.package), rules=tuple(map(self.rule, tree.rules)))

    def term(self, item: Term) -> Term:
        match item:
            case Ref(Var("data"), (String("inventory"), *rest), line):
                return _reference(("data", *self._inventory), line, tuple(map(self.term, rest)))
            case Ref(Var("data"), path, line):
                return _reference(("data", *self._prefix), line, tuple(map(self.term, path)))
            case Var("data", line):
                return _reference(("data", *self._prefix), line)
            case Call(name, arguments, line) if name.startswith("data."):
                moved = ".".join(("data", *self._prefix, name.removeprefix("data.")))
                return Call(moved, tuple(map(self.term, arguments)), line)
            case _:
                return self.parts(item)


def _reference(path: Sequence[str], line: int, rest: tuple[Term, ...] = ()) -> Ref:
    return Ref(Var(path[0], line), (*map(String, path[1:]), *rest), line)
