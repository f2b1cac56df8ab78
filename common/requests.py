"""The outermost middleware: every request gets an id, a line in the log and a place in the metrics."""

import logging
import re
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

from .database import gave_out
from .ids import uuid7
from .metrics import DATABASE_ERRORS, HTTP_REQUEST_SECONDS

logger = logging.getLogger("plumbline.access")

_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FOR_MACHINES = frozenset({"healthz", "readyz", "metrics", "static"})


class RequestRecords:
    """`X-Request-ID` is taken over from the client when it is 8 to 64 plain characters, and sent back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.static = "/" + settings.STATIC_URL.lstrip("/")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _ID.fullmatch(given) else uuid7().hex
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        self._record(request, response.status_code, time.perf_counter() - started)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        if gave_out(exception):
            DATABASE_ERRORS.labels(type(exception).__name__).inc()

    def _record(self, request: HttpRequest, status: int, seconds: float) -> None:
        route = self._route(request)
        method = request.method if request.method in _METHODS else "other"
        HTTP_REQUEST_SECONDS.labels(route, method, f"{status // 100}xx").observe(seconds)
        logger.log(
            logging.DEBUG if route in _FOR_MACHINES and status < 400 else logging.INFO,
            "%s %s %s",
            method,
            request.path[:200],
            status,
            extra={
                "method": method,
                "route": route,
                "path": request.path[:200],
                "status": status,
                "duration_ms": round(seconds * 1000, 1),
            },
        )

    def _route(self, request: HttpRequest) -> str:
        """The route's name; one word for all that has none, for anybody can make paths up."""
        if request.resolver_match is not None:
            return request.resolver_match.view_name
        return "static" if request.path.startswith(self.static) else "unmatched"
