"""What an expression can see: its verdict is the same for two objects that agree on these parts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

Part = tuple[str, ...]

_STEP = re.compile(r"\.\??([A-Za-z_]\w*)")
_CALL = re.compile(r"(?:\s|//[^\n]*)*\(")
_BEFORE_FIELD = re.compile(r"""(?:(?P<word>\w+)|[)\]}"'`])\.\??$""")
_STEPS = {"object": 4, "variables": 2}


def parts_of(source: str, names: Iterable[str]) -> frozenset[Part] | None:
    """The parts `(name, field, ...)` that `source` reads, of what the engine knows besides constants.

    Elements bound to `names` are read by the field, `variables` by the field of a composed variable. More may
    be named than is read, never less. None when the source reads all of `object` or of a composed variable, or other
    objects.
    """
    found: set[Part] = set()
    for match in _roots(tuple(names)).finditer(source):
        root = match[0]
        if root == "related":
            return None
        if not _is_field(source, match.start()):
            found.add((root, *_chain(source, match.end(), _STEPS.get(root, 1))))
    is_whole = ("object",) in found or any(part[0] == "variables" and len(part) < 2 for part in found)
    return None if is_whole or ("variables", "podSpec") in found else _widest(found)


@lru_cache(maxsize=256)
def _roots(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(('related', 'object', 'variables', *names))})\b")


def _is_field(source: str, start: int) -> bool:
    """Whether the word at `start` is a field of something, as `object` in `metadata.object`."""
    if source[start - 1 : start] not in (".", "?"):
        return False
    before = _BEFORE_FIELD.search(source, max(0, start - 200), start)
    return before is not None and before["word"] != "in"


def _chain(source: str, at: int, limit: int) -> list[str]:
    """The fields selected one after another from `at`, without a function that is called at the end."""
    steps: list[str] = []
    while len(steps) < limit and (step := _STEP.match(source, at)) and not _CALL.match(source, step.end()):
        steps.append(step[1])
        at = step.end()
    return steps


def _widest(parts: set[Part]) -> frozenset[Part]:
    return frozenset(part for part in parts if not any(part[:length] in parts for length in range(1, len(part))))
