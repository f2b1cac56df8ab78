"""What JSON must be beyond what a parser asks, for PostgreSQL to hold it and for readers to agree on it."""

import codecs
import gc
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from common.errors import PlumblineError

# An escape of NUL that is not itself behind an escaped backslash: PostgreSQL's text and jsonb cannot hold it.
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CONTINUATIONS = bytes(range(0x80, 0xC0))  # bytes of UTF-8 that begin no character
MAX_DEPTH = 250

Read = Callable[[], Iterable[bytes]]  # a body in pieces, from its first byte each time


class BadDocument(PlumblineError):
    """Not JSON that can be taken in; `fields["body"]` says where."""

    code = "malformed_json"


def parse_document(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises BadDocument for anything else, with the place if it has one.

    Strict: UTF-8 only, no NaN, no duplicate keys, no NUL characters, at most MAX_DEPTH levels.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(lambda: [body], len(error.doc[: error.pos].encode()), error.msg) from error
    if not isinstance(document, dict):
        raise not_an_object()
    strictness = Strictness()
    strictness.render([document], body, 0, depth=0)
    strictness.require(lambda: [body])
    return document


@contextmanager
def collector_paused() -> Iterator[None]:
    """Parsing makes millions of objects and no cycles; scanning them over and over doubles the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Strictness:
    """Looks at what was parsed, piece by piece. Of what is wrong with all of them, one thing is told at the end."""

    def __init__(self) -> None:
        self._nul: int | None = None
        self._is_nested = False
        self._twice: BadDocument | None = None

    def render(self, values: list[Any], raw: bytes, offset: int, *, depth: int) -> list[bytes]:
        """The compact JSON of each of `values`, which were spelled as `raw`, at `offset` into the body and `depth`
        levels below the document; empty if one of them cannot be written.
        """
        self.look(raw, offset)
        try:
            rendered = [_render(value, depth) for value in values]
        except orjson.JSONEncodeError:
            self._is_nested = True
            return []
        if self._twice is None:
            self._compare(raw, rendered)
        return rendered

    def look(self, raw: bytes, offset: int) -> None:
        """Of text that stands for no value of its own, such as a key."""
        if self._nul is None and b"\\u0000" in raw and (nul := _ESCAPED_NUL.search(raw)):
            self._nul = offset + nul.start()

    def note_twice(self, key: str) -> None:
        self._twice = self._twice or BadDocument(
            f"The key “{key[:80]}” is given twice in one object.",
            code="duplicate_key",
            fields={"body": f"Duplicate key “{key[:80]}”."},
        )

    def require(self, read: Read) -> None:
        """Raise BadDocument for what was seen."""
        if self._nul is not None:
            raise _at(read(), self._nul, "a NUL character (\\u0000)")
        if self._is_nested:
            raise _nested_too_deeply()
        if self._twice:
            raise self._twice

    def _compare(self, raw: bytes, rendered: list[bytes]) -> None:
        """Compare the number of `":` as it came with that in the rendering, where no key is written twice.

        Equal numbers are the rule and cost next to nothing. Other spellings of the same document differ too
        (a space before the colon, an escaped quote), hence the slow, exact look before anything is noted.
        """
        if raw.count(b'":') != sum(one.count(b'":') for one in rendered):
            json.loads(b"[%b]" % raw, object_pairs_hook=self._look_for_two)

    def _look_for_two(self, pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                self.note_twice(key)
            seen.add(key)


def malformed(read: Read, offset: int, reason: str) -> BadDocument:
    """The refusal of a body at whose `offset` a parser stopped for this `reason`. What is no text at all is told
    first, wherever it is.
    """
    nul, invalid = _unreadable(read())
    if nul is not None:
        return _at(read(), nul, "a NUL byte")
    if "recursion" in reason.lower() or "depth" in reason.lower():
        return _nested_too_deeply()
    if invalid is not None:
        return _at(read(), invalid, "a byte that is not UTF-8")
    where = _place(read(), offset)
    return BadDocument(f"The body is not JSON: {reason} ({where}).", fields={"body": f"{reason} at {where}"})


def not_an_object() -> BadDocument:
    return BadDocument("The body is JSON, but not an object.", fields={"body": "Not an object."})


def _render(value: Any, depth: int) -> bytes:
    """Within as many lists as there are levels above it: so deep it may be, and no deeper."""
    for _ in range(depth):
        value = [value]
    rendered = orjson.dumps(value)
    return rendered[depth : len(rendered) - depth]


def _nested_too_deeply() -> BadDocument:
    return BadDocument(
        f"The document is nested more than {MAX_DEPTH} levels deep.",
        code="nested_too_deeply",
        fields={"body": f"More than {MAX_DEPTH} levels."},
    )


def _unreadable(pieces: Iterable[bytes]) -> tuple[int | None, int | None]:
    """Where the first NUL byte is, and the first byte that is not UTF-8."""
    nul = invalid = None
    passed = 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    for piece in pieces:
        if nul is None and (found := piece.find(b"\x00")) >= 0:
            nul = passed + found
        invalid = _invalid(decoder, piece, passed) if invalid is None else invalid
        passed += len(piece)
    return nul, _invalid(decoder, b"", passed, is_last=True) if invalid is None else invalid


def _invalid(decoder: codecs.IncrementalDecoder, piece: bytes, passed: int, *, is_last: bool = False) -> int | None:
    waiting = len(decoder.getstate()[0])
    try:
        decoder.decode(piece, is_last)
    except UnicodeDecodeError as error:
        return passed - waiting + error.start
    return None


def _at(pieces: Iterable[bytes], offset: int, what: str) -> BadDocument:
    where = _place(pieces, offset)
    return BadDocument(f"The body holds {what} at {where}.", fields={"body": f"{what} at {where}"})


def _place(pieces: Iterable[bytes], offset: int) -> str:
    """Line and column of an offset in bytes; columns are characters."""
    line, column = 1, 1
    for piece in pieces:
        before = piece[: max(0, offset)]
        offset -= len(piece)
        if newlines := before.count(b"\n"):
            line, column = line + newlines, 1
            before = before[before.rfind(b"\n") + 1 :]
        column += len(before.translate(None, _CONTINUATIONS))
    return f"line {line}, column {column}"
