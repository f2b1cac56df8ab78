"""Reports carry no secrets, fit their schema, and arrive once."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
import zstandard

from plumbline.evaluation import Evaluator
from plumbline.library import library_policies
from plumbline.reports import ReportError, build_report, post_report
from plumbline.scanning import scan
from plumbline.schemas import first_problem, validator
from tests.plumbline.objects import deployment

SCANNED_AT = datetime(2026, 11, 23, 10, tzinfo=UTC)
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def report_of(tmp_path: Path, *objects: dict[str, Any]) -> dict[str, Any]:
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    found = scan([file], Evaluator(library_policies()), keep=True)
    report = build_report(found, scanned_at=SCANNED_AT)
    assert first_problem(validator("report-v1"), report) is None
    return report


def test_every_applicable_policy_has_one_verdict_for_each_resource(tmp_path: Path) -> None:
    (resource,) = report_of(tmp_path, deployment())["resources"]
    lists = [resource[name] for name in ("passed", "failed", "errored", "skipped")]
    flat = [index for indexes in lists for index in indexes]
    assert len(flat) == len(set(flat)) > 0
    assert {violation["policy"] for violation in resource["violations"]} == set(resource["failed"])


def test_secret_values_and_kubectls_copy_stay_home(tmp_path: Path) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "annotations": {LAST_APPLIED: "hunter2", "team": "shop"}},
        "data": {"password": "aHVudGVyMg=="},
        "stringData": {"user": "hunter2"},
    }
    report = report_of(tmp_path, secret)
    assert "hunter2" not in json.dumps(report)
    assert "aHVudGVyMg" not in json.dumps(report)
    manifest = report["resources"][0]["manifest"]
    assert manifest["data"] == {"password": "<redacted>"}
    assert manifest["metadata"]["annotations"] == {"team": "shop"}


def test_what_could_not_be_read_is_reported(tmp_path: Path) -> None:
    report = report_of(tmp_path, deployment(), {"kind": "Pod"})
    assert [item["message"] for item in report["unreadable"]] == ["the object has no apiVersion"]


@pytest.mark.parametrize(
    "damage",
    [
        {"schema": "plumbline.report/v2"},
        {"id": "1"},
        {"scanned_at": "yesterday"},
        {"resources": [{}]},
        {"policies": ["a", "a"]},
        {"extra": 1},
        {"deleted": [{"apiVersion": "v1", "kind": "Pod", "namespace": "", "name": "a"}]},
    ],
)
def test_the_schema_refuses_what_is_no_report(tmp_path: Path, damage: dict[str, Any]) -> None:
    report = {**report_of(tmp_path, deployment()), **damage}
    assert first_problem(validator("report-v1"), report) is not None


def server(*answers: httpx.Response) -> tuple[httpx.Client, list[httpx.Request]]:
    waiting, seen = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return waiting.pop(0)

    return httpx.Client(transport=httpx.MockTransport(answer)), seen


def test_a_busy_server_is_asked_again_with_the_same_report() -> None:
    client, seen = server(
        httpx.Response(503),
        httpx.Response(429, headers={"Retry-After": "0"}),
        httpx.Response(202, json={"id": "r"}),
    )
    assert post_report("http://plumbline.test", "token", {"id": "r"}, client=client) == {"id": "r"}
    assert len(seen) == 3
    assert len({request.content for request in seen}) == 1
    assert json.loads(zstandard.decompress(seen[0].content)) == {"id": "r"}
    assert seen[0].url.path == "/api/agent/v1/reports"
    assert seen[0].headers["Authorization"] == "Bearer token"


def test_a_server_is_left_alone_for_as_long_as_it_asks() -> None:
    arrivals: list[float] = []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrivals.append(time.monotonic())
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(202 if len(arrivals) > 1 else 429)
            self.send_header("Retry-After", "2")
            self.end_headers()
            self.wfile.write(b'{"id": "r"}')

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test's own output is enough."""

    with HTTPServer(("127.0.0.1", 0), Busy) as busy:
        threading.Thread(target=busy.serve_forever, daemon=True).start()
        receipt = post_report(f"http://127.0.0.1:{busy.server_port}", "token", {"id": "r"})
        busy.shutdown()
    assert receipt == {"id": "r"}
    assert arrivals[1] - arrivals[0] >= 2


def test_a_server_that_asks_for_more_than_five_minutes_is_not_waited_for() -> None:
    client, seen = server(httpx.Response(503, headers={"Retry-After": "301"}))
    with pytest.raises(ReportError, match="left alone for 301 seconds"):
        post_report("http://plumbline.test", "token", {}, client=client)
    assert len(seen) == 1


def test_each_attempt_tells_the_senders_time() -> None:
    client, seen = server(httpx.Response(202, json={}))
    post_report("http://plumbline.test", "token", {}, client=client)
    sent_at = parsedate_to_datetime(seen[0].headers["Date"])
    assert abs((datetime.now(UTC) - sent_at).total_seconds()) < 60


def test_a_refusal_shows_what_the_server_said_and_is_not_repeated() -> None:
    refusal = {
        "detail": "The report does not fit.",
        "code": "invalid",
        "fields": {"resources[0].kind": ["is missing"]},
    }
    client, seen = server(httpx.Response(422, json=refusal))
    with pytest.raises(ReportError, match="does not fit") as caught:
        post_report("http://plumbline.test", "token", {}, client=client)
    assert "resources[0].kind: is missing" in str(caught.value)
    assert caught.value.status == 422
    assert len(seen) == 1


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "http://", "http://[::1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ReportError):
        post_report(url, "token", {})


def test_a_server_that_is_away_is_named() -> None:
    with pytest.raises(ReportError, match=r"127\.0\.0\.1:8119"):
        post_report("http://127.0.0.1:8119", "token", {}, attempts=1)


def test_an_answer_that_is_no_receipt_is_an_error() -> None:
    client, _ = server(httpx.Response(200, text="<html>"))
    with pytest.raises(ReportError, match="not as a Plumbline server"):
        post_report("http://plumbline.test", "token", {}, client=client)
