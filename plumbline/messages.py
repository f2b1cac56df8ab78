"""Messages with values of the object in them: `Container {container.name} runs privileged`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from plumbline import paths

_FIELD = re.compile(r"\{([A-Za-z_][^{}]*)\}")
_MAX_VALUE = 200
UNNAMED = "(unnamed)"


class Template:
    """A text with `{dotted.path}` fields, filled from what a rule's expressions see, and `{found}`.
    ValueError if malformed.

    `parts` are its pieces in order: a text with None, or a field with its path.
    """

    __slots__ = ("heads", "is_constant", "parts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        pieces = _FIELD.split(text)
        self.parts: list[tuple[str, paths.Path | None]] = [
            (piece, paths.parse(piece) if index % 2 else None) for index, piece in enumerate(pieces) if piece
        ]
        self.heads = frozenset(str(path[0]) for _, path in self.parts if path)
        self.is_constant = not self.heads

    def fill(self, values: Mapping[str, Any], *, quote: bool = False) -> str:
        """The text with its fields filled in; with `quote`, values are escaped to stand within double
        quotes.
        """
        if self.is_constant:
            return self.text
        parts: list[str] = []
        for text, path in self.parts:
            if path is None:
                parts.append(text)
                continue
            value = as_text(paths.lookup(values.get(str(path[0]), paths.MISSING), path[1:]))
            parts.append(value.replace("\\", "\\\\").replace('"', '\\"') if quote else value)
        return "".join(parts)


def as_text(value: Any) -> str:
    """A value as it is shown within a sentence, cut at 200 characters."""
    if value is paths.MISSING:
        text = UNNAMED
    elif isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 1] + "…"
