"""Work that one process does at a time: locks held by a database session, across transactions."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


def try_lock(name: bytes) -> bool:
    """Take the work of this name if no other session has it. PostgreSQL lets go of it when this session dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_key(name)])
        return bool(cursor.fetchone()[0])


def let_go(name: bytes) -> None:
    """Give it back; a connection that is gone has done so already."""
    if connection.is_usable():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_key(name)])


@contextmanager
def held_alone(name: bytes) -> Iterator[bool]:
    """Hold the work of this name for the length of a block; yields whether it could be had."""
    is_ours = try_lock(name)
    try:
        yield is_ours
    finally:
        if is_ours:
            let_go(name)


def _key(name: bytes) -> int:
    return int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)
