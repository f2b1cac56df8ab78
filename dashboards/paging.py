"""Places in lists that a URL names."""

from collections.abc import Callable
from typing import TypeVar

from compliance.selectors.keyset import InvalidCursor

Found = TypeVar("Found")


def page_or_first(read: Callable[[str | None], Found], cursor: str | None) -> tuple[Found, bool]:
    """What `read` finds at the cursor; what it finds without one, and True, when the cursor is not one of its list."""
    try:
        return read(cursor or None), False
    except InvalidCursor:
        return read(None), True
