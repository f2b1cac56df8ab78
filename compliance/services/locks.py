"""One worker to a cluster."""

from contextlib import AbstractContextManager
from uuid import UUID

from common import locks


def try_lock(cluster_id: UUID) -> bool:
    """Take the cluster if no other session has it."""
    return locks.try_lock(locks.cluster_work(cluster_id))


def let_go(cluster_id: UUID) -> None:
    """Give the cluster back; a connection that is gone has done so already."""
    locks.let_go(locks.cluster_work(cluster_id))


def cluster_lock(cluster_id: UUID) -> AbstractContextManager[bool]:
    """Hold the cluster for the length of a block; yields whether it could be had."""
    return locks.held_alone(locks.cluster_work(cluster_id))
