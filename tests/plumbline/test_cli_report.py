"""`plumbline report`: other engines' documents from files and standard input, to a server of sorts."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
import zstandard

from plumbline.cli import main

FILES = Path(__file__).parent / "engine_reports"


class Server(BaseHTTPRequestHandler):
    """Takes one answer for all, and keeps what it was sent."""

    requests: ClassVar[list[tuple[str, Any, Any]]] = []
    status: ClassVar[int] = 202

    def do_POST(self) -> None:
        body = zstandard.decompress(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append((self.path, self.headers, json.loads(body)))
        answer = {"reports": [{"engine": "kyverno", "report_id": "r-1", "resource_count": 1}], "detail": "No."}
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Server, "requests", [])
    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_without_a_server_it_says_what_would_be_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(FILES / "gatekeeper.yaml")]) == 0
    out, err = capsys.readouterr()
    assert out == "gatekeeper: 3 results of 2 policies on 2 objects, 2 failed, 38 more that it did not list\n"
    assert "left out: K8sRequiredLabels/not-audited-yet has not been audited yet" in err


def test_documents_are_posted_with_a_key_and_the_time_they_were_read(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["report", str(FILES / "kyverno.yaml"), "--report-to", url, "--token", "pla_x", "--complete"])
    ((path, headers, body),) = Server.requests
    query = parse_qs(urlsplit(path).query)
    assert (code, urlsplit(path).path) == (0, "/api/agent/v1/policy-reports")
    assert (query["complete"], len(headers["Idempotency-Key"])) == (["true"], 36)
    assert headers["Authorization"] == "Bearer pla_x"
    assert [item["kind"] for item in body["items"]] == ["PolicyReport", "PolicyReport"]
    assert capsys.readouterr().err == "plumbline: reported results of kyverno on 1 object as r-1\n"


def test_a_refusal_ends_with_2_and_the_servers_words(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "status", 422)
    assert main(["report", str(FILES / "kyverno.yaml"), "--report-to", url, "--token", "pla_x"]) == 2
    assert "the results were not accepted: 422: No." in capsys.readouterr().err


def test_what_holds_no_results_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n")
    assert main(["report", str(tmp_path)]) == 2
    assert "none of the 1 documents is a PolicyReport" in capsys.readouterr().err


def test_complete_is_refused_when_a_document_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yaml").write_text("a: [\n")
    assert main(["report", str(FILES / "kyverno.yaml"), str(tmp_path), "--complete"]) == 2
    assert "--complete needs every document" in capsys.readouterr().err
