"""How an edit is declined."""

from __future__ import annotations


class Refusal(ValueError):
    """An edit that cannot be made without touching what it must not touch; `at` is an offset into the document."""

    def __init__(self, reason: str, at: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.at = reason, at
