"""Functions of strings: those that the engine lacks, and those that need a bound on what they make."""

from __future__ import annotations

import base64
import datetime

from plumbline.engines import patterns
from plumbline.engines.functions.formatting import MAX_TEXT, formatted, quote
from plumbline.engines.references import FunctionError
from plumbline.engines.signatures import declare


def matches(text: str, pattern: str) -> bool:
    try:
        return patterns.matches(text, pattern)
    except patterns.PatternError as error:
        raise FunctionError(str(error)) from error


def find(text: str, pattern: str) -> str:
    """The first match, or the empty string."""
    try:
        found = patterns.found(text, pattern, 1)
    except patterns.PatternError as error:
        raise FunctionError(str(error)) from error
    return found[0] if found else ""


def find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    """All matches, or the first `limit` when that is not negative."""
    try:
        return patterns.found(text, pattern, limit)
    except patterns.PatternError as error:
        raise FunctionError(str(error)) from error


def replaced(text: str, old: str, new: str, limit: int = -1) -> str:
    """With `new` for `old`: everywhere, or the first `limit` times when that is not negative."""
    count = text.count(old)
    times = count if limit < 0 else min(count, limit)
    _limited(len(text) + times * (len(new) - len(old)))
    return text.replace(old, new, limit)


def joined(values: list[str], separator: str = "") -> str:
    if any(value.__class__ is not str for value in values):
        raise FunctionError("no such overload: an element is not a string")
    _limited(sum(map(len, values)) + len(separator) * len(values))
    return separator.join(values)


def encoded(data: bytearray) -> str:
    _limited(len(data) * 4 // 3)
    return base64.b64encode(data).decode()


def _limited(size: int) -> None:
    if size > MAX_TEXT:
        raise FunctionError(f"the text would have more than {MAX_TEXT} characters")


def index(text: str, part: str, offset: int = 0) -> int:
    """Of the first `part` from `offset` on, or -1."""
    if offset < 0:
        raise FunctionError(f"index out of range: {offset}")
    return text.find(part, offset) if part else offset


def last_index(text: str, part: str, offset: int | None = None) -> int:
    """Of the last `part` that begins at `offset` or before it, or -1."""
    if offset is None:
        return text.rfind(part)
    if offset < 0:
        raise FunctionError(f"index out of range: {offset}")
    if not part:
        return offset
    return text.rfind(part, 0, offset + len(part)) if offset < len(text) else -1


def milliseconds(duration: datetime.timedelta) -> int:
    """All of the duration."""
    microseconds = duration // datetime.timedelta(microseconds=1)
    return abs(microseconds) // 1000 * (1 if microseconds >= 0 else -1)


def milliseconds_of(moment: datetime.datetime, zone: str = "UTC") -> int:
    """Of its second. A zone moves it by whole seconds."""
    if zone[:1] not in ("+", "-") and not zone[:1].isdigit():
        import zoneinfo  # here, because nearly no expression needs it and every start would pay

        try:
            zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise FunctionError(f"unknown time zone {zone[:60]}") from error
    return moment.microsecond // 1000


FUNCTIONS = (
    *declare(find, "<string>.find(string) -> string"),
    *declare(
        find_all,
        "<string>.findAll(string) -> list<string>",
        "<string>.findAll(string, int) -> list<string>",
    ),
)
REPLACED = (
    *declare(matches, "<string>.matches(string) -> bool"),
    *declare(
        replaced,
        "<string>.replace(string, string) -> string",
        "<string>.replace(string, string, int) -> string",
    ),
    *declare(joined, "<list<string>>.join() -> string", "<list<string>>.join(string) -> string"),
    *declare(formatted, "<string>.format(list<dyn>) -> string"),
    *declare(quote, "strings.quote(string) -> string"),
    *declare(encoded, "base64.encode(bytes) -> string"),
    *declare(index, "<string>.indexOf(string) -> int", "<string>.indexOf(string, int) -> int"),
    *declare(last_index, "<string>.lastIndexOf(string) -> int", "<string>.lastIndexOf(string, int) -> int"),
    *declare(milliseconds, "<duration>.getMilliseconds() -> int"),
    *declare(
        milliseconds_of,
        "<timestamp>.getMilliseconds() -> int",
        "<timestamp>.getMilliseconds(string) -> int",
    ),
)
"""What the engine has, but with patterns compiled each time, with results of any size or not the API server's."""
