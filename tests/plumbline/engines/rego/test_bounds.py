"""Policies that loop, explode or contradict themselves, and engines that go away, are errors and never passes."""

import os
import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from plumbline.engines.rego.choosing import close_engines, rego_engine
from plumbline.engines.rego.engines import Input, RegoEngine
from plumbline.engines.rego.errors import EngineError
from plumbline.engines.rego.linking import Module, link
from plumbline.engines.rego.opa import OpaEngine
from tests.plumbline.engines.rego.available import asked

LOOP = """package t
p[[x, y, z, w]] {
    input.loops
    x := numbers.range(1, 3000)[_]; y := numbers.range(1, 3000)[_]
    z := numbers.range(1, 3000)[_]; w := numbers.range(1, 3000)[_]
}"""


def test_looping_policy_is_stopped_and_the_rest_evaluated(hasty: RegoEngine) -> None:
    query = hasty.compile(link([Module("main", LOOP)]), "p", {})
    other = hasty.compile(link([Module("main", "package t\np[1] { true }")]), "p", {})
    before, stopped, after = query.answers([Input({}), Input({"loops": True}), Input({})])
    assert (before, after) == ([], [])
    assert isinstance(stopped, EngineError)
    assert other.answers([Input({})]) == [[1]]


def test_policy_that_always_loops_is_given_up(hasty: RegoEngine) -> None:
    query = hasty.compile(link([Module("main", LOOP)]), "p", {})
    answers = query.answers([Input({"loops": True})] * 50)
    assert len(answers) == 50
    assert "the policy is not asked again" in str(answers[-1])


def test_contradiction_is_an_error_of_its_input_alone(engine: RegoEngine) -> None:
    source = "package t\nq = 1 { input.a }\nq = 2 { input.b }\np[x] { x := q }"
    good, bad, other = asked(engine, source, {"a": 1}, {"a": 1, "b": 1}, {"b": 1})
    assert (good, other) == ([1], [2])
    assert isinstance(bad, EngineError)


def test_undefined_rule_is_an_error(engine: RegoEngine) -> None:
    (answer,) = asked(engine, "package t\np = 1 { false }")
    assert "p is undefined" in str(answer)


def test_pattern_that_only_the_input_knows_fails_aloud_or_matches(engine: RegoEngine) -> None:
    (answer,) = asked(engine, "package t\np[x] { x := re_match(input.re, input.s) }", {"re": "(?i)a", "s": "A"})
    assert answer == [True] or isinstance(answer, EngineError)


def test_a_process_that_holds_much_memory_can_start_an_engine() -> None:
    close_engines()
    ballast = b"x" * (700 << 20)

    (answer,) = asked(rego_engine(), "package t\np[1] { true }")

    assert answer == [1]
    assert len(ballast) == 700 << 20


def test_engine_that_was_killed_is_started_again(engine: RegoEngine) -> None:
    query = engine.compile(link([Module("main", "package t\np[1] { input.a }")]), "p", {})
    assert query.answers([Input({"a": 1})]) == [[1]]
    os.kill(engine.process_id, signal.SIGKILL)  # type: ignore[attr-defined]
    first, *_ = query.answers([Input({"a": 1})])
    assert first == [1] or isinstance(first, EngineError)
    assert query.answers([Input({"a": 1})]) == [[1]]


class _Gibberish(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(200 if self.path == "/v1/query" else 404)
        self.end_headers()
        self.wfile.write(b"hello")

    do_PUT = do_POST

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def gibberish() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Gibberish)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_server_that_is_not_there_is_named() -> None:
    with pytest.raises(EngineError, match=r"OPA at http://127\.0\.0\.1:1 cannot be reached"):
        OpaEngine("http://127.0.0.1:1")


def test_server_that_does_not_take_modules_is_named(gibberish: HTTPServer) -> None:
    engine = OpaEngine(f"http://127.0.0.1:{gibberish.server_port}")
    with pytest.raises(ValueError, match="status 404"):
        asked(engine, "package t\np[1] { true }")
    engine.close()


def test_binary_that_is_not_opa_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    close_engines()
    monkeypatch.delenv("OPA_URL", raising=False)
    monkeypatch.setenv("OPA_BINARY", "/bin/false")
    with pytest.raises(EngineError, match="/bin/false ended at once, with 1: is it OPA"):
        rego_engine()
    monkeypatch.setenv("OPA_BINARY", "/there/is/none")
    with pytest.raises(EngineError, match="OPA_BINARY /there/is/none is not a program"):
        rego_engine()
