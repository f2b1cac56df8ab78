"""Log lines: one shape for all processes, with who and what they are about, without secrets."""

import json
import logging
import logging.config
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.contextvars import bind_contextvars, clear_contextvars

from common.logs import PlainFormatter, json_formatter, logging_config, scrubbed
from deploy.local.home import CHECKOUT


@pytest.fixture(autouse=True)
def no_context() -> Iterator[None]:
    clear_contextvars()
    yield
    clear_contextvars()


def record(message: str = "Report settled.", level: int = logging.INFO, **extra: Any) -> logging.LogRecord:
    made = logging.getLogger("compliance.test").makeRecord("compliance.test", level, "x.py", 1, message, (), None)
    made.__dict__.update(extra)
    return made


def failed(statement: str) -> logging.LogRecord:
    try:
        raise ValueError(statement)
    except ValueError:
        return logging.getLogger("x").makeRecord("x", logging.ERROR, "x.py", 1, "It broke.", (), sys.exc_info())


def test_a_line_is_one_json_object_that_begins_with_when_and_what() -> None:
    bind_contextvars(request_id="abc", organization_id="o")
    line = json_formatter().format(record("two\nlines", outcome="processed", duration_ms=1.5))
    assert "\n" not in line
    told = json.loads(line)
    assert list(told)[:4] == ["timestamp", "level", "logger", "event"]
    assert (told["level"], told["logger"], told["event"]) == ("info", "compliance.test", "two\nlines")
    assert (told["request_id"], told["organization_id"]) == ("abc", "o")
    assert (told["outcome"], told["duration_ms"]) == ("processed", 1.5)


def test_an_exception_is_a_field_of_its_line() -> None:
    line = json_formatter().format(failed("no"))
    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("ValueError: no")


def test_what_is_not_on_the_list_of_fields_stays_out() -> None:
    told = json.loads(json_formatter().format(record(request="<WSGIRequest>", password="hunter2")))
    assert set(told) == {"timestamp", "level", "logger", "event"}


@pytest.mark.parametrize(
    "secret",
    [
        "pla_0a1b2c3d_Zm9vYmFyYmF6cXV4",
        "Authorization: Bearer Zm9vYmFyYmF6cXV4",
        "postgres://plumbline_app:Zm9vYmFyYmF6cXV4@db/plumbline",
        "/password-reset/MQ/Zm9vYmFyYmF6cXV4",
        "/invitations/pli_0a1b2c3d_Zm9vYmFyYmF6cXV4",
        "Zm9vYmFyYmF6cXV4@acme.example",
        "null value\nDETAIL:  Failing row contains (Zm9vYmFyYmF6cXV4).",
    ],
)
def test_secrets_and_addresses_are_in_no_form_of_a_line(secret: str) -> None:
    for formatter in (PlainFormatter(), json_formatter()):
        assert "Zm9vYmFyYmF6cXV4" not in formatter.format(record(f"about {secret}"))
        assert "Zm9vYmFyYmF6cXV4" not in formatter.format(failed(f"about {secret}"))


def test_ordinary_text_is_left_as_it_is() -> None:
    text = "POST /o/acme/clusters 200: 3 of 4 opened, see plumbline.dev/v1 at 10:00:00"
    assert scrubbed(text) == text


def test_a_plain_line_ends_with_its_context() -> None:
    bind_contextvars(report_id="r")
    assert PlainFormatter().format(record(outcome="parked")).endswith("Report settled. outcome=parked report_id=r")


def test_a_form_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="json, plain"):
        logging_config(form="xml", level="INFO")


PROGRAMS = {
    "web": ["gunicorn", "config.wsgi:application", "--config", "config/gunicorn.py", "--no-control-socket"],
    "worker": ["celery", "--quiet", "-A", "config", "worker", "--concurrency", "1"],
    "beat": ["celery", "--quiet", "-A", "config", "beat", "--pidfile=", "--schedule"],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_line_of_every_process_is_json(servers: Any, django_db_setup: None, tmp_path: Any, name: str) -> None:
    more = {"web": ["--bind", f"unix:{tmp_path}/socket"], "beat": [str(tmp_path / "schedule")]}.get(name, [])
    log = tmp_path / "log"
    environment = os.environ | {"LOG_FORMAT": "json", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}
    environment["PYTHONWARNINGS"] = "ignore:You're running the worker with superuser"  # said before logging is set up
    with log.open("wb") as output:
        program = subprocess.Popen(
            [sys.executable, "-m", *PROGRAMS[name], *more],
            cwd=CHECKOUT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for_line(log, {"web": "Booting worker", "worker": "ready", "beat": "Starting"}[name], program)
            lines = log.read_text().splitlines()
        finally:
            program.terminate()  # when asked to end, Celery takes its leave in words of its own
            program.wait(60)
    assert [line for line in lines if not line.startswith("{")] == []
    assert all({"timestamp", "level", "logger", "event"} <= set(json.loads(line)) for line in lines)


def wait_for_line(log: Any, word: str, program: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + 60
    while word not in log.read_text():
        assert program.poll() is None, log.read_text()
        assert time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.1)
