"""Work that one process does at a time: locks held by a database session, across transactions, or by one of these."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

PAUSE_SECONDS = 0.1


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


def wait_for(name: bytes, *, seconds: float) -> bool:
    """Take the work of this name until the transaction ends, if whoever has it lets go of it in time."""
    give_up_at = time.monotonic() + seconds
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_key(name)])
            if cursor.fetchone()[0]:
                return True
        if time.monotonic() > give_up_at:
            return False
        time.sleep(PAUSE_SECONDS)


def _key(name: bytes) -> int:
    return int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)


def cluster_work(cluster_id: UUID) -> bytes:
    """The name of all work on what a cluster's reports made of it."""
    return b"reports:" + cluster_id.bytes
