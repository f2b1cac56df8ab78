"""What an engine that checks little would let pass: names that nothing binds, rules that call themselves, functions
that there are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from plumbline.engines.rego import syntax
from plumbline.engines.rego.errors import RegoError
from plumbline.engines.rego.linking import Linked
from plumbline.engines.rego.syntax import (
    Body,
    Call,
    Comprehension,
    Infix,
    Ref,
    Rule,
    Statement,
    String,
    Term,
    Tree,
    Var,
)
from plumbline.engines.rego.walking import declared, parts_of, terms_of_rule, vars_of

Builtins = Mapping[str, int]


def check_program(linked: Linked, builtins: Builtins) -> None:
    """Raises RegoError with module and line for what OPA's compiler would refuse. `builtins` by name with their number
    of arguments.
    """
    functions = {**builtins, **linked.functions()}
    for name, tree in zip(linked.names, linked.trees, strict=True):
        rules = {rule.name for rule in tree.rules}
        for rule in tree.rules:
            try:
                _check_calls(rule, functions)
                _Safety(rules, functions).check(rule)
            except RegoError as error:
                raise RegoError(error.message, module=name, line=error.line) from error
    _check_recursion(linked)


def lacking(linked: Linked, builtins: Builtins) -> list[tuple[str, str, int]]:
    """Built-in functions that are used and not among `builtins`: name, module and line of the first use."""
    own = linked.functions()
    found: dict[str, tuple[str, str, int]] = {}
    for module, tree in zip(linked.names, linked.trees, strict=True):
        for rule in tree.rules:
            for item in terms_of_rule(rule):
                if isinstance(item, Call) and item.name not in builtins and item.name not in own:
                    found.setdefault(item.name, (item.name, module, item.line))
    return list(found.values())


def _check_calls(rule: Rule, functions: Mapping[str, int]) -> None:
    for item in terms_of_rule(rule):
        if isinstance(item, Call):
            wanted, given = functions.get(item.name), len(item.arguments)
            if wanted is None:
                raise RegoError(f"there is no function {_shown(item.name)}", line=item.line)
            if given not in (wanted, wanted + 1) and item.name != "print":
                raise RegoError(f"{_shown(item.name)} takes {wanted} arguments, not {given}", line=item.line)


def _shown(name: str) -> str:
    return name.rpartition(".")[2] if name.startswith("data.") else name


class _Safety:
    """Whether every name is bound, in any order of a body's statements, by something that can bind it."""

    def __init__(self, rules: set[str], functions: Mapping[str, int]) -> None:
        self._functions = functions
        self._global = {"input", "data", *rules}

    def check(self, rule: Rule) -> None:
        bound = {var.name for argument in rule.arguments for var in _variables(argument)}
        for branch in rule.branches:
            known = self._body(branch.body, bound)
            for item in (branch.value, *rule.path[1:]):
                self._require(item, known, branch.line, binds_steps=True)

    def _body(self, body: Body, outer: set[str]) -> set[str]:
        """The names known after the body. Raises RegoError for one that nothing binds."""
        local = {name.name for item in body if isinstance(item, syntax.SomeDeclaration) for name in item.names}
        known = outer - local
        waiting = [item for item in body if not isinstance(item, syntax.SomeDeclaration)]
        shadowing = self._global & local
        self._global -= shadowing
        try:
            while waiting:
                still = [item for item in waiting if not self._binds(item, known)]
                if len(still) == len(waiting):
                    self._explain(still[0], known)
                waiting = still
        finally:
            self._global |= shadowing
        return known

    def _binds(self, item: Statement, known: set[str]) -> bool:
        """Adds what a statement binds to `known` when all that it needs is known."""
        needs, gives = self._flow(item, known)
        if needs - known - gives:
            return False
        known |= gives
        return True

    def _explain(self, item: Statement, known: set[str]) -> None:
        needs, gives = self._flow(item, known)
        name = sorted(needs - known - gives)[0]
        raise RegoError(f"var {name} is unsafe: nothing gives it a value", line=item.line)

    def _flow(self, item: Statement, known: set[str]) -> tuple[set[str], set[str]]:
        """Names that a statement needs, and those that it binds."""
        match item:
            case syntax.Expression(term, _, negated):
                if negated:
                    return self._needs(term, known, binds_steps=False), set()
                return self._expression(term, known)
            case syntax.SomeIn(key, value, collection):
                gives = {var.name for part in (key, value) if part for var in _variables(part)}
                return self._needs(collection, known), gives | self._steps(collection)
            case syntax.Every(key, value, domain, body):
                inner = known | {var.name for part in (key, value) if part for var in _variables(part)}
                needs = self._needs(domain, known)
                if not needs - known:
                    needs |= self._unbound(body, inner)
                return needs, self._steps(domain)
            case _:
                return set(), set()

    def _expression(self, term: Term, known: set[str]) -> tuple[set[str], set[str]]:
        match term:
            case Infix(":=", left, right):
                return self._needs(right, known), {v.name for v in _variables(left)} | self._steps(right)
            case Infix("=", left, right):
                return self._unification(left, right, known)
            case Call(name, arguments) if len(arguments) == self._functions.get(name, -2) + 1:
                needs = set().union(*(self._needs(argument, known) for argument in arguments[:-1]))
                output = arguments[-1]
                return needs, {v.name for v in _variables(output)} | self._steps(*arguments)
            case _:
                return self._needs(term, known), self._steps(term)

    def _unification(self, left: Term, right: Term, known: set[str]) -> tuple[set[str], set[str]]:
        steps = self._steps(left, right)
        sides = [(left, right), (right, left)]
        for pattern, value in sides:
            needs = self._needs(value, known)
            if not needs - known - steps:
                names = {v.name for v in _variables(pattern)}
                return needs | (self._needs(pattern, known) - names), names | steps
        return self._needs(left, known) | self._needs(right, known), steps

    def _needs(self, item: Term, known: set[str], *, binds_steps: bool = True) -> set[str]:
        """Names without which the term has no value; not those that its own references can bind."""
        match item:
            case Var(name):
                return set() if name in self._global or name == "_" else {name}
            case Ref(head, path):
                if isinstance(head, Var) and not binds_steps and Var("_") in path:
                    return {"_"}
                needs = set().union(*(self._needs(part, known, binds_steps=binds_steps) for part in (head, *path)))
                return needs - self._steps(item) if binds_steps else needs
            case Comprehension(_, heads, body):
                return self._unbound(body, known, heads)
            case _:
                found: set[str] = set()
                for part in parts_of(item):
                    found |= self._needs(part, known, binds_steps=binds_steps)
                return found

    def _unbound(self, body: Body, known: set[str], heads: Sequence[Term] = ()) -> set[str]:
        """What an inner body lacks: one name, or none."""
        try:
            inner = self._body(body, set(known))
        except RegoError as error:
            return {error.message.split()[1]}
        needs: set[str] = set()
        for head in heads:
            needs |= self._needs(head, inner) - self._steps(head)
        return needs - inner

    def _steps(self, *items: Term) -> set[str]:
        """Names that references in the terms bind."""
        return {
            var.name
            for item in items
            for part in _shallow(item)
            if isinstance(part, Ref)
            for step in part.path
            for var in _variables(step)
            if var.name not in self._global
        }

    def _require(self, item: Term, known: set[str], line: int, *, binds_steps: bool) -> None:
        missing = self._needs(item, known, binds_steps=binds_steps) - known - self._steps(item)
        if missing:
            raise RegoError(f"var {sorted(missing)[0]} is unsafe: nothing gives it a value", line=line)


