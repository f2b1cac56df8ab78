"""Parsing of terms and queries."""

from __future__ import annotations

from typing import Final

from plumbline.engines.rego import syntax
from plumbline.engines.rego.errors import RegoError
from plumbline.engines.rego.syntax import Body, Expression, In, Infix, Ref, Scalar, Statement, String, Term, Var, With
from plumbline.engines.rego.tokens import Token, tokenize

# From loose to tight; `in`, `=` and `:=` are looser than all of them.
_LEVELS: Final = {
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 1),
    "|": 2,
    "&": 3,
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%"), 5),
}
_OR: Final = 2
_CLOSING: Final = {"[": "]", "{": "}", "(": ")"}


class TermParser:
    """Reads tokens from the left. Everything raises RegoError with the place of what is unexpected."""

    def __init__(self, source: str) -> None:
        self.tokens = tokenize(source)
        self.at = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def sees(self, *texts: str) -> bool:
        """Whether one of these marks or words comes next."""
        return self.next.kind in ("mark", "name") and self.next.text in texts

    def accept(self, *texts: str) -> Token | None:
        """The next token, taken, when it is one of these."""
        return self.take() if self.sees(*texts) else None

    def take(self) -> Token:
        token = self.next
        if token.kind != "end":
            self.at += 1
        return token

    def expect(self, text: str) -> Token:
        if not self.sees(text):
            raise self.unexpected(f"expected {text}")
        return self.take()

    def name(self) -> Token:
        if self.next.kind != "name":
            raise self.unexpected("expected a name")
        return self.take()

    def unexpected(self, wanted: str) -> RegoError:
        token = self.next
        what = "the end" if token.kind == "end" else repr(token.text[:40])
        return RegoError(f"unexpected {what}: {wanted}", line=token.line, column=token.column)

    # Queries

    def braced_query(self) -> Body:
        """`{ statements }`."""
        opening = self.expect("{")
        body = self.query("}")
        if not body:
            raise RegoError("a body must not be empty", line=opening.line, column=opening.column)
        return body

    def query(self, closing: str) -> Body:
        """Statements up to `closing`, which is taken."""
        statements: list[Statement] = []
        while not self.accept(closing):
            if self.accept(";"):
                continue
            statements.append(self.statement())
            before = self.tokens[self.at - 1]
            if not self.sees(";", closing) and self.next.line <= before.line:
                raise self.unexpected(f"expected a new line, ; or {closing}")
        return tuple(statements)

    def statement(self) -> Statement:
        """One statement of a query."""
        token = self.next
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if token.text == "some" and token.kind == "name" and following.text != "(":
            return self._some()
        if token.text == "every" and token.kind == "name" and following.kind == "name":
            return self._every()
        negated = self.accept("not") is not None
        term = self.equation()
        return Expression(term, token.line, negated, self._withs())

    def _some(self) -> Statement:
        line = self.take().line
        terms = [self.expression()]
        while self.accept(","):
            terms.append(self.expression())
        if self.accept("in"):
            if len(terms) > 2:
                raise self.unexpected("some takes at most a key and a value")
            collection = self.expression()
            key = terms[0] if len(terms) == 2 else None
            return syntax.SomeIn(key, terms[-1], collection, line, self._withs())
        names = tuple(term for term in terms if isinstance(term, Var))
        if len(names) != len(terms):
            raise self.unexpected("some declares names")
        return syntax.SomeDeclaration(names, line)

    def _every(self) -> Statement:
        line = self.take().line
        key, value = None, self.expression()
        if self.accept(","):
            key, value = value, self.expression()
        self.expect("in")
        domain = self.expression()
        body = self.braced_query()
        return syntax.Every(key, value, domain, body, line, self._withs())

    def _withs(self) -> tuple[With, ...]:
        withs = []
        while self.accept("with"):
            target = self._postfix()
            self.expect("as")
            withs.append(With(target, self.expression()))
        return tuple(withs)

    # Terms

    def equation(self) -> Term:
        """A statement's term: an expression, an assignment, a unification, or a membership with a key."""
        left = self.membership()
        if self.sees(","):  # k, v in collection
            self.take()
            value = self.expression()
            self.expect("in")
            left = In(left, value, self.expression())
        operator = self.accept(":=", "=")
        return Infix(operator.text, left, self.membership()) if operator else left

    def membership(self, *, first: bool = False) -> Term:
        """An expression, or `value in collection`. With `first`, a `|` ends it: it may head a comprehension."""
        left = self.expression(first=first)
        while self.accept("in"):
            left = In(None, left, self.expression(first=first))
        return left

    def expression(self, level: int = 1, *, first: bool = False) -> Term:
        """Operators of at least this level around terms."""
        left = self._postfix()
        while self.next.kind == "mark":
            operator = self.next.text
            found = _LEVELS.get(operator, 0)
            if found < level or (first and found == _OR):
                break
            self.take()
            left = Infix(operator, left, self.expression(found + 1, first=first))
        return left

    def step(self, mark: str) -> Term:
        """What follows the `.` or `[` of a reference."""
        if mark == ".":
            return String(self.name().text)
        item = self.membership()
        self.expect("]")
        return item

    def _postfix(self) -> Term:
        token = self.next
        head = self._primary()
        path: list[Term] = []
        while self.next.kind == "mark" and not self.next.is_apart and self.next.text in (".", "[", "("):
            mark = self.take().text
            if mark != "(":
                path.append(self.step(mark))
            else:
                head, path = self._call(head, path, token), []
        return Ref(head, tuple(path), token.line) if path else head

    def _call(self, head: Term, path: list[Term], token: Token) -> Term:
        names = [step.value for step in path if isinstance(step, String)]
        if not isinstance(head, Var) or len(names) != len(path):
            raise RegoError("only a name can be called", line=token.line, column=token.column)
        name, arguments = ".".join((head.name, *names)), tuple(self._items(")"))
        if name == "set" and not arguments:
            return syntax.Collection("set", ())
        return syntax.Call(name, arguments, token.line)

    def _items(self, closing: str) -> list[Term]:
        """Terms up to `closing`, which is taken; a comma may end them."""
        items: list[Term] = []
        while not self.accept(closing):
            items.append(self.membership())
            if not self.sees(closing):
                self.expect(",")
        return items

    def _primary(self) -> Term:
        token = self.take()
        if token.kind == "string":
            return String(token.text)
        if token.kind == "number":
            return Scalar(token.text)
        if token.kind == "name":
            return Scalar(token.text) if token.text in ("true", "false", "null") else Var(token.text, token.line)
        if token.text == "-" and self.next.kind == "number" and not self.next.is_apart:
            return Scalar(f"-{self.take().text}")
        if token.text in ("[", "{") and token.kind == "mark":
            return self._brackets(token.text)
        if token.text == "(" and token.kind == "mark":
            inner = self.equation()
            self.expect(")")
            return inner
        self.at -= token.kind != "end"
        raise self.unexpected("expected a value")

    def _brackets(self, opening: str) -> Term:
        closing = _CLOSING[opening]
        if self.accept(closing):
            return syntax.Collection("array", ()) if opening == "[" else syntax.Object(())
        head = self.membership(first=True)
        if opening == "{" and self.accept(":"):
            return self._object(head)
        kind = "array" if opening == "[" else "set"
        if self.accept("|"):
            return syntax.Comprehension(kind, (head,), self._comprehension_body(closing))  # type: ignore[arg-type]
        if not self.sees(closing):
            self.expect(",")
            return syntax.Collection(kind, (head, *self._items(closing)))  # type: ignore[arg-type]
        self.take()
        return syntax.Collection(kind, (head,))  # type: ignore[arg-type]

    def _object(self, key: Term) -> Term:
        value = self.membership(first=True)
        if self.accept("|"):
            return syntax.Comprehension("object", (key, value), self._comprehension_body("}"))
        pairs = [(key, value)]
        while not self.accept("}"):
            self.expect(",")
            if self.accept("}"):
                break
            key = self.membership()
            self.expect(":")
            pairs.append((key, self.membership()))
        return syntax.Object(tuple(pairs))

    def _comprehension_body(self, closing: str) -> Body:
        body = self.query(closing)
        if not body:
            raise self.unexpected("a comprehension needs a body")
        return body
