"""Traces, end to end: a real web process, a real worker, and a receiver that decodes what they send."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clusters.models import Report
from common import tracing
from deploy.local.home import CHECKOUT
from organizations.models import Organization
from organizations.scope import organization_scope
from plumbline.reports import post_report
from tests.clusters.conftest import Sender, sender_of
from tests.compliance.reports import at, report, resource


@dataclass
class Collector:
    """Spans as they came in, each with the service that sent it."""

    url: str = ""
    spans: list[dict[str, Any]] = field(default_factory=list)

    def named(self, service: str, name: str) -> list[dict[str, Any]]:
        return [span for span in self.spans if span["service"] == service and span["name"].startswith(name)]

    def take(self, body: bytes) -> None:
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = {item.key: item.value.string_value for item in sent.resource.attributes}
            for scope in sent.scope_spans:
                self.spans += [
                    {**MessageToDict(span), "service": attributes["service.name"]} for span in scope.spans
                ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """An OTLP/HTTP receiver on a port of its own."""
    found = Collector()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            found.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test's own output is enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def url(servers: object, collector: Collector, tmp_path: Any, db: None) -> Iterator[str]:
    """The address of a web process; it and a worker trace to the collector."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = os.environ | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
    }
    web = ["gunicorn", "config.wsgi:application", "--config", "config/gunicorn.py", "--no-control-socket"]
    worker = ["celery", "--quiet", "-A", "config", "worker", "--concurrency", "1"]
    log = (tmp_path / "log").open("wb")
    programs = [
        subprocess.Popen(
            [sys.executable, "-m", *command], cwd=CHECKOUT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        for command in ([*web, "--bind", f"127.0.0.1:{port}"], worker)
    ]
    address = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: answers(f"{address}/healthz"))
        yield address
    finally:
        for program in programs:
            program.terminate()
        for program in programs:
            program.wait(60)
        log.close()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False


def eventually(is_so: Callable[[], Any], seconds: float = 90) -> None:
    give_up_at = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


@pytest.fixture
def sender(acme: Organization) -> Sender:
    return sender_of(acme)


@pytest.mark.django_db(transaction=True)
def test_one_trace_leads_from_the_post_to_the_merge(sender: Sender, url: str, collector: Collector) -> None:
    post_report(url, sender.secret, report(resource(), scanned_at=at(0), policies=[]) | {"resources": []})
    eventually(lambda: collector.named("plumbline-worker", "merge report"))
    (merge,) = collector.named("plumbline-worker", "merge report")
    eventually(lambda: collector.named("plumbline-web", "POST"))
    (request,) = collector.named("plumbline-web", "POST")
    assert merge["traceId"] == request["traceId"]
    assert merge["parentSpanId"] == request["spanId"]
    with organization_scope(sender.cluster.organization_id):
        assert Report.objects.get().status == "processed"
    (link,) = merge["links"]
    eventually(lambda: link["spanId"] in {span["spanId"] for span in collector.named("plumbline-worker", "run/")})
    queries = [span for span in collector.spans if span.get("parentSpanId") == merge["spanId"]]
    assert queries
    assert sender.secret not in str(collector.spans)


def test_without_an_address_nothing_is_imported_and_nothing_is_done(servers: object) -> None:
    code = (
        "import sys\n"
        "import config.wsgi\n"
        "from common.tracing import continued_trace, current_traceparent\n"
        "with continued_trace('x', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'):\n"
        "    assert current_traceparent() == ''\n"
        "ours = ('opentelemetry.sdk.trace', 'opentelemetry.exporter', 'opentelemetry.instrumentation')\n"
        "print([name for name in sys.modules if name.startswith(ours)])\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, env=environment, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_an_address_that_is_empty_is_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    assert not tracing.is_wanted()
    monkeypatch.setenv(name, "http://127.0.0.1:4318")
    assert tracing.is_wanted()
