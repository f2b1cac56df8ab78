"""Quantities as the API server reads them: `500m`, `1.5Gi`, `12e6`; compared and added exactly."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from plumbline.engines.references import FunctionError
from plumbline.engines.signatures import declare

_QUANTITY = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)", re.ASCII)
_NANO = 10**9
_MAX_INT = 2**63 - 1
_MAX_DIGITS = 18  # what the API server keeps in an int64; beyond, it goes on with big decimals
_MAX_EXPONENT = 1000

_FORM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

Quantity = list[Any]
"""The count of billionths as bytes, and 1 when the API server knows the value as an integer, else 1.0: equal to CEL,
so that two quantities are equal when their values are."""


def _stand_in(billionths: int, is_integer: bool) -> Quantity:
    return [bytearray(b"%d" % billionths), 1 if is_integer else 1.0]


def _billionths(quantity: Quantity) -> int:
    if len(quantity) != 2 or quantity[0].__class__ is not bytearray:
        raise FunctionError("no such overload: the list is not a quantity")
    return int(quantity[0])


def _is_integer(quantity: Quantity) -> bool:
    return quantity[1].__class__ is int


@lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[int, bool]:
    """Billionths, and whether the value is an integer. Raises FunctionError as the API server refuses it."""
    found = _QUANTITY.fullmatch(text) if text else None
    if found is None:
        raise FunctionError(f"{_quoted(text)}: {_FORM}")
    sign, whole, fraction, suffix = found[1], found[2] or "0", found[3] or "", found[4]
    base, exponent = _scale(suffix, text)
    billionths, is_integer = _value(whole, fraction, base, exponent)
    return (-billionths if sign == "-" else billionths), is_integer


def _scale(suffix: str, text: str) -> tuple[int, int]:
    if suffix in _DECIMAL:
        return 10, _DECIMAL[suffix]
    if suffix in _BINARY:
        return 2, _BINARY[suffix]
    found = _EXPONENT.fullmatch(suffix)
    if found is None:
        raise FunctionError(f"{_quoted(text)}: unable to parse quantity's suffix")
    if len(found[1]) > 5 or abs(int(found[1])) > _MAX_EXPONENT:
        raise FunctionError(f"{_quoted(text)}: the exponent is beyond {_MAX_EXPONENT}")
    return 10, int(found[1])


def _value(whole: str, fraction: str, base: int, exponent: int) -> tuple[int, bool]:
    digits = int(whole + fraction)
    if base == 2:
        exact = digits * 2**exponent * _NANO
        short = not fraction and 14 - len(whole) - exponent * 3 // 10 >= 0 and digits * 2**exponent <= _MAX_INT
        if short:
            return exact, True
        return min(_divided(exact, 10 ** len(fraction)), _MAX_INT * _NANO), False
    power = exponent - len(fraction)
    if len(whole) + len(fraction) <= _MAX_DIGITS and power >= -9:
        return digits * 10 ** (power + 9), power >= 0 and digits * 10**power <= _MAX_INT
    return (digits * 10 ** (power + 9) if power >= -9 else _divided(digits, 10 ** (-9 - power))), False


def _divided(number: int, by: int) -> int:
    """Rounded up: whoever asks for a little gets some."""
    return -(-number // by)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def quantity(text: str) -> Quantity:
    """The quantity that `text` denotes."""
    return _stand_in(*_parse(text))


def is_quantity(text: str) -> bool:
    """Whether `quantity(text)` is one."""
    try:
        _parse(text)
    except FunctionError:
        return False
    return True


def compare(one: Quantity, other: Quantity) -> int:
    """-1, 0 or 1."""
    a, b = _billionths(one), _billionths(other)
    return (a > b) - (a < b)


def is_greater(one: Quantity, other: Quantity) -> bool:
    return _billionths(one) > _billionths(other)


def is_less(one: Quantity, other: Quantity) -> bool:
    return _billionths(one) < _billionths(other)


def sign(one: Quantity) -> int:
    value = _billionths(one)
    return (value > 0) - (value < 0)


def is_integer(one: Quantity) -> bool:
    """Whether `asInteger` works: by how the value was written, as for the API server (`1000m` is none)."""
    _billionths(one)
    return _is_integer(one)


def as_integer(one: Quantity) -> int:
    value = _billionths(one)
    if not _is_integer(one):
        raise FunctionError("cannot convert value to integer")
    return value // _NANO


def as_float(one: Quantity) -> float:
    """Digits times a power of ten, as the API server computes it: `3.3` is 3.3000000000000003."""
    value, power = _billionths(one), -9
    while power < 0 and value % 10 == 0:
        value, power = value // 10, power + 1
    try:
        return float(value) * float(f"1e{power}")
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def add(one: Quantity, other: Quantity | int) -> Quantity:
    return _sum(one, other, 1)


def subtract(one: Quantity, other: Quantity | int) -> Quantity:
    return _sum(one, other, -1)


def _sum(one: Quantity, other: Quantity | int, factor: int) -> Quantity:
    if isinstance(other, int):
        other = _stand_in(other * _NANO, True)
    a, b = _billionths(one), _billionths(other)
    total = a + factor * b
    integral = (_is_integer(one) or a == 0) and (_is_integer(other) or b == 0)
    return _stand_in(total, integral and abs(total) <= _MAX_INT * _NANO)


_Q = "kubernetes.Quantity"

FUNCTIONS = (
    *declare(quantity, f"quantity(string) -> {_Q}"),
    *declare(is_quantity, "isQuantity(string) -> bool"),
    *declare(sign, f"sign({_Q}) -> int"),
    *declare(is_integer, f"<{_Q}>.isInteger() -> bool"),
    *declare(as_integer, f"<{_Q}>.asInteger() -> int"),
    *declare(as_float, f"<{_Q}>.asApproximateFloat() -> double"),
    *declare(is_greater, f"<{_Q}>.isGreaterThan({_Q}) -> bool"),
    *declare(is_less, f"<{_Q}>.isLessThan({_Q}) -> bool"),
    *declare(compare, f"<{_Q}>.compareTo({_Q}) -> int"),
    *declare(add, f"<{_Q}>.add({_Q}) -> {_Q}", f"<{_Q}>.add(int) -> {_Q}"),
    *declare(subtract, f"<{_Q}>.sub({_Q}) -> {_Q}", f"<{_Q}>.sub(int) -> {_Q}"),
)
