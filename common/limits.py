"""Rate limits shared by all processes, counted in Redis: moving windows, each attempt taken atomically.

While Redis is away nothing is limited: people must still get in, and accepted reports do not depend on Redis.
"""

import logging
import time
from dataclasses import dataclass
from functools import cache
from math import ceil

from django.conf import settings
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 2


@dataclass(frozen=True)
class Limit:
    """`rate` in the notation of the limits library ("10 per 15 minutes"), counted apart for each `name`."""

    name: str
    rate: str

    @property
    def item(self) -> RateLimitItem:
        return parse(self.rate)


@cache
def _limiter() -> MovingWindowRateLimiter:
    url = settings.REDIS_URL.replace("unix://", "redis+unix://", 1)
    timeouts = {"socket_timeout": _TIMEOUT_SECONDS, "socket_connect_timeout": _TIMEOUT_SECONDS}
    return MovingWindowRateLimiter(
        RedisStorage(url, key_prefix="plumbline:limits", wrap_exceptions=True, **timeouts)
    )


def take(limit: Limit, key: str) -> int:
    """Count one attempt. 0 when it is within the limit, else the seconds (≥ 1) after which to try again."""
    try:
        if _limiter().hit(limit.item, limit.name, key):
            return 0
        return _seconds_left(limit, key)
    except StorageError:
        logger.exception("Redis is away: %s is not limited.", limit.name)
        return 0


def wait_for(limit: Limit, key: str) -> int:
    """What `take` would say, without counting an attempt."""
    try:
        if _limiter().test(limit.item, limit.name, key):
            return 0
        return _seconds_left(limit, key)
    except StorageError:
        logger.exception("Redis is away: %s is not limited.", limit.name)
        return 0


def forget(limit: Limit, key: str) -> None:
    """Start counting from zero again."""
    try:
        _limiter().clear(limit.item, limit.name, key)
    except StorageError:
        logger.exception("Redis is away: %s was not cleared.", limit.name)


def _seconds_left(limit: Limit, key: str) -> int:
    window = _limiter().get_window_stats(limit.item, limit.name, key)
    return max(1, ceil(window.reset_time - time.time()))
