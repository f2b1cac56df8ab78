"""What a worker has counted, for Prometheus: on a port of its own, for no web process may be near it."""

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.conf import settings

from common.exposition import CONTENT_TYPE, may_read, render

logger = logging.getLogger(__name__)


class _Handler(BaseHTTPRequestHandler):
    """GET /metrics, for whom /metrics of the web is, too."""

    server_version, sys_version = "Plumbline", ""

    def do_GET(self) -> None:
        if self.path != "/metrics":
            return self._answer(404, b"Not found.", "text/plain")
        may = may_read(
            token=settings.METRICS_TOKEN,
            authorization=self.headers.get("Authorization", ""),
            address=self.client_address[0],
            is_forwarded="X-Forwarded-For" in self.headers or "Forwarded" in self.headers,
        )
        if not may:
            return self._answer(403, b"Not for you.", "text/plain")
        return self._answer(200, render(), CONTENT_TYPE)

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        logger.debug(format, *args)


def serve_metrics() -> None:
    """Answer on WORKER_METRICS_PORT until this process ends. A port that is taken is logged, and the worker works."""
    if not settings.WORKER_METRICS_PORT:
        return
    try:
        server = ThreadingHTTPServer(("", settings.WORKER_METRICS_PORT), _Handler)
    except OSError:
        logger.exception("Port %s for the worker's metrics cannot be had.", settings.WORKER_METRICS_PORT)
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
