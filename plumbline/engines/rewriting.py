"""Sources made runnable. Functions that replace the engine's own go by other names, of the same length so that each
column stays where it is; what yields an optional in Kubernetes' libraries is rewritten to what the engine can run.
"""

from __future__ import annotations

import re

from plumbline.engines.functions import REPLACED
from plumbline.engines.lexemes import TEXT, closing, commas


def internal(name: str) -> str:
    """The name by which the engine knows our function instead of its own."""
    return name[:-1] + "_"


_MEMBERS = {function.name for function in REPLACED if function.is_member}
_GLOBALS = {function.name for function in REPLACED if not function.is_member}
_INTERNAL = {internal(name): name for name in (*_MEMBERS, *_GLOBALS, "validate", "format.named")}
_CALL = re.compile(
    rf"(?P<text>{TEXT})|\.\s*(?P<macro>exists_one)(?=\s*\()"
    rf"|\.\s*(?P<member>{'|'.join(sorted(_MEMBERS))})(?=\s*\()"
    rf"|(?<![\w.])(?P<global>{'|'.join(sorted(map(re.escape, _GLOBALS)))})(?=\s*\()"
)
_OPTIONAL = re.compile(
    rf"(?P<text>{TEXT})|(?P<named>\bformat\s*\.\s*named)(?=\s*\()|(?P<validate>\.\s*validate)(?=\s*\()"
)
_NAME = re.compile(r"[A-Za-z.]*_(?![\w.])")


def renamed(source: str) -> str:
    """`source` with our functions instead of the engine's, column by column where it was."""

    def rename(found: re.Match[str]) -> str:
        if found["text"]:
            return found[0]
        if found["macro"]:  # of two variables, the engine has it under its other name alone
            has_two = commas(source, source.index("(", found.end())) == 2
            return found[0].replace("exists_one", "existsOne") if has_two else found[0]
        return internal(found[0])

    return _CALL.sub(rename, source)


def runnable(source: str) -> str:
    """`source` with `.validate(x)` as `.validat_(x).?errors`, and `format.named(x)` alike.

    The source must have been checked before: every `validate` is that of a named format.
    """
    found = next((found for found in _OPTIONAL.finditer(source) if not found["text"]), None)
    if found is None:
        return source
    opening = source.index("(", found.end())
    end = closing(source, opening)
    entry = "errors" if found["validate"] else "format"
    inside = runnable(source[opening + 1 : end])
    return f"{source[: found.start()]}{internal(found[0])}({inside}).?{entry}{runnable(source[end + 1 :])}"


def as_written(message: str) -> str:
    """The engine's message with the names of functions as authors write them."""
    return _NAME.sub(lambda found: _INTERNAL.get(found[0], found[0]), message)
