"""The command as a process of its own: signals, pipes, terminals, and a server that really listens."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard

from plumbline.schemas import first_problem, validator
from tests.plumbline.objects import deployment

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "plumbline"]


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """A shell starts background jobs with Ctrl-C ignored, which the processes under test would inherit."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "checkout.yaml"
    containers = [{"name": "web", "image": "web:1", "securityContext": {"privileged": True}}]
    file.write_text(yaml.safe_dump(deployment(containers=containers)))
    return file


def plumbline(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=120,
    )


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    fifo = tmp_path / "endless.yaml"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        [*COMMAND, "scan", str(fifo)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    with fifo.open("wb"):  # opens as soon as the scan reads, which then waits for what never comes
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err == "plumbline: interrupted\n"


def test_ctrl_c_while_expressions_are_compiled_or_evaluated_is_no_error_of_theirs(tmp_path: Path) -> None:
    document = yaml.safe_dump(deployment())
    (tmp_path / "b.yaml").write_text("---\n".join([document] * 30_000))
    os.mkfifo(tmp_path / "a.yaml")
    for delay in (0.0, 0.01, 0.02, 0.04, 0.1, 0.3):
        process = subprocess.Popen(
            [*COMMAND, "scan", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        (tmp_path / "a.yaml").write_text(document)  # opens when the scan reads: its expressions come next
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert err == "plumbline: interrupted\n"


@pytest.mark.parametrize("form", ["table", "json", "sarif", "junit"])
def test_a_reader_that_leaves_is_no_error(manifest: Path, form: str) -> None:
    command = f"{' '.join(COMMAND)} scan {manifest} --all --format {form} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stderr == ""
    assert done.stdout == "1\n"


def test_colours_are_for_terminals_that_want_them(manifest: Path) -> None:
    wanted = plumbline("scan", manifest, FORCE_COLOR="1", TERM="xterm", NO_COLOR="")
    refused = plumbline("scan", manifest, FORCE_COLOR="1", TERM="xterm", NO_COLOR="1")
    assert "\x1b[1;31m" in wanted.stdout
    assert "\x1b[31m" not in refused.stdout
    assert "\x1b[1;31m" not in refused.stdout


def test_what_to_fix_first_fits_the_terminal(manifest: Path) -> None:
    done = plumbline("scan", manifest, COLUMNS="60")
    tail = done.stdout[done.stdout.index("Fix first") :]
    guidance = [line for line in tail.splitlines() if line.startswith("     ")]
    assert guidance
    assert max(map(len, guidance)) <= 60
    assert "closes 1 critical in 1 resource, 1 with a ready fix" in tail


def test_a_place_without_manifests_is_unusable_input(tmp_path: Path) -> None:
    done = plumbline("scan", tmp_path, "--format", "json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["errors"] == [
        {"file": str(tmp_path), "line": None, "message": "holds no Kubernetes manifest"}
    ]


def test_what_cannot_be_opened_is_an_error_beside_the_results(manifest: Path) -> None:
    (manifest.parent / "gone.yaml").symlink_to("nowhere")
    (manifest.parent / "directory.yaml").mkdir()
    done = plumbline("scan", manifest.parent, "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 2
    assert report["summary"]["resources"] == 1
    assert [Path(error["file"]).name for error in report["errors"]] == ["gone.yaml"]


class Server(ThreadingHTTPServer):
    """Answers each report with the next of its answers, and keeps what it was sent."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.reports: list[tuple[str, str | None, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        decode = {"zstd": zstandard.decompress, "gzip": gzip.decompress}[self.headers["Content-Encoding"]]
        self.server.reports.append((self.path, self.headers["Authorization"], json.loads(decode(body))))
        status, answer = self.server.answers.pop(0)
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept, not printed."""


@pytest.fixture
def listening() -> Iterator[Any]:
    running: list[Server] = []

    def listen(*answers: tuple[int, Any]) -> Server:
        server = Server(*answers)
        running.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield listen
    for server in running:
        server.shutdown()
        server.server_close()


def test_a_report_arrives_though_the_server_first_fails(listening: Any, manifest: Path) -> None:
    server = listening((500, {"detail": "on fire"}), (202, {"id": "receipt-1"}))
    done = plumbline("scan", manifest, "--report-to", server.url, PLUMBLINE_TOKEN="secret")
    assert done.returncode == 1
    assert f"reported 1 resource to {server.url} as receipt-1" in done.stderr
    first, second = server.reports
    assert first == second
    path, authorization, report = second
    assert (path, authorization) == ("/api/agent/v1/reports", "Bearer secret")
    assert first_problem(validator("report-v1"), report) is None
    assert report["resources"][0]["name"] == "checkout"


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (401, {"detail": "This token was revoked.", "code": "not_authenticated"}, "401: This token was revoked."),
        (
            422,
            {"detail": "No.", "code": "invalid", "fields": {"resources[0].kind": ["too long"]}},
            "resources[0].kind: too long",
        ),
    ],
)
def test_a_refused_report_is_exit_2_with_the_servers_words(
    listening: Any, manifest: Path, status: int, answer: Any, words: str
) -> None:
    server = listening((status, answer))
    done = plumbline("scan", manifest, "--format", "json", "--report-to", server.url, "--token", "t")
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["summary"]["resources"] == 1
    assert len(server.reports) == 1


def test_a_server_that_is_away_is_exit_2(manifest: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = plumbline("scan", manifest, "--report-to", url, "--token", "t")
    assert done.returncode == 2
    assert f"{url}/api/agent/v1/reports cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
