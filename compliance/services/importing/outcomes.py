"""What became of each document of an import."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["imported", "replaced", "restored", "unchanged", "refused", "attached", "ignored"]
ACCEPTED: tuple[Outcome, ...] = ("imported", "replaced", "restored", "unchanged")


@dataclass(frozen=True, slots=True)
class DocumentOutcome:
    """One document of one file, or the file when `line` is None.

    Policies have an id, a format and an engine. `policies` are the ids of those that an attached document (a
    binding, parameters, a template) is part of. `field` and `column` say where in the document a refusal has
    its reason; the column counts from 1 inside the field's text.
    """

    file: str
    line: int | None
    outcome: Outcome
    kind: str = ""
    name: str = ""
    id: str = ""
    format: str = ""
    engine: str = ""
    reason: str = ""
    field: str = ""
    column: int | None = None
    policies: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """`file:line`, as editors open it."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """Every document, in the order of files and lines."""

    documents: tuple[DocumentOutcome, ...] = field(default=())

    def count_of(self, *outcomes: str) -> int:
        return sum(document.outcome in outcomes for document in self.documents)

    @property
    def accepted_count(self) -> int:
        """Policies that are now as they were uploaded."""
        return self.count_of(*ACCEPTED)

    @property
    def changed_count(self) -> int:
        return self.count_of("imported", "replaced", "restored")

    @property
    def refused_count(self) -> int:
        return self.count_of("refused")


def in_order(outcomes: Iterable[DocumentOutcome], files: Iterable[str]) -> tuple[DocumentOutcome, ...]:
    """By file as uploaded, then by line; what concerns a whole file first."""
    ranks = {name: rank for rank, name in enumerate(files)}
    return tuple(sorted(outcomes, key=lambda o: (ranks.get(o.file, len(ranks)), o.line or 0)))
