"""What every parser of manifests holds to, and how it refuses."""

from __future__ import annotations

MAX_DEPTH = 100


class StrictError(ValueError):
    """A document that cannot be read; `line` counts from 1."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line = message, line
