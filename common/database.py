"""PostgreSQL matters that the ORM has no words for: session settings, row-level security, COPY."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg2
from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection, migrations

ORGANIZATION_SETTING = "plumbline.organization_id"
USER_SETTING = "plumbline.user_id"
TOKEN_SETTING = "plumbline.token_digest"  # noqa: S105 - the name of a setting
DIRECTORY_SETTING = "plumbline.directory"
LEAVING_SETTING = "plumbline.leaving"

_held_count: ContextVar[int] = ContextVar("held_count", default=0)

IN_SCOPE = f"organization_id = (SELECT NULLIF(current_setting('{ORGANIZATION_SETTING}', true), '')::uuid)"
SHARED = "organization_id IS NULL"
NO_SCOPE = f"(SELECT NULLIF(current_setting('{ORGANIZATION_SETTING}', true), '')) IS NULL"


def gave_out(error: BaseException) -> bool:
    """Whether the database is what failed, and not what it was asked for: the same may work a moment later.

    Where a connection breaks in mid-answer psycopg2 knows no SQLSTATE, and raises a bare DatabaseError.
    """
    if isinstance(error, OperationalError | InterfaceError):
        return True
    cause = error.__cause__
    return type(error) is DatabaseError and isinstance(cause, psycopg2.DatabaseError) and cause.pgcode is None


@contextmanager
def session_setting(name: str, value: str) -> Iterator[None]:
    """Hold one PostgreSQL session setting for the length of a block, then put the earlier value back.

    A transaction that fails inside the block takes the setting back with it, so nothing is left to restore.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true), set_config(%s, %s, false)", [name, name, value])
        earlier = cursor.fetchone()[0] or ""
    token = _held_count.set(_held_count.get() + 1)
    try:
        yield
    finally:
        _held_count.reset(token)
        if not (connection.in_atomic_block and connection.needs_rollback) and connection.is_usable():
            _put_back(name, earlier)


def _put_back(name: str, value: str) -> None:
    """A session that ends just then takes its settings along: what was done in the outermost block stays done. Within
    another one it is an error, for the next session would lack that one's setting.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
    except Error as error:
        connection.close()  # should it still live, nobody gets it with this setting
        if _held_count.get() or not gave_out(error):
            raise


def copy_rows(table: str, columns: Sequence[str], rows: Iterator[str]) -> None:
    """Stream text-format lines (already escaped, newline-terminated) into `table` with COPY."""
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", LineStream(rows))


class LineStream:
    """A read-only file over an iterator of lines, so that COPY never holds a whole report in memory."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._rest = b""

    def read(self, size: int = 65536) -> bytes:
        parts = [self._rest]
        length = len(self._rest)
        while length < size:
            line = next(self._lines, None)
            if line is None:
                break
            encoded = line.encode()
            parts.append(encoded)
            length += len(encoded)
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x00": None})


def copy_line(values: Sequence[Any]) -> str:
    """One line of COPY's text format. None is NULL, booleans and numbers as PostgreSQL spells them."""
    cells = (
        "\\N" if v is None else v.translate(_ESCAPES) if isinstance(v, str) else str(v) for v in values
    )
    return "\t".join(cells) + "\n"


class RowLevelSecurity(migrations.RunSQL):
    """Close a table that carries `organization_id` to everyone outside its organization, its owner included.

    `also` is a further SQL condition under which rows may be *read* before an organization is known
    (a token by its digest, a membership by its user). In a shared table, rows of no organization are
    everybody's to read, and are written only while no organization is in scope.
    """

    def __init__(self, table: str, also: str | None = None, is_shared: bool = False) -> None:
        readable, writable = IN_SCOPE, IN_SCOPE
        if is_shared:
            readable, writable = f"({SHARED}) OR ({IN_SCOPE})", f"({IN_SCOPE}) OR ({SHARED} AND {NO_SCOPE})"
        if also:
            readable = f"({readable}) OR ({also})"
        super().__init__(
            sql=[
                f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
                f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
                f"CREATE POLICY organization_reads ON {table} FOR SELECT USING ({readable})",
                f"CREATE POLICY organization_inserts ON {table} FOR INSERT WITH CHECK ({writable})",
                f"CREATE POLICY organization_updates ON {table} FOR UPDATE"
                f" USING ({writable}) WITH CHECK ({writable})",
                f"CREATE POLICY organization_deletes ON {table} FOR DELETE USING ({writable})",
            ],
            reverse_sql=[
                f"DROP POLICY organization_reads ON {table}",
                f"DROP POLICY organization_inserts ON {table}",
                f"DROP POLICY organization_updates ON {table}",
                f"DROP POLICY organization_deletes ON {table}",
                f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
                f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            ],
        )
