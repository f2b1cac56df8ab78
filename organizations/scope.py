"""The tenant scope: whose data the present piece of work may touch. Without one, nothing can be read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from common.database import (
    DIRECTORY_SETTING,
    ORGANIZATION_SETTING,
    TOKEN_SETTING,
    USER_SETTING,
    session_setting,
)

_organization_id: ContextVar[UUID | None] = ContextVar("organization_id", default=None)


class OrganizationScopeMissing(RuntimeError):
    """A model owned by an organization was touched while no organization was in scope."""


def current_organization_id() -> UUID:
    """The organization in scope. Raises OrganizationScopeMissing when there is none."""
    organization_id = _organization_id.get()
    if organization_id is None:
        raise OrganizationScopeMissing(
            "No organization is in scope: wrap the work in organization_scope(id)."
        )
    return organization_id


@contextmanager
def organization_scope(organization_id: UUID) -> Iterator[None]:
    """Work on one organization's data: managers filter by it and PostgreSQL enforces it."""
    token = _organization_id.set(organization_id)
    try:
        with session_setting(ORGANIZATION_SETTING, str(organization_id)):
            yield
    finally:
        _organization_id.reset(token)


def streamed_in_scope(parts: Iterable[bytes], organization_id: UUID) -> Iterator[bytes]:
    """What a response streams after its view has returned, its queries in the organization's scope."""
    with organization_scope(organization_id):
        yield from parts


@contextmanager
def shared_scope() -> Iterator[None]:
    """Work on what belongs to no organization and is everybody's to read: no organization is in scope meanwhile."""
    token = _organization_id.set(None)
    try:
        with session_setting(ORGANIZATION_SETTING, ""):
            yield
    finally:
        _organization_id.reset(token)


@contextmanager
def user_scope(user_id: UUID) -> Iterator[None]:
    """Let a user see his own memberships and the organizations behind them, before one is chosen."""
    with session_setting(USER_SETTING, str(user_id)):
        yield


@contextmanager
def token_scope(digest: str) -> Iterator[None]:
    """Let the bearer of a token see that token's own row, before its organization is known."""
    with session_setting(TOKEN_SETTING, digest):
        yield


@contextmanager
def directory_scope() -> Iterator[None]:
    """Let background work list the organizations and read how many reports wait for which cluster, to enter each
    organization's scope in turn. Opens no other owned table.
    """
    with session_setting(DIRECTORY_SETTING, "on"):
        yield
