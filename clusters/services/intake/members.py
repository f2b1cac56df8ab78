"""A JSON object read member by member, and long lists in it batch by batch, so that none of it need be held whole.

Where an element ends is guessed from how those before it are spelled, and the guess is proved by parsing: what parses
as elements with nothing left over is these elements, for no JSON value is the beginning of another that goes on with
a comma. Only where a guess fails are brackets counted, which takes many times as long.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from common.errors import TooLarge

from .windows import CHUNK, MOST_MARKS, TOO_DENSE, Window

# From the end of an element into the next one, to the end of its first key.
_BETWEEN = re.compile(rb'[ \t\n\r]*+,[ \t\n\r]*+(?:\{[ \t\n\r]*+(?:"[^"\\]*+"[ \t\n\r]*+:)?+)?+')
_STARTS = frozenset(b'"{[-0123456789tfn')

# What to put before the rest of a body so that it is JSON up to there: then the parser says what is wrong with it.
_NOTHING, _ENDED = b"", b"{}"
_AT_KEY, _AFTER_KEY, _AT_VALUE, _AFTER_VALUE = b"{", b'{""', b'{"":', b'{"":""'
_AT_ELEMENT, _AFTER_ELEMENT = b'{"":[', b'{"":[""'
MOST_MEMBERS = 100  # a report has a dozen
_WIDEST = 4 << 20  # bytes in which ends of elements are looked for, where elements are large
_EXPLAINED = 1 << 20  # bytes of a value without end that are looked at for the reason
_LONGEST_TOKEN = 16  # where a literal, an escape or a number is cut off, the parser names its beginning


class Malformed(Exception):
    """Not JSON, at this offset into the body and for this reason."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


@dataclass(frozen=True)
class Member:
    """A member of the object, as parsed and as spelled."""

    name: str
    value: Any
    key: bytes
    key_offset: int
    raw: bytes
    offset: int


@dataclass(frozen=True)
class Elements:
    """Some elements of a list in the object, as parsed, and as spelled with the commas between them."""

    name: str
    values: list[Any]
    raw: bytes
    offset: int


class NotAnObject(Exception):
    """JSON of another kind."""


class Crowded(Exception):
    """The list of this name, or the object if it is none, has more members than it may have."""

    def __init__(self, name: str, most: int) -> None:
        super().__init__(name)
        self.name = name
        self.most = most


