"""`'%s has %d'.format([name, count])` as the API server formats, quirks included."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from plumbline.engines.references import FunctionError

MAX_TEXT = 1 << 20
"""Characters that a function may make."""

_CLAUSE = re.compile(r"%(?:%|(\.[0-9]*)?(.?))", re.DOTALL)
_MAX_PRECISION = 1000
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_ESCAPES = {code: f"\\{letter}" for code, letter in [*enumerate("abtnvfr", 7), (ord("\\"), "\\"), (ord('"'), '"')]}


def formatted(template: str, values: list[Any]) -> str:
    """`template` with its clauses filled in from `values`, one after another."""
    parts: list[str] = []
    at = used = size = 0
    for found in _CLAUSE.finditer(template):
        parts.append(template[at : found.start()])
        at = found.end()
        if found[0] == "%%":
            parts.append("%")
            continue
        if used >= len(values):
            raise FunctionError(f"index {used} out of range: the list has {len(values)} elements")
        parts.append(_clause(found, values[used]))
        used, size = used + 1, size + len(parts[-1])
        if size > MAX_TEXT:
            raise FunctionError(f"the text would have more than {MAX_TEXT} characters")
    return "".join((*parts, template[at:]))


def _clause(found: re.Match[str], value: Any) -> str:
    letter, precision = found[2], 6
    if not letter:
        raise FunctionError("unexpected end of string")
    if found[1] is not None:
        if found[1] == ".":
            raise FunctionError("a precision needs digits after its dot")
        precision = int(found[1][1:][:9])
        if precision > _MAX_PRECISION:
            raise FunctionError(f"a precision of {precision} is more than {_MAX_PRECISION}")
    format = _CLAUSES.get(letter)
    if format is None:
        raise FunctionError(f"unrecognized formatting clause {letter!r}")
    return format(value, precision)


def _wrong(clause: str, value: Any) -> FunctionError:
    return FunctionError(f"{clause}, was given {type_name(value)}")


def type_name(value: Any) -> str:
    """The CEL type of `value`."""
    names = {bool: "bool", int: "int", float: "double", str: "string", list: "list", dict: "map", bytearray: "bytes"}
    special = {type(None): "null_type", datetime.timedelta: "duration", datetime.datetime: "timestamp"}
    return {**names, **special}.get(value.__class__, "type")


def plain(value: Any, _precision: int = 0) -> str:
    """What `%s` makes of it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case float():
            return number_text(value)
        case bytearray():
            return _decoded(value)
        case None:
            return "null"
        case list():
            return "[" + ", ".join(quoted_element(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(sorted(_pair(key, item) for key, item in value.items())) + "}"
        case datetime.timedelta() | datetime.datetime():
            return _time_text(value)
    return str(value.name()).partition("<")[0].lower()


def _decoded(value: bytearray) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise FunctionError("invalid UTF-8 in bytes") from error


def _pair(key: Any, value: Any) -> str:
    return f"{quoted_element(key)}:{quoted_element(value)}"


def quoted_element(value: Any) -> str:
    """How an element of a list or map is shown."""
    match value:
        case str():
            return _literal(value)
        case bytearray():
            return "b" + _literal(_decoded(value))
        case float():
            return f"{value:.6f}" if math.isfinite(value) else f'"{number_text(value)}"'
        case datetime.timedelta():
            return f'duration("{_time_text(value)}")'
        case datetime.datetime():
            return f'timestamp("{_time_text(value)}")'
    return plain(value)


def _time_text(value: datetime.timedelta | datetime.datetime) -> str:
    if isinstance(value, datetime.datetime):
        fraction = f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
        return f"{value:%Y-%m-%dT%H:%M:%S}{fraction}Z"
    microseconds = value // datetime.timedelta(microseconds=1)
    whole, rest = divmod(abs(microseconds), 1_000_000)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{'-' if microseconds < 0 else ''}{whole}{fraction}s"


def number_text(value: float) -> str:
    """The fewest digits that mean `value`, with an exponent when it is below -4 or above 5."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    number = Decimal(repr(value)).normalize()
    power = number.adjusted() if number else 0
    if -5 < power < 6:
        return f"{number:f}"
    sign, digits, _ = number.as_tuple()
    mantissa = "".join(map(str, digits))
    fraction = "." + mantissa[1:] if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{fraction}e{power:+03d}"


def _literal(text: str) -> str:
    """As `quote`, with what cannot be printed escaped."""
    return "".join(part if part.isprintable() else _escape(part) for part in quote(text))


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _decimal(value: Any, _precision: int) -> str:
    if value.__class__ is not int:
        raise _wrong("decimal clause can only be used on integers", value)
    return str(value)


def _float(value: Any, clause: str) -> float:
    if value.__class__ is str and value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    if value.__class__ is not float:
        raise _wrong(clause, value)
    return float(value)


def _special(value: float) -> str | None:
    if math.isnan(value):
        return "NaN"
    return ("∞" if value > 0 else "-∞") if math.isinf(value) else None


def _fixed(value: Any, precision: int) -> str:
    number = _float(value, "fixed-point clause can only be used on doubles")
    text = _special(number) or f"{number:,.{precision}f}"
    return text.removeprefix("-") if number == 0 else text


def _scientific(value: Any, _precision: int) -> str:
    """With six digits whatever the precision: the API server's library takes the precision for a width."""
    number = _float(value, "scientific clause can only be used on doubles")
    if (special := _special(number)) is not None:
        return special
    mantissa, _, exponent = f"{number:.6e}".partition("e")
    return f"{mantissa}×10{exponent.removeprefix('+').translate(_SUPERSCRIPTS)}"


def _binary(value: Any, _precision: int) -> str:
    if value.__class__ not in (int, bool):
        raise _wrong("only integers and bools can be formatted as binary", value)
    return f"{value:b}"


def _hexadecimal(value: Any, _precision: int) -> str:
    if isinstance(value, str | bytearray):
        return (value.encode() if isinstance(value, str) else value).hex()
    if value.__class__ is not int:
        raise _wrong("only integers, byte buffers, and strings can be formatted as hex", value)
    return f"{value:x}"


def _octal(value: Any, _precision: int) -> str:
    if value.__class__ is not int:
        raise _wrong("octal clause can only be used on integers", value)
    return f"{value:o}"


_CLAUSES: dict[str, Callable[[Any, int], str]] = {
    "s": plain,
    "d": _decimal,
    "f": _fixed,
    "e": _scientific,
    "b": _binary,
    "x": _hexadecimal,
    "X": lambda value, precision: _hexadecimal(value, precision).upper(),
    "o": _octal,
}


def quote(text: str) -> str:
    """As a literal in double quotes."""
    if len(text) > MAX_TEXT // 2:
        raise FunctionError(f"the text would have more than {MAX_TEXT} characters")
    return f'"{text.translate(_ESCAPES)}"'
