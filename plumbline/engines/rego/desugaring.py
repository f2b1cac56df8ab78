"""Programs made fit for an engine that evaluates simple statements rightly and nested ones not.

The built-in engine refuses or mistakes references with variables inside calls, collections and comparisons
(`upper(input.names[i])`), and names of a rule's own that are also names of rules. So each such reference becomes a
statement of its own, in front of the one that holds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Literal

from plumbline.engines.rego import syntax
from plumbline.engines.rego.errors import RegoError
from plumbline.engines.rego.linking import Linked
from plumbline.engines.rego.strings import encoded
from plumbline.engines.rego.substitutes import library, needs_library, substitute
from plumbline.engines.rego.syntax import (
    Body,
    Branch,
    Call,
    Expression,
    Infix,
    Ref,
    Rule,
    Scalar,
    Statement,
    String,
    Term,
    Tree,
    Var,
)
from plumbline.engines.rego.walking import Mapper, declared, statements_of, terms_of_rule, vars_of

PRINTING: Final = frozenset(("print", "trace"))
FACTS: Final = "plumbline_facts"


def desugar(linked: Linked) -> Linked:
    """The same program in simple statements. Raises RegoError naming the module and the line."""
    trees = []
    for name, tree in zip(linked.names, linked.trees, strict=True):
        try:
            trees.append(_tree(tree))
        except RegoError as error:
            raise RegoError(error.message, module=name, line=error.line) from error
    if any(needs_library(rule) for tree in trees for rule in tree.rules):
        return Linked((*linked.names, "substitutes"), (*trees, library()))
    return Linked(linked.names, tuple(trees))


def names_whole_input(linked: Linked) -> bool:
    """Whether `input` is used other than as `input.name`, or replaced by `with`."""
    for tree in linked.trees:
        for rule in tree.rules:
            heads = set()
            for item in terms_of_rule(rule):
                if isinstance(item, Ref) and isinstance(item.path[0], String):
                    heads.add(id(item.head))
                elif item == Var("input") and id(item) not in heads:
                    return True
    return False


def with_parameters_as_data(linked: Linked) -> Linked:
    """The same program with `data.plumbline_facts.parameters` for `input.parameters`."""
    mover = _ParameterMover()
    return Linked(
        linked.names, tuple(replace(tree, rules=tuple(map(mover.rule, tree.rules))) for tree in linked.trees)
    )


class _ParameterMover(Mapper):
    def term(self, item: Term) -> Term:
        match item:
            case Ref(Var("input"), (String("parameters"), *rest), line):
                return Ref(Var("data", line), (String(FACTS), String("parameters"), *map(self.term, rest)), line)
            case _:
                return self.parts(item)


def _tree(tree: Tree) -> Tree:
    rules = {rule.name for rule in tree.rules}
    return replace(tree, rules=tuple(_Desugarer(rule, rules).rule(rule) for rule in tree.rules))


class _Renamer(Mapper):
    """Renames the rule's own names that are also names of rules."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def name(self, name: Var) -> Var:
        return Var(f"{name.name}_own", name.line) if name.name in self._names else name

    def term(self, item: Term) -> Term:
        return self.name(item) if isinstance(item, Var) else self.parts(item)


