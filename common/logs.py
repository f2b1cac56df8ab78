"""How logs are written: one JSON object a line, or plain lines for a console; never a secret nor a person's address.

Who and what a line is about comes from the context that requests and tasks bind (request_id, user_id, organization_id,
cluster_id, report_id, task); measures come from `extra=`, of the names in FIELDS and no others.
"""

import json
import logging
import re
from typing import Any

from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.processors import TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name

FORMS = ("json", "plain")
FIELDS = (
    "method", "route", "path", "status", "duration_ms", "bytes", "outcome", "attempt", "kind", "code",
    "resource_count", "result_count", "opened_count", "resolved_count",
)  # fmt: skip
_FIRST = ("timestamp", "level", "logger", "event")

_SECRETS = (
    (re.compile(r"\b(pl[abi]_[0-9a-f]{4,16})_[A-Za-z0-9_-]+"), r"\1_…"),
    (re.compile(r"(?i)\b(bearer\s+)[^\s\"',;]+"), r"\1…"),
    (re.compile(r"(://[^\s/:@]*:)[^\s/@]+@"), r"\1…@"),
    (re.compile(r"(/password-reset/)[^\s?\"']+"), r"\1…"),
    (re.compile(r"(/invitations/)[^\s?\"']+"), r"\1…"),
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "…@…"),
    # PostgreSQL's errors quote the row that failed: that is what the report said.
    (re.compile(r"^(DETAIL|CONTEXT):.*$", re.MULTILINE), r"\1: …"),
)


def scrubbed(text: str) -> str:
    """The text without tokens, passwords, e-mail addresses, and rows that PostgreSQL quotes."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def logging_config(*, form: str, level: str) -> dict[str, Any]:
    """For logging.config.dictConfig: everything to standard error, in the form given."""
    if form not in FORMS:
        raise ValueError(f"LOG_FORMAT is “{form}”; it is one of {', '.join(FORMS)}.")
    formatter: dict[str, Any] = {"()": f"{__name__}.PlainFormatter"}
    if form == "json":
        formatter = {"()": f"{__name__}.json_formatter"}
    through = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {form: formatter},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": through,
            "django.server": {**through, "level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "gunicorn.error": through,
            "gunicorn.access": {"level": "CRITICAL", **through},  # the application's own says more: common.requests
            "opentelemetry": {"level": "WARNING"},
        },
    }


class PlainFormatter(logging.Formatter):
    """A line for people, with the context behind the message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        measures = {name: record.__dict__[name] for name in FIELDS if name in record.__dict__}
        pairs = " ".join(f"{name}={value}" for name, value in (measures | get_contextvars()).items())
        return f"{super().formatMessage(record)} {pairs}".rstrip()

    def format(self, record: logging.LogRecord) -> str:
        return scrubbed(super().format(record))


def json_formatter() -> ProcessorFormatter:
    """One JSON object a line; an exception's traceback is its field `exception`."""
    return ProcessorFormatter(
        foreign_pre_chain=[
            merge_contextvars,
            add_log_level,
            add_logger_name,
            ExtraAdder(allow=FIELDS),
            TimeStamper(fmt="iso", utc=True),
        ],
        processors=[format_exc_info, ProcessorFormatter.remove_processors_meta, _render],
    )


def _render(logger: Any, name: str, event: dict[str, Any]) -> str:
    cleaned = {key: scrubbed(value) if isinstance(value, str) else value for key, value in event.items()}
    ordered = {key: cleaned.pop(key) for key in _FIRST if key in cleaned} | cleaned
    return json.dumps(ordered, ensure_ascii=False, default=lambda value: scrubbed(str(value)))
