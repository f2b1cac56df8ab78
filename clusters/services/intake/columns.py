"""A kept body on its way into its column.

The driver writes bytes into the statement as text, four copies of twice their length. So what is large is copied into
a temporary table first, piece by piece, and put together by PostgreSQL.
"""

from collections.abc import Sequence

from django.db import connection
from django.db.models.expressions import RawSQL

from common.database import copy_rows

MOST_IN_A_STATEMENT = 4 << 20

_PREPARE = """
DROP TABLE IF EXISTS pg_temp.kept_piece;
CREATE TEMPORARY TABLE kept_piece (number integer, content bytea) ON COMMIT DROP
"""
_TOGETHER = "(SELECT string_agg(content, ''::bytea ORDER BY number) FROM pg_temp.kept_piece)"


def as_column(pieces: Sequence[bytes]) -> bytes | RawSQL:
    """The pieces one after the other, as a value for one row that is stored in the transaction at hand."""
    if sum(map(len, pieces)) <= MOST_IN_A_STATEMENT:
        return b"".join(pieces)
    with connection.cursor() as cursor:
        cursor.execute(_PREPARE)
    rows = (f"{number}\t\\\\x{piece.hex()}\n" for number, piece in enumerate(pieces))
    copy_rows("kept_piece", ["number", "content"], rows)
    return RawSQL(_TOGETHER, [])  # noqa: S611 - a constant
