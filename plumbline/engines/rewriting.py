"""Sources made runnable: what yields an optional in Kubernetes' libraries is rewritten to what the engine can run."""

from __future__ import annotations

import re

from plumbline.engines.lexemes import TEXT, closing

_CALL = re.compile(
    rf"(?P<text>{TEXT})|(?P<named>\bformat\s*\.\s*named)(?=\s*\()|(?P<validate>\.\s*validate)(?=\s*\()"
)


def runnable(source: str) -> str:
    """`source` with `.validate(x)` as `.plumblineValidate(x).?errors`, and `format.named(x)` alike.

    The source must have been checked before: every `validate` is that of a named format.
    """
    found = next((found for found in _CALL.finditer(source) if not found["text"]), None)
    if found is None:
        return source
    opening = source.index("(", found.end())
    end = closing(source, opening)
    name, entry = (".plumblineValidate", "errors") if found["validate"] else ("format.plumblineNamed", "format")
    inside = runnable(source[opening + 1 : end])
    return f"{source[: found.start()]}{name}({inside}).?{entry}{runnable(source[end + 1 :])}"
