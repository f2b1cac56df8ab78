"""Semantic versions: `semver('1.2.3')`, leniently read with a second argument."""

from __future__ import annotations

import re
from functools import lru_cache

from plumbline.engines.references import FunctionError
from plumbline.engines.signatures import declare

_NUMBER = r"0|[1-9][0-9]*"
_IDENTIFIER = r"[0-9A-Za-z-]+"
_VERSION = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
    rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?",
    re.ASCII,
)
_TAG = b"semver:"
_MAX_NUMBER = 2**64 - 1

Version = tuple[int, int, int, tuple[tuple[int, int, str], ...]]
"""Major, minor, patch and what orders the pre-release; build metadata says nothing about the order."""


@lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[Version, str]:
    """The version and its text without build metadata."""
    found = _VERSION.fullmatch(text)
    if found is None:
        raise FunctionError(f"{text[:60]!r} is not a semantic version: MAJOR.MINOR.PATCH is expected")
    identifiers = found[4].split(".") if found[4] else []
    if any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in identifiers):
        raise FunctionError(f"{text[:60]!r}: a number in the pre-release must not begin with 0")
    numbers = [int(found[1]), int(found[2]), int(found[3])]
    if max(numbers) > _MAX_NUMBER:
        raise FunctionError(f"{text[:60]!r}: a number is too large")
    order = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in identifiers]
    release = [] if identifiers else [(2, 0, "")]
    version = (numbers[0], numbers[1], numbers[2], tuple(order or release))
    return version, text.partition("+")[0]


def _normal(text: str) -> str:
    """Without a leading `v` and leading zeros, with a minor and a patch version."""
    parts = text.removeprefix("v").split(".", 2)
    parts = [_without_zeros(part) for part in parts]
    if len(parts) < 3 and re.search("[+-]", parts[-1]):
        raise FunctionError(f"{text[:60]!r}: a short version cannot have a pre-release or build metadata")
    return ".".join([*parts, "0", "0"][: max(3, len(parts))])


def _without_zeros(part: str) -> str:
    if len(part) < 2:
        return part
    rest = part.lstrip("0")
    return rest if rest[:1] and rest[0] in "0123456789" else "0" + rest


def _of(stand_in: bytearray) -> Version:
    if not stand_in.startswith(_TAG):
        raise FunctionError("no such overload: the value is not a semantic version")
    return _parse(stand_in[len(_TAG) :].decode(errors="replace"))[0]


def semver(text: str, normalize: bool = False) -> bytearray:
    return bytearray(_TAG + _parse(_normal(text) if normalize else text)[1].encode())


def is_semver(text: str, normalize: bool = False) -> bool:
    try:
        semver(text, normalize)
    except FunctionError:
        return False
    return True


def major(version: bytearray) -> int:
    return _of(version)[0]


def minor(version: bytearray) -> int:
    return _of(version)[1]


def patch(version: bytearray) -> int:
    return _of(version)[2]


def is_greater(one: bytearray, other: bytearray) -> bool:
    return _of(one) > _of(other)


def is_less(one: bytearray, other: bytearray) -> bool:
    return _of(one) < _of(other)


def compare(one: bytearray, other: bytearray) -> int:
    a, b = _of(one), _of(other)
    return (a > b) - (a < b)


_V = "kubernetes.Semver"

FUNCTIONS = (
    *declare(semver, f"semver(string) -> {_V}", f"semver(string, bool) -> {_V}"),
    *declare(is_semver, "isSemver(string) -> bool", "isSemver(string, bool) -> bool"),
    *declare(major, f"<{_V}>.major() -> int"),
    *declare(minor, f"<{_V}>.minor() -> int"),
    *declare(patch, f"<{_V}>.patch() -> int"),
    *declare(is_greater, f"<{_V}>.isGreaterThan({_V}) -> bool"),
    *declare(is_less, f"<{_V}>.isLessThan({_V}) -> bool"),
    *declare(compare, f"<{_V}>.compareTo({_V}) -> int"),
)
