"""What goes wrong with Rego."""

from __future__ import annotations


class RegoError(ValueError):
    """A module that cannot be used. `line` and `column` count from 1 in the module's own text, None when unknown."""

    def __init__(
        self, message: str, *, module: str | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        self.message, self.module, self.line, self.column = message, module, line, column
        where = f"line {line}" if line else ""
        if column:
            where = f"{where}, column {column}"
        super().__init__(": ".join(part for part in (module, where, message) if part))


class EngineError(RuntimeError):
    """The engine gave no usable answer: it is gone, too slow, out of memory, or it failed; `str()` says which."""
