"""Rego as a tree, the same for both of its versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number, true, false or null as written."""

    text: str


@dataclass(frozen=True, slots=True)
class String:
    value: str


@dataclass(frozen=True, slots=True)
class Var:
    """`line` is where it stands, for messages only."""

    name: str
    line: int = field(default=0, compare=False)

    @property
    def is_wildcard(self) -> bool:
        return self.name == "_"


@dataclass(frozen=True, slots=True)
class Ref:
    """`head.a["b"][i]`: at least one step; a step by dot is a String."""

    head: Term
    path: tuple[Term, ...]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`name` is dotted for built-in functions (`regex.match`) and functions of other packages (`data.lib.f`)."""

    name: str
    arguments: tuple[Term, ...]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Collection:
    kind: Literal["array", "set"]
    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Object:
    pairs: tuple[tuple[Term, Term], ...]


@dataclass(frozen=True, slots=True)
class Comprehension:
    """`heads` are two for an object, else one."""

    kind: Literal["array", "set", "object"]
    heads: tuple[Term, ...]
    body: Body


@dataclass(frozen=True, slots=True)
class Infix:
    operator: str
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class In:
    """`value in collection` or `key, value in collection`."""

    key: Term | None
    value: Term
    collection: Term


Term = Scalar | String | Var | Ref | Call | Collection | Object | Comprehension | Infix | In


@dataclass(frozen=True, slots=True)
class With:
    target: Term
    value: Term


@dataclass(frozen=True, slots=True)
class Expression:
    term: Term
    line: int
    negated: bool = False
    withs: tuple[With, ...] = ()


@dataclass(frozen=True, slots=True)
class SomeDeclaration:
    names: tuple[Var, ...]
    line: int


@dataclass(frozen=True, slots=True)
class SomeIn:
    key: Term | None
    value: Term
    collection: Term
    line: int
    withs: tuple[With, ...] = ()


@dataclass(frozen=True, slots=True)
class Every:
    key: Term | None
    value: Term
    domain: Term
    body: Body
    line: int
    withs: tuple[With, ...] = ()


Statement = Expression | SomeDeclaration | SomeIn | Every
Body = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """A value with the body under which it holds; a body of () always holds."""

    value: Term
    body: Body
    line: int


@dataclass(frozen=True, slots=True)
class Rule:
    """`path` begins with the rule's name. A `set` collects `branches[0].value`; a `function` has `arguments`; `value`
    rules are complete, or objects when the path has more steps. Further branches are `else`.
    """

    kind: Literal["value", "function", "set"]
    path: tuple[Term, ...]
    arguments: tuple[Term, ...]
    branches: tuple[Branch, ...]
    line: int
    is_default: bool = False

    @property
    def name(self) -> str:
        first = self.path[0]
        assert isinstance(first, Var)
        return first.name


@dataclass(frozen=True, slots=True)
class Import:
    """`path` begins with `data` or `input`; `name` is what the module calls it."""

    path: tuple[str, ...]
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Tree:
    package: tuple[str, ...]
    imports: tuple[Import, ...]
    rules: tuple[Rule, ...]
    is_v1: bool
