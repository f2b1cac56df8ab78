"""The text of an operand, found around the position that the engine knows of it."""

from __future__ import annotations

import re
from typing import NamedTuple

from plumbline.engines.expressions import LITERAL

_TOKEN = re.compile(
    rf"{LITERAL}|(?P<opening>[\[{{]\?|[(\[{{])|(?P<boundary>&&|\|\||(?<!\.)\?|:|,)|(?P<closing>[)\]}}])"
    r"|(?P<step>\.\??)|(?P<word>`[^`]*`|\w+)|(?P<operator>[-+*/%!<>=]=?)",
    re.DOTALL,
)
_KEYWORDS = ("in",)


class Token(NamedTuple):
    kind: str
    start: int
    end: int
    text: str


class Spans:
    """Operands of one source."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = [
            Token(_kind(found), found.start(), found.end(), found[0])
            for found in _TOKEN.finditer(source)
            if not found[0].startswith("//")
        ]
        self._partner = _partners(self._tokens)

    def operand(self, position: int) -> tuple[int, str]:
        """Start and text of the operand of `&&`, `||`, `?:` or a call that holds the position of its own operator."""
        anchor = self._anchor(position)
        first = self._leftwards(anchor, chain=False)
        last = anchor
        while True:
            last = self._partner.get(last, last) if self._tokens[last].kind == "opening" else last
            following = last + 1
            if following >= len(self._tokens) or self._tokens[following].kind in ("boundary", "closing"):
                break
            last = following
        return self._text(first, last)

    def target(self, position: int) -> tuple[int, str]:
        """Start and text of what the method at the position of its opening bracket is called on."""
        name = self._anchor(position) - 1
        first = self._leftwards(name, chain=True)
        return self._text(first, max(first, name - 2))

    def method(self, position: int) -> str:
        """The name before the opening bracket at the position."""
        anchor = self._anchor(position)
        return self._tokens[anchor - 1].text if anchor else ""

    def _anchor(self, position: int) -> int:
        for index, token in enumerate(self._tokens):
            if token.start <= position < token.end:
                return index
        raise LookupError(f"nothing is at {position}")

    def _leftwards(self, index: int, *, chain: bool) -> int:
        """The first token of the operand that `index` is in; with `chain`, of the fields and calls that lead to it."""
        while index > 0:
            before = self._tokens[index - 1]
            if before.kind in ("boundary", "opening") or (chain and not self._is_link(index - 1)):
                break
            index -= 1
            if before.kind == "closing":
                index = self._partner.get(index, index)
        return index

    def _is_link(self, index: int) -> bool:
        """Whether the token goes on with what follows it as one chain: `a.b`, `a[b]`, `f(a)`."""
        token, following = self._tokens[index], self._tokens[index + 1]
        if token.kind == "step" or following.kind == "step":
            return True
        if token.kind == "closing":
            return following.text in ("[", "[?")
        return token.kind == "word" and token.text not in _KEYWORDS and following.text in ("(", "[", "[?")

    def _text(self, first: int, last: int) -> tuple[int, str]:
        start, end = self._tokens[first].start, self._tokens[last].end
        return start, " ".join(self._source[start:end].split())


def _kind(found: re.Match[str]) -> str:
    return str(found.lastgroup)


def _partners(tokens: list[Token]) -> dict[int, int]:
    """Brackets, by index, with what closes or opens them."""
    partners: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind == "opening":
            opened.append(index)
        elif token.kind == "closing" and opened:
            partners[index] = opened.pop()
            partners[partners[index]] = index
    return partners
