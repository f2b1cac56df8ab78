"""Sums of rows by several columns at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

Sums = dict[str, dict[Any, tuple[int, ...]]]


def sums_by(found: QuerySet[Any], columns: Mapping[str, str], measures: Sequence[str]) -> Sums:
    """Sums of the measures by each of the columns (name → column), and under '' and None of all rows.

    One query and one pass over the rows, with GROUPING SETS.
    """
    return _summed(found.order_by().values(*columns.values(), *measures), columns, measures)[0]


def sums_of_few(
    found: QuerySet[Any], columns: Mapping[str, str], measures: Sequence[str], *, most: int
) -> Sums | None:
    """The same, or None when there are more than `most` rows: no more than that are read."""
    rows = found.order_by().values(*columns.values(), *measures)[: most + 1]
    sums, row_count = _summed(rows, columns, measures)
    return None if row_count > most else sums


def _summed(found: QuerySet[Any], columns: Mapping[str, str], measures: Sequence[str]) -> tuple[Sums, int]:
    """The sums, and how many rows they are of."""
    names, grouped = list(columns), ", ".join(columns.values())
    result: Sums = {name: {} for name in (*columns, "")}
    try:
        inner, params = found.query.sql_with_params()
    except EmptyResultSet:
        return result | {"": {None: (0,) * len(measures)}}, 0
    sets = ", ".join(f"({column})" for column in [*columns.values(), ""])
    marks = ", ".join(f"GROUPING({column})" for column in columns.values())
    sums = ", ".join(f"coalesce(sum({measure}), 0)" for measure in measures)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {marks}, {grouped}, {sums}, count(*)"  # noqa: S608 - the names are our own
            f" FROM ({inner}) AS found GROUP BY GROUPING SETS ({sets})",
            params,
        )
        rows = cursor.fetchall()
    width, row_count = len(names), 0
    for row in rows:
        left_out, keys, numbers = row[:width], row[width : 2 * width], tuple(map(int, row[2 * width : -1]))
        # GROUPING() is 0 for the column that a row is grouped by.
        if 0 in left_out:
            place = left_out.index(0)
            result[names[place]][keys[place]] = numbers
        else:
            result[""][None], row_count = numbers, row[-1]
    return result, row_count
