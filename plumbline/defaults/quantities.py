"""Quantities as the API server writes them, whatever way they were written: `0.5` becomes `500m`, `1024Mi` `1Gi`."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

_QUANTITY: Final = re.compile(
    r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3}|)", re.ASCII
)
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"": 0, "Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_MAX_LENGTH: Final = 64
_MAX_NUMBER: Final = 10**_MAX_LENGTH


def canonical(value: Any) -> Any:
    """The quantity as text; what is none as it is."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    if isinstance(value, int) and abs(value) > _MAX_NUMBER:  # Python writes no number of thousands of digits
        return value
    return _canonical(str(value)) or value


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str | None:
    found = _QUANTITY.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if found is None:
        return None
    number, suffix = Fraction(found[1]), found[2]
    is_exponent = suffix[:1] in ("e", "E") and len(suffix) > 1
    if suffix in _BINARY and suffix:
        amount = number * 2 ** _BINARY[suffix]
        # Below 1024 and beyond whole numbers the API server goes back to powers of ten.
        if abs(amount) >= 1024 and amount.denominator == 1:
            return _written(amount, [(name, Fraction(2) ** power) for name, power in _BINARY.items()])
    else:
        amount = number * Fraction(10) ** (int(suffix[1:]) if is_exponent else _DECIMAL[suffix])
    amount = Fraction(-(-amount.numerator * 1000 // amount.denominator), 1000)  # rounded up to thousandths
    names = [(f"e{power}" if power and is_exponent else name, power) for name, power in _DECIMAL.items()]
    return _written(amount, [(name, Fraction(10) ** power) for name, power in names])


def _written(amount: Fraction, units: list[tuple[str, Fraction]]) -> str | None:
    """With the largest unit of which the amount is a whole number."""
    if not amount:
        return "0"
    for name, unit in sorted(units, key=lambda item: -item[1]):
        if (amount / unit).denominator == 1:
            return f"{amount / unit}{name}"
    return None