def _variables(pattern: Term) -> Iterable[Var]:
    return (var for var in vars_of(pattern) if not var.is_wildcard)


def _shallow(item: Term) -> Iterable[Term]:
    """The term and its parts, not the bodies of comprehensions."""
    yield item
    for part in parts_of(item):
        yield from _shallow(part)


def _check_recursion(linked: Linked) -> None:
    edges: dict[str, set[str]] = {}
    places: dict[str, tuple[str, int]] = {}
    for module, tree in zip(linked.names, linked.trees, strict=True):
        for rule in tree.rules:
            name = _full(tree, rule.name)
            places.setdefault(name, (module, rule.line))
            edges.setdefault(name, set()).update(_named(tree, rule))
    state: dict[str, bool] = {}
    for start in edges:
        stack = [(start, iter(sorted(edges[start] & edges.keys())))]
        if start in state:
            continue
        state[start] = False
        while stack:
            node, following = stack[-1]
            for other in following:
                if state.get(other) is False:
                    module, line = places[other]
                    raise RegoError(f"rule {other.rpartition('.')[2]} is recursive", module=module, line=line)
                if other not in state:
                    state[other] = False
                    stack.append((other, iter(sorted(edges[other] & edges.keys()))))
                    break
            else:
                state[node] = True
                stack.pop()


def _full(tree: Tree, name: str) -> str:
    return ".".join(("data", *tree.package, name))


def _named(tree: Tree, rule: Rule) -> set[str]:
    """Full names of what a rule may depend on."""
    found = set()
    own = declared(rule)
    for item in terms_of_rule(rule):
        match item:
            case Var(name) if name not in own:
                found.add(_full(tree, name))
            case Call(name):
                found.add(name)
            case Ref(Var("data"), path):
                steps = [step.value for step in path if isinstance(step, String)]
                found.update(".".join(("data", *steps[:end])) for end in range(1, len(steps) + 1))
            case _:
                pass
    return found



def foreign_data(linked: Linked, roots: Sequence[str]) -> None:
    """Raises RegoError for the first use of `data.X` that is neither a package of the program nor one of `roots`."""
    known = {*roots, *(tree.package[0] for tree in linked.trees)}
    for module, tree in zip(linked.names, linked.trees, strict=True):
        for rule in tree.rules:
            for item in terms_of_rule(rule):
                match item:
                    case Ref(Var("data"), (String(root), *_), line) if root not in known:
                        raise RegoError(f"there is no data.{root}", module=module, line=line)
                    case _:
                        pass
