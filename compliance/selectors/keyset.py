"""Pages of a list by where the last one ended, so that page 1000 costs what page 1 does."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Expression, F, Func, Q, QuerySet, Value

from common.errors import PlumblineError

MAX_BIGINT = 2**63 - 1


class InvalidCursor(PlumblineError):
    """A cursor that this list did not hand out. `fields` names `cursor`."""

    def __init__(self) -> None:
        message = "Not a cursor of this list: start again without one."
        super().__init__(message, fields={"cursor": message})


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page and the cursors of its neighbours, None at either end."""

    rows: Sequence[Any]
    next: str | None = None
    previous: str | None = None


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_BIGINT:
        raise ValueError(value)
    return value


def _instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError(value)
    return instant


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError(value)
    return value


READERS: dict[type, Callable[[Any], Any]] = {
    int: _integer,
    datetime: _instant,
    str: _text,
    UUID: lambda value: UUID(_text(value)),
}


class RowComparison(Func):
    """`(a, b) < (x, y)`: the comparison of rows that a composite index answers without a scan."""

    output_field = BooleanField()

    def __init__(self, names: Sequence[Any], operator: str, values: Sequence[Any], **extra: Any) -> None:
        self.names, self.operator, self.values = tuple(names), operator, tuple(values)
        parts = [F(n) if isinstance(n, str) else n for n in names]
        parts += [v if isinstance(v, Expression) else Value(v) for v in values]
        super().__init__(*parts, **extra)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:
        compiled = [compiler.compile(expression) for expression in self.source_expressions]
        half = len(compiled) // 2
        left, right = (", ".join(sql for sql, _ in side) for side in (compiled[:half], compiled[half:]))
        params = [p for _, values in compiled for p in values]
        return f"(({left}) {self.operator} ({right}))", params


@dataclass(frozen=True)
class Keyset:
    """An order in which every row has one place.

    `fields` are (name, type) pairs, `-name` descending; none may be null and together they must be unique.
    """

    fields: tuple[tuple[str, type], ...]

    def page(self, queryset: QuerySet, *, cursor: str | None = None, limit: int = 50) -> Page:
        """At most `limit` rows after (or before) the cursor. Raises InvalidCursor."""
        backwards, values = self._read(cursor) if cursor else (False, None)
        if values is not None:
            queryset = queryset.filter(self._beyond(values, backwards))
        rows = list(queryset.order_by(*self._order(backwards))[: limit + 1])
        more = len(rows) > limit
        rows = rows[:limit]
        if backwards:
            rows.reverse()
        if not rows:
            return Page(rows=[])
        has_next, has_previous = (True, more) if backwards else (more, values is not None)
        return Page(
            rows=rows,
            next=self._write(rows[-1], False) if has_next else None,
            previous=self._write(rows[0], True) if has_previous else None,
        )

    def page_of(self, rows: Sequence[dict[str, Any]], *, cursor: str | None = None, limit: int = 50) -> Page:
        """The same of rows at hand: maps with whole numbers under the names, none of which need be in order."""
        signs = [(name.lstrip("-"), -1 if name.startswith("-") else 1) for name, _ in self.fields]

        def place(row: dict[str, Any]) -> tuple[int, ...]:
            return tuple(sign * row[name] for name, sign in signs)

        ordered = sorted(rows, key=place)
        backwards, values = self._read(cursor) if cursor else (False, None)
        start, end = 0, limit
        if values is not None:
            beyond = tuple(sign * value for (_, sign), value in zip(signs, values, strict=True))
            before = sum(place(row) < beyond for row in ordered)
            start = max(0, before - limit) if backwards else sum(place(row) <= beyond for row in ordered)
            end = before if backwards else start + limit
        shown = ordered[start:end]
        return Page(
            rows=shown,
            next=self._write(shown[-1], False) if shown and end < len(ordered) else None,
            previous=self._write(shown[0], True) if shown and start else None,
        )

    def reversed(self) -> "Keyset":
        """The same rows the other way round."""
        return Keyset(tuple((_flip(name), kind) for name, kind in self.fields))

    def _order(self, backwards: bool) -> list[str]:
        names = [name for name, _ in self.fields]
        return [_flip(name) for name in names] if backwards else names

    def _beyond(self, values: Sequence[Any], backwards: bool) -> Q:
        """Rows after `values`: one row comparison for the leading fields of one direction."""
        names = self._order(backwards)
        run = 1
        while run < len(names) and names[run].startswith("-") == names[0].startswith("-"):
            run += 1
        operator = "<" if names[0].startswith("-") else ">"
        plain = [name.lstrip("-") for name in names]
        if run == len(names):
            return Q(RowComparison(plain, operator, values))
        tied = Q(RowComparison(plain[:run], "=", values[:run])) & _tail(names[run:], values[run:])
        bound = Q(RowComparison(plain[:run], f"{operator}=", values[:run]))
        return bound & (Q(RowComparison(plain[:run], operator, values[:run])) | tied)

    def _write(self, row: Any, backwards: bool) -> str:
        values = [_value(row, name.lstrip("-")) for name, _ in self.fields]
        plain = [
            v.isoformat() if isinstance(v, datetime) else str(v) if isinstance(v, UUID) else v for v in values
        ]
        packed = json.dumps([int(backwards), *plain], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    def _read(self, cursor: str) -> tuple[bool, list[Any]]:
        try:
            packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            backwards, *plain = json.loads(packed)
            values = [READERS[kind](v) for (_, kind), v in zip(self.fields, plain, strict=True)]
        except (ValueError, TypeError, RecursionError, OverflowError):
            raise InvalidCursor from None
        if backwards not in (0, 1):
            raise InvalidCursor
        return bool(backwards), values


def _flip(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _value(row: Any, name: str) -> Any:
    return row[name] if isinstance(row, dict) else getattr(row, name)


def _tail(names: Sequence[str], values: Sequence[Any]) -> Q:
    lookups = [f"{n.lstrip('-')}__{'lt' if n.startswith('-') else 'gt'}" for n in names]
    condition = Q(**{lookups[0]: values[0]})
    if len(names) > 1:
        condition |= Q(**{names[0].lstrip("-"): values[0]}) & _tail(names[1:], values[1:])
    return condition
