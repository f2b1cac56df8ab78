"""Going through trees: what they hold, and copies with something replaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from plumbline.engines.rego import syntax
from plumbline.engines.rego.syntax import Body, Branch, Rule, Statement, Term


class Mapper:
    """Copies trees. What overrides `term` or `body` says what becomes of each."""

    def rule(self, rule: Rule) -> Rule:
        return replace(
            rule,
            path=(rule.path[0], *map(self.term, rule.path[1:])),
            arguments=tuple(map(self.term, rule.arguments)),
            branches=tuple(map(self.branch, rule.branches)),
        )

    def branch(self, branch: Branch) -> Branch:
        return replace(branch, value=self.term(branch.value), body=self.body(branch.body))

    def body(self, body: Body) -> Body:
        return tuple(map(self.statement, body))

    def statement(self, item: Statement) -> Statement:
        match item:
            case syntax.Expression(term, line, negated, withs):
                return syntax.Expression(self.term(term), line, negated, self._withs(withs))
            case syntax.SomeDeclaration(names, line):
                return syntax.SomeDeclaration(tuple(map(self.name, names)), line)
            case syntax.SomeIn(key, value, collection, line, withs):
                return syntax.SomeIn(
                    self._optional(key), self.term(value), self.term(collection), line, self._withs(withs)
                )
            case syntax.Every(key, value, domain, body, line, withs):
                domain = self.term(domain)
                return syntax.Every(
                    self._optional(key), self.term(value), domain, self.body(body), line, self._withs(withs)
                )

    def name(self, name: syntax.Var) -> syntax.Var:
        """A declared name."""
        return name

    def term(self, item: Term) -> Term:
        """The copy of a term; by default of the same with copied parts."""
        return self.parts(item)

    def parts(self, item: Term) -> Term:
        match item:
            case syntax.Ref(head, path, line):
                return syntax.Ref(self.term(head), tuple(map(self.term, path)), line)
            case syntax.Call(name, arguments, line):
                return syntax.Call(name, tuple(map(self.term, arguments)), line)
            case syntax.Collection(kind, items):
                return syntax.Collection(kind, tuple(map(self.term, items)))
            case syntax.Object(pairs):
                return syntax.Object(tuple((self.term(key), self.term(value)) for key, value in pairs))
            case syntax.Comprehension(kind, heads, body):
                body = self.body(body)
                return syntax.Comprehension(kind, tuple(map(self.term, heads)), body)
            case syntax.Infix(operator, left, right):
                return syntax.Infix(operator, self.term(left), self.term(right))
            case syntax.In(key, value, collection):
                return syntax.In(self._optional(key), self.term(value), self.term(collection))
            case _:
                return item

    def _optional(self, item: Term | None) -> Term | None:
        return None if item is None else self.term(item)

    def _withs(self, withs: tuple[syntax.With, ...]) -> tuple[syntax.With, ...]:
        return tuple(syntax.With(self.term(item.target), self.term(item.value)) for item in withs)


def terms_of_rule(rule: Rule) -> Iterator[Term]:
    """All terms of a rule at any depth, the name not among them."""
    for item in (*rule.path[1:], *rule.arguments):
        yield from terms_within(item)
    for branch in rule.branches:
        yield from terms_within(branch.value)
        yield from terms_of_body(branch.body)


def terms_of_body(body: Body) -> Iterator[Term]:
    """All terms of statements at any depth."""
    for item in statements_of(body, deep=False):
        for term in _own_terms(item):
            yield from terms_within(term)
        if isinstance(item, syntax.Every):
            yield from terms_of_body(item.body)


def terms_within(item: Term) -> Iterator[Term]:
    """The term and all that it holds."""
    yield item
    match item:
        case syntax.Comprehension(_, heads, body):
            for head in heads:
                yield from terms_within(head)
            yield from terms_of_body(body)
        case _:
            for part in parts_of(item):
                yield from terms_within(part)


def parts_of(item: Term) -> tuple[Term, ...]:
    """The terms directly in a term; of a comprehension, none."""
    match item:
        case syntax.Ref(head, path):
            return (head, *path)
        case syntax.Call(_, arguments):
            return arguments
        case syntax.Collection(_, items):
            return items
        case syntax.Object(pairs):
            return tuple(part for pair in pairs for part in pair)
        case syntax.Infix(_, left, right):
            return (left, right)
        case syntax.In(key, value, collection):
            return (value, collection) if key is None else (key, value, collection)
        case _:
            return ()


def statements_of(body: Body, *, deep: bool = True) -> Iterator[Statement]:
    """The statements, with `deep` those of comprehensions and `every` too."""
    for item in body:
        yield item
        if not deep:
            continue
        if isinstance(item, syntax.Every):
            yield from statements_of(item.body)
        for term in _own_terms(item):
            yield from _statements_in(term)


def statements_of_rule(rule: Rule) -> Iterator[Statement]:
    """All statements of a rule at any depth."""
    for item in (*rule.path[1:], *rule.arguments):
        yield from _statements_in(item)
    for branch in rule.branches:
        yield from _statements_in(branch.value)
        yield from statements_of(branch.body)


def _statements_in(item: Term) -> Iterator[Statement]:
    if isinstance(item, syntax.Comprehension):
        for head in item.heads:
            yield from _statements_in(head)
        yield from statements_of(item.body)
    for part in parts_of(item):
        yield from _statements_in(part)


def _own_terms(item: Statement) -> Iterator[Term]:
    match item:
        case syntax.Expression(term):
            yield term
        case syntax.SomeDeclaration(names):
            yield from names
        case syntax.SomeIn(key, value, collection) | syntax.Every(key, value, collection):
            if key is not None:
                yield key
            yield value
            yield collection
    if not isinstance(item, syntax.SomeDeclaration):
        for with_ in item.withs:
            yield with_.target
            yield with_.value


def declared(rule: Rule) -> set[str]:
    """The names that a rule declares for itself anywhere: arguments, `some`, `:=`, `some … in`, `every`."""
    found = {var.name for argument in rule.arguments for var in vars_of(argument)}
    for item in statements_of_rule(rule):
        match item:
            case syntax.SomeDeclaration(names):
                found.update(name.name for name in names)
            case syntax.SomeIn(key, value) | syntax.Every(key, value):
                found.update(var.name for part in (key, value) if part for var in vars_of(part))
            case syntax.Expression(syntax.Infix(":=", left)):
                found.update(var.name for var in vars_of(left))
    return found - {"_"}


def vars_of(pattern: Term) -> Iterator[syntax.Var]:
    """The names in a pattern: not those that are references or in calls."""
    match pattern:
        case syntax.Var():
            yield pattern
        case syntax.Collection("array", items):
            for item in items:
                yield from vars_of(item)
        case syntax.Object(pairs):
            for _, value in pairs:
                yield from vars_of(value)