class MemberReader:
    """Iterates over the object in `pieces`, in its order. A list of a name in `lists`, which say how many elements each
    may have, is told as a Member whose value is empty, and then by its Elements.

    Raises Malformed, NotAnObject, Crowded, and TooLarge for an element, or for the rest without these lists, of more
    than `most` bytes.
    """

    def __init__(self, pieces: Iterator[bytes], *, lists: Mapping[str, int], most: int) -> None:
        self._window = Window(pieces)
        self._lists = lists
        self._most = most
        self._left = most  # of what is outside of the lists

    def __iter__(self) -> Iterator[Member | Elements]:
        is_object = self._window.peek() == b"{"
        if is_object:
            yield from self._members()
        else:
            self._parsed(self._value(_NOTHING, self._most, ""), _NOTHING)
        if self._window.peek():
            self._refuse(_ENDED)
        if not is_object:
            raise NotAnObject

    def _members(self) -> Iterator[Member | Elements]:
        self._window.take(1)
        if self._window.peek() == b"}":
            self._window.take(1)
            return
        for _ in range(MOST_MEMBERS):
            yield from self._member()
            if not self._goes_on(b"}", _AFTER_VALUE):
                return
        raise Crowded("", MOST_MEMBERS)

    def _member(self) -> Iterator[Member | Elements]:
        if self._window.peek() != b'"':
            self._refuse(_AT_KEY)
        key_offset = self._window.offset
        key = self._value(_AT_KEY, self._left, "")
        name: str = self._parsed(key, _AT_KEY)
        if self._window.peek() != b":":
            self._refuse(_AFTER_KEY)
        self._window.take(1)
        if self._window.peek() == b"[" and name in self._lists:
            self._left -= len(key)
            yield Member(name, [], key, key_offset, b"[]", self._window.offset)
            yield from self._elements(name)
        else:
            offset = self._window.offset
            raw = self._value(_AT_VALUE, self._left, name)
            self._left -= len(key) + len(raw)
            yield Member(name, self._parsed(raw, _AT_VALUE), key, key_offset, raw, offset)

    def _elements(self, name: str) -> Iterator[Elements]:
        self._window.take(1)
        if self._window.peek() == b"]":
            self._window.take(1)
            return
        count, mark, span, hopeful_from = 0, b"", CHUNK, 0
        while True:
            self._window.peek()
            offset = self._window.offset
            is_hopeful = mark and offset >= hopeful_from
            guess = self._guess(mark, span) if is_hopeful else b""
            elements = self._proved(guess)
            if elements is not None:
                raw = self._window.take(len(guess))
            else:
                if is_hopeful:
                    # What was looked at in vain is not looked at again: time stays in proportion to the body.
                    hopeful_from = offset + (len(guess) or span)
                raw = self._value(_AT_ELEMENT, self._most, f"{name}[{count}]")
                elements = [self._parsed(raw, _AT_ELEMENT)]
                mark = self._mark(raw)
            count += len(elements)
            if count > self._lists[name]:
                raise Crowded(name, self._lists[name])
            span = min(max(CHUNK, 2 * len(raw) // len(elements)), _WIDEST)
            yield Elements(name, elements, raw, offset)
            if not self._goes_on(b"]", _AFTER_ELEMENT):
                return

    def _guess(self, mark: bytes, span: int) -> bytes:
        """What comes next, up to the last end of an element in sight."""
        window = self._window
        window.hold(span)
        end = window.data.rfind(mark, window.at, window.at + span)
        return window.data[window.at : end + 1] if end >= 0 else b""

    @staticmethod
    def _proved(guess: bytes) -> list[Any] | None:
        if not guess:
            return None
        try:
            elements: list[Any] = orjson.loads(b"[%b]" % guess)
        except orjson.JSONDecodeError:
            return None
        return elements

    def _mark(self, raw: bytes) -> bytes:
        """What shows where an element ends: how `raw`, which was taken, does, and the next one begins."""
        self._window.hold(CHUNK)
        between = _BETWEEN.match(self._window.data, self._window.at)
        return raw[-1:] + between.group() if between else b""

    def _goes_on(self, end: bytes, context: bytes) -> bool:
        """Take the comma after which there is more, or the `end`."""
        following = self._window.peek()
        if following not in (b",", end):
            self._refuse(context)
        offset = self._window.offset
        self._window.take(1)
        if following == end:
            return False
        if self._window.peek() == end:
            raise Malformed(offset, "trailing comma is not allowed")
        return True

    def _value(self, context: bytes, most: int, where: str) -> bytes:
        """Take the value that comes next. `where` names it, should it be too long."""
        window = self._window
        first = window.peek()
        length = window.measure(most) if first and first[0] in _STARTS else 0
        if not length:
            self._refuse(context)
        if length > most or length == TOO_DENSE:
            self._refuse_length(context, most, where)
        return window.take(length)

    def _parsed(self, raw: bytes, context: bytes) -> Any:
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            # The parser is to see what follows, too, for its reason to be what it would be for the whole.
            self._window.at -= len(raw)
            self._refuse(context)

    def _refuse_length(self, context: bytes, most: int, where: str) -> NoReturn:
        """Raise for the value that comes next and is too large, unless it only is so because its beginning is wrong."""
        window = self._window
        looked_at = min(_EXPLAINED, len(window.data) - window.at)
        fault = self._fault(context, looked_at)
        if fault.offset + _LONGEST_TOKEN < window.offset + looked_at:
            raise fault
        limits = f"{most} bytes and {MOST_MARKS} brackets and commas"
        raise TooLarge(
            f"{where or 'The body'} is too large: at most {limits} can be read at once.",
            code="value_too_large",
            fields={where or "body": f"More than {limits}."},
        )

    def _refuse(self, context: bytes) -> NoReturn:
        """Raise for what comes next, which cannot follow upon `context`."""
        self._window.hold(CHUNK)
        raise self._fault(context)

    def _fault(self, context: bytes, most: int | None = None) -> Malformed:
        """What is wrong with what comes next, or with the first `most` bytes of it; at its end if nothing is."""
        window = self._window
        raw = window.data[window.at : None if most is None else window.at + most]
        # A character that is cut in two by the window's end is left out; one that is none is for others to find.
        rest = raw.decode(errors="ignore")
        before = context.decode()
        try:
            orjson.loads(before + rest)
        except orjson.JSONDecodeError as error:
            passed = max(0, error.pos - len(before))
            return Malformed(window.offset + len(rest[:passed].encode()), error.msg)
        return Malformed(window.offset + len(raw), "unexpected end of data")
