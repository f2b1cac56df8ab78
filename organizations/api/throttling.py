"""How fast one caller may use the API: one budget for all its routes, counted across processes."""

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from common.limits import Limit, take
from common.network import client_network

PER_CALLER = Limit("api", "1200 per minute")


class CallerThrottle(BaseThrottle):
    """Counts by token, else by user, else by network. Lets all pass while Redis is away."""

    def __init__(self) -> None:
        self._wait = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        self._wait = take(PER_CALLER, _caller(request))
        return self._wait == 0

    def wait(self) -> float:
        return float(self._wait)


def _caller(request: Request) -> str:
    if request.auth is not None:
        return f"token {request.auth.pk}"
    if request.user is not None and request.user.is_authenticated:
        return f"user {request.user.pk}"
    return f"network {client_network(request._request)}"