class _Desugarer(Mapper):
    def __init__(self, rule: Rule, rules: set[str]) -> None:
        self._clashes = declared(rule) & rules
        self._rules = rules
        self._count = 0
        self._before: list[Statement] = []
        self._is_negated = False
        self._line = rule.line
        self._withs_now: tuple[syntax.With, ...] = ()

    def rule(self, rule: Rule) -> Rule:
        if self._clashes:
            renamer = _Renamer(self._clashes)
            rule = replace(renamer.rule(rule), path=(rule.path[0], *map(renamer.term, rule.path[1:])))
        _check_withs(rule)
        if rule.is_default:
            return super().rule(rule)
        branches = list(map(self.branch, rule.branches))
        path = rule.path
        if len(path) > 1:
            self._line = rule.line
            steps, before = self._apart(rule.path[1:])
            path = (path[0], *steps)
            branches[0] = replace(branches[0], body=(*branches[0].body, *before))
        return replace(rule, path=path, arguments=tuple(map(self.parts, rule.arguments)), branches=tuple(branches))

    def branch(self, branch: Branch) -> Branch:
        body = self.body(branch.body)
        self._line = branch.line
        (value,), before = self._apart((branch.value,))
        return replace(branch, value=value, body=(*body, *before))

    def body(self, body: Body) -> Body:
        statements: list[Statement] = []
        for item in body:
            if _is_printing(item):
                continue
            self._line = item.line
            outer, self._before = self._before, []
            made = self.statement(item)
            statements.extend(self._before)
            self._before = outer
            statements.append(made)
        return tuple(statements)

    def statement(self, item: Statement) -> Statement:
        if isinstance(item, Expression):
            outer, self._withs_now = self._withs_now, item.withs
            try:
                return self._negated(item) if item.negated else replace(item, term=self._top(item.term))
            finally:
                self._withs_now = outer
        return super().statement(item)

    def _negated(self, item: Expression) -> Statement:
        """As OPA does, everything nested is evaluated outside of `not`: where it has no value, the body fails."""
        self._is_negated = True
        try:
            return replace(item, term=self._top(item.term))
        finally:
            self._is_negated = False

    def _top(self, item: Term) -> Term:
        """A term that is a statement: what it is itself stays, what is nested in it comes apart."""
        match item:
            case Infix(":=" | "=" as operator, left, right) if isinstance(left, Var) and isinstance(right, Ref):
                return Infix(operator, left, self._steps(right))
            case Infix(":=" as operator, left, right):
                return Infix(operator, left, self.term(right))
            case Infix("==" | "=" as operator, left, right) if self._is_negated:
                return Infix(operator, self._side(left), self._side(right))
            case Var():
                return item
            case Ref():
                return self._steps(item)
            case Call(name, arguments, line):
                return substitute(name, arguments, line, self.term)
            case Infix(operator, Infix() | syntax.In() as left, right):
                # A line that begins with a bracket would be read as the arguments of the line before it.
                return Infix(operator, self._named(self.parts(left)), self.term(right))
            case Infix() | syntax.In():
                return self.parts(item)
            case _:
                return self.term(item)

    def _side(self, item: Term) -> Term:
        if isinstance(item, Var):
            return item
        return self._steps(item) if isinstance(item, Ref) else self.term(item)

    def term(self, item: Term) -> Term:
        match item:
            case String(value):
                return String(encoded(value))
            case Var(name) if self._is_negated and name in self._rules:
                return self._named(item)
            case Ref():
                stepped = self._steps(item)
                return self._named(stepped) if self._is_negated or not _is_ground(stepped) else stepped
            case Call(name, arguments, line):
                call = substitute(name, arguments, line, self.term)
                return self._named(call) if self._is_negated else call
            case Infix() | syntax.In() if self._is_negated:
                return self._named(self.parts(item))
            case syntax.Comprehension(kind, heads, body):
                return self._comprehension(kind, heads, body)
            case _:
                return self.parts(item)

    def _comprehension(
        self, kind: Literal["array", "set", "object"], heads: tuple[Term, ...], body: Body
    ) -> syntax.Comprehension:
        line, withs, negated = self._line, self._withs_now, self._is_negated
        self._withs_now, self._is_negated = (), False
        made = self.body(body)
        self._line = line
        values, before = self._apart(heads)
        self._withs_now, self._is_negated = withs, negated
        return syntax.Comprehension(kind, values, (*made, *before))

    def _steps(self, item: Ref) -> Ref:
        """The reference with simple steps."""
        steps = [self.parts(step) if self._is_pattern(step) else self._step(step) for step in item.path]
        head = item.head if isinstance(item.head, Var) else self.term(item.head)
        return Ref(head, tuple(steps), item.line)

    def _is_pattern(self, step: Term) -> bool:
        """A name, or an object or array of names and constants, which a step may bind: `rule[{"msg": msg}]`."""
        if isinstance(step, Var):
            return not (self._is_negated and step.name in self._rules)
        return isinstance(step, syntax.Object | syntax.Collection) and any(vars_of(step))

    def _step(self, step: Term) -> Term:
        made = self.term(step)
        return made if isinstance(made, Scalar | String | Var) else self._named(made)

    def _named(self, value: Term) -> Var:
        self._count += 1
        name = Var(f"plumbline_{self._count}", self._line)
        self._before.append(Expression(Infix(":=", name, value), self._line, False, self._withs_now))
        return name

    def _apart(self, terms: Iterable[Term]) -> tuple[tuple[Term, ...], tuple[Statement, ...]]:
        outer, self._before = self._before, []
        made = tuple(map(self.term, terms))
        before, self._before = tuple(self._before), outer
        return made, before



def _is_printing(item: Statement) -> bool:
    return (
        isinstance(item, Expression) and isinstance(item.term, Call) and item.term.name in PRINTING and not item.negated
    )


def _is_ground(item: Ref) -> bool:
    return all(isinstance(step, Scalar | String) for step in item.path) and not isinstance(item.head, Call)


def _check_withs(rule: Rule) -> None:
    """`with` inside a comprehension ends the built-in engine's process."""
    top = {id(item) for branch in rule.branches for item in branch.body}
    for branch in rule.branches:
        for item in statements_of(branch.body):
            if id(item) not in top and not isinstance(item, syntax.SomeDeclaration) and item.withs:
                raise RegoError("uses with inside another body, which the built-in engine cannot do", line=item.line)
