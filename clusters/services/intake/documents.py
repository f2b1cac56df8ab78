"""From bytes to a JSON document that PostgreSQL can hold, with every refusal located."""

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from common.errors import PlumblineError

# An escape of NUL that is not itself behind an escaped backslash: PostgreSQL's text and jsonb cannot hold it.
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
MAX_DEPTH = 250


class BadDocument(PlumblineError):
    """Not JSON that can be taken in; `fields["body"]` says where."""

    code = "malformed_json"


def parse_document(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises BadDocument for anything else, with the place if it has one.

    Strict: UTF-8 only, no NaN, no duplicate keys, no NUL characters, at most MAX_DEPTH levels.
    """
    if b"\x00" in body:
        raise _at(body, body.index(b"\x00"), "a NUL byte")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _refusal(body, error) from error
    if nul := b"\\u0000" in body and _ESCAPED_NUL.search(body):
        raise _at(body, nul.start(), "a NUL character (\\u0000)")
    if not isinstance(document, dict):
        raise BadDocument("The body is JSON, but not an object.", fields={"body": "Not an object."})
    _refuse_duplicates(body, document)
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


def _refuse_duplicates(body: bytes, document: dict[str, Any]) -> None:
    """Compare the number of `":` in the body with that in its own rendering, where no key is written twice.

    Equal numbers are the rule and cost next to nothing. Other spellings of the same document differ too
    (a space before the colon, an escaped quote), hence the slow, exact look before anything is refused.
    """
    try:
        rendering = orjson.dumps(document)
    except orjson.JSONEncodeError as error:
        raise BadDocument(
            f"The document is nested more than {MAX_DEPTH} levels deep.",
            code="nested_too_deeply",
            fields={"body": f"More than {MAX_DEPTH} levels."},
        ) from error
    if body.count(b'":') == rendering.count(b'":'):
        return
    json.loads(body, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise BadDocument(
                f"The key “{key[:80]}” is given twice in one object.",
                code="duplicate_key",
                fields={"body": f"Duplicate key “{key[:80]}”."},
            )
        seen.add(key)


def _refusal(body: bytes, error: orjson.JSONDecodeError) -> BadDocument:
    if "recursion" in error.msg.lower() or "depth" in error.msg.lower():
        return BadDocument(
            f"The document is nested more than {MAX_DEPTH} levels deep.",
            code="nested_too_deeply",
            fields={"body": f"More than {MAX_DEPTH} levels."},
        )
    try:
        body.decode()
    except UnicodeDecodeError as invalid:
        return _at(body, invalid.start, "a byte that is not UTF-8")
    where = f"line {error.lineno}, column {error.colno}"
    return BadDocument(
        f"The body is not JSON: {error.msg} ({where}).", fields={"body": f"{error.msg} at {where}"}
    )


def _at(body: bytes, offset: int, what: str) -> BadDocument:
    line = body.count(b"\n", 0, offset) + 1
    column = offset - (body.rfind(b"\n", 0, offset) + 1) + 1
    where = f"line {line}, column {column}"
    return BadDocument(f"The body holds {what} at {where}.", fields={"body": f"{what} at {where}"})
