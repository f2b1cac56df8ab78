"""One worker to a cluster: a lock held by the database session, across transactions."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection


def try_lock(cluster_id: UUID) -> bool:
    """Take the cluster if no other session has it. PostgreSQL lets go of it when this session dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_key(cluster_id)])
        return bool(cursor.fetchone()[0])


def let_go(cluster_id: UUID) -> None:
    """Give the cluster back; a connection that is gone has done so already."""
    if connection.is_usable():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_key(cluster_id)])


@contextmanager
def cluster_lock(cluster_id: UUID) -> Iterator[bool]:
    """Hold the cluster for the length of a block; yields whether it could be had."""
    is_ours = try_lock(cluster_id)
    try:
        yield is_ours
    finally:
        if is_ours:
            let_go(cluster_id)


def _key(cluster_id: UUID) -> int:
    return int.from_bytes(hashlib.sha256(b"reports:" + cluster_id.bytes).digest()[:8], signed=True)
