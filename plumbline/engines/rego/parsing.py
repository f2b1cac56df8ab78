"""Parsing of modules and rules, in both versions of the language."""

from __future__ import annotations

from typing import Final

from plumbline.engines.rego.errors import RegoError
from plumbline.engines.rego.syntax import Body, Branch, Import, Rule, Scalar, Term, Tree, Var
from plumbline.engines.rego.terms import TermParser

MAX_SOURCE_BYTES: Final = 1_048_576
_TRUE: Final = Scalar("true")


def parse_module(source: str, *, is_v1: bool = False) -> Tree:
    """The tree of a module. `is_v1`: bodies need `if` and sets need `contains`; `import rego.v1` says so too.

    Raises RegoError with the place of what is unexpected.
    """
    if len(source) > MAX_SOURCE_BYTES:
        raise RegoError(f"is longer than {MAX_SOURCE_BYTES} characters")
    try:
        return _ModuleParser(source, is_v1).module()
    except RecursionError as error:
        raise RegoError("is nested too deeply") from error


class _ModuleParser(TermParser):
    def __init__(self, source: str, is_v1: bool) -> None:
        super().__init__(source)
        self._is_v1 = is_v1

    def module(self) -> Tree:
        if not self.sees("package"):
            raise self.unexpected("a module begins with its package")
        self.take()
        package = self._path()
        imports = self._imports()
        rules: list[Rule] = []
        while self.next.kind != "end":
            if not self.accept(";"):
                rules.extend(self._rules())
        return Tree(package, imports, tuple(rules), self._is_v1)

    def _path(self) -> tuple[str, ...]:
        steps = [self.name().text]
        while not self.next.is_apart and self.sees(".", "["):
            if self.take().text == ".":
                steps.append(self.name().text)
                continue
            if self.next.kind != "string":
                raise self.unexpected("expected a string")
            steps.append(self.take().text)
            self.expect("]")
        return tuple(steps)

    def _imports(self) -> tuple[Import, ...]:
        imports = []
        while self.sees("import"):
            line = self.take().line
            path = self._path()
            name = self.name().text if self.accept("as") else path[-1]
            if path == ("rego", "v1"):
                self._is_v1 = True
            elif path[0] in ("data", "input"):
                imports.append(Import(path, name, line))
            elif path[:2] != ("future", "keywords"):
                raise RegoError(f"imports {'.'.join(path)}, and there are only data, input and rego.v1", line=line)
        return tuple(imports)

    # Rules

    def _rules(self) -> list[Rule]:
        """One rule; more when it has several bodies."""
        line = self.next.line
        if self.accept("default"):
            return [self._default(line)]
        path, arguments = self._head()
        is_set, value = False, None
        if self.accept("contains"):
            is_set, value = True, self.membership()
        elif self.accept("=", ":="):
            value = self.membership()
        has_if = self.sees("if")
        if not has_if and not is_set and value is None and arguments is None and len(path) == 2 and not self._is_v1:
            is_set, value, path = True, path[1], path[:1]  # p[x] { ... } of version 0
        bodies = self._bodies()
        if not bodies and value is None and arguments is None:
            raise RegoError(f"{path[0].name} has neither a value nor a body", line=line)  # type: ignore[union-attr]
        kind = "set" if is_set else "value" if arguments is None else "function"
        rules = [
            Rule(kind, path, arguments or (), (Branch(value or _TRUE, body, line),), line)  # type: ignore[arg-type]
            for body in bodies or [()]
        ]
        branches = tuple(self._elses())
        if branches and is_set:
            raise RegoError("a set has no else", line=branches[0].line)
        last = rules[-1]
        rules[-1] = Rule(last.kind, last.path, last.arguments, (*last.branches, *branches), line)
        return rules

    def _default(self, line: int) -> Rule:
        path, arguments = self._head()
        if not self.accept("=", ":="):
            raise self.unexpected("a default has a value")
        branch = Branch(self.membership(), (), line)
        return Rule("value" if arguments is None else "function", path, arguments or (), (branch,), line, True)

    def _head(self) -> tuple[tuple[Term, ...], tuple[Term, ...] | None]:
        """The steps of its name, and the arguments of a function."""
        first = self.name()
        path: list[Term] = [Var(first.text, first.line)]
        while self.next.kind == "mark" and not self.next.is_apart and self.next.text in (".", "[", "("):
            mark = self.take().text
            if mark != "(":
                path.append(self.step(mark))
            else:
                return tuple(path), tuple(self._items(")"))
        return tuple(path), None

    def _bodies(self) -> list[Body]:
        if self.accept("if"):
            return [self._body()]
        if self.sees("{"):
            if self._is_v1:
                raise self.unexpected("a body begins with if in version 1 of Rego")
            bodies = []
            while self.sees("{"):
                bodies.append(self.braced_query())
            return bodies
        return []

    def _body(self) -> Body:
        """What follows `if`: braces, or one statement; braces that hold no query are a set or an object."""
        if not self.sees("{"):
            return (self.statement(),)
        start = self.at
        try:
            return self.braced_query()
        except RegoError as error:
            self.at = start
            try:
                return (self.statement(),)
            except RegoError:
                raise error from None

    def _elses(self) -> list[Branch]:
        branches = []
        while self.sees("else"):
            line = self.take().line
            value = self.membership() if self.accept("=", ":=") else None
            bodies = self._bodies()
            if value is None and not bodies:
                raise self.unexpected("else needs a value or a body")
            branches.append(Branch(value or _TRUE, bodies[0] if bodies else (), line))
        return branches
