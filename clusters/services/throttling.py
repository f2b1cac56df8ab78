"""How many requests a cluster's agent may make in a minute."""

import logging
import time
from uuid import UUID

import redis
from django.conf import settings
from django.core.cache import cache

from common.errors import TooManyRequests

logger = logging.getLogger(__name__)
_WINDOW_SECONDS = 60


def count_request(cluster_id: UUID) -> None:
    """Count one request against the cluster's minute. Raises TooManyRequests once the minute is used up.

    Without Redis nothing is counted: taking reports in matters more than keeping to the rate.
    """
    allowed = int(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["agent"].partition("/")[0])
    elapsed = time.time() % _WINDOW_SECONDS
    key = f"agent-requests:{cluster_id}:{int(time.time() // _WINDOW_SECONDS)}"
    try:
        cache.add(key, 0, timeout=2 * _WINDOW_SECONDS)
        used = cache.incr(key)
    except (redis.RedisError, ValueError):
        logger.warning("Requests of cluster %s are not counted: Redis does not answer.", cluster_id)
        return
    if used > allowed:
        raise TooManyRequests(
            f"A cluster may make {allowed} requests a minute. Wait, and send fewer, larger reports.",
            retry_after=int(_WINDOW_SECONDS - elapsed) + 1,
        )
