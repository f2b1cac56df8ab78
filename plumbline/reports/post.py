"""Posting a report: compressed, repeated with the same id while the server is away, refused in words that
help.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import httpx
import zstandard
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from plumbline import __version__

REPORTS_PATH = "/api/agent/v1/reports"
RESULTS_PATH = "/api/agent/v1/policy-reports"
ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 300.0  # a job in CI that would have to wait longer had better fail and say why
_RETRIED = frozenset((408, 425, 429, 500, 502, 503, 504))


class ReportError(Exception):
    """A report that the server did not take. `status` is its HTTP status, None when it was out of reach."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class _TryAgainError(ReportError):
    def __init__(self, message: str, status: int | None = None, after: float | None = None) -> None:
        super().__init__(message, status)
        self.after = after


def post_report(
    url: str,
    token: str,
    report: dict[str, Any],
    *,
    client: httpx.Client | None = None,
    attempts: int = ATTEMPTS,
) -> dict[str, Any]:
    """The server's receipt. `url` is the server's address, with or without the path of its reports.

    A server that is away, overloaded or slow is asked again with the same report id, so that nothing counts
    twice; not before the time that its Retry-After names. Raises ReportError, at once when that is over five minutes.
    """
    body = json.dumps(report, separators=(",", ":")).encode()
    return post_body(url, token, body, client=client, attempts=attempts)


def post_body(
    url: str,
    token: str,
    body: bytes,
    *,
    path: str = REPORTS_PATH,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
    client: httpx.Client | None = None,
    attempts: int = ATTEMPTS,
) -> dict[str, Any]:
    """What the server answers to `body` at `path`, sent as `post_report` sends. Raises ReportError."""
    target = _target(url, path)
    sent = {
        "Authorization": f"Bearer {token}",
        "Content-Type": content_type,
        "Content-Encoding": "zstd",
        "User-Agent": f"plumbline/{__version__}",
        **(headers or {}),
    }
    if not token.isascii() or any(letter.isspace() or not letter.isprintable() for letter in token):
        raise ReportError("the token holds characters that no token has")
    retrying = Retrying(
        retry=retry_if_exception_type(_TryAgainError),
        stop=stop_after_attempt(attempts),
        wait=_wait,
        reraise=True,
    )
    own = client or httpx.Client(timeout=httpx.Timeout(60.0, connect=10.0))
    try:
        return retrying(_post, own, target, zstandard.compress(body), sent)
    finally:
        if client is None:
            own.close()


def _target(url: str, path: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ReportError(f"{url} is not a URL: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ReportError(f"{url} is not an http or https URL")
    base = parsed.path.rstrip("/").removesuffix(REPORTS_PATH).removesuffix(path)
    return str(parsed.copy_with(raw_path=f"{base}{path}".encode()))


def _post(client: httpx.Client, url: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    try:
        # By the Date the server knows how far this machine's clock is off.
        response = client.post(url, content=body, headers={**headers, "Date": format_datetime(datetime.now(UTC), True)})
    except httpx.TransportError as error:
        raise _TryAgainError(f"{url} cannot be reached: {error or type(error).__name__}") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ReportError(f"{url} cannot be used: {error}") from error
    if response.is_success:
        return _receipt(response)
    message = _refusal(response)
    if response.status_code in _RETRIED:
        after = _retry_after(response)
        if after is not None and after > LONGEST_WAIT_SECONDS:
            raise ReportError(f"{message}\n  it asks to be left alone for {after:.0f} seconds", response.status_code)
        raise _TryAgainError(message, response.status_code, after)
    raise ReportError(message, response.status_code)


def _receipt(response: httpx.Response) -> dict[str, Any]:
    try:
        receipt = response.json()
    except ValueError as error:
        raise ReportError("the address answers, but not as a Plumbline server", response.status_code) from error
    if not isinstance(receipt, dict):
        raise ReportError("the address answers, but not as a Plumbline server", response.status_code)
    return receipt


def _refusal(response: httpx.Response) -> str:
    """Status, the server's `detail`, and each of its `fields`."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return f"{response.status_code} {response.reason_phrase}"
    parts = [f"{response.status_code}: {body.get('detail', response.reason_phrase)}"]
    fields = body.get("fields")
    if isinstance(fields, dict):
        for name, problem in list(fields.items())[:20]:
            words = "; ".join(map(str, problem)) if isinstance(problem, list) else str(problem)
            parts.append(f"  {name}: {words}")
    return "\n".join(parts)


def _retry_after(response: httpx.Response) -> float | None:
    given = response.headers.get("Retry-After", "").strip()
    if given.isdigit():
        return float(given)
    try:
        return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


_backoff = wait_random_exponential(multiplier=0.5, max=20.0)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    after = error.after if isinstance(error, _TryAgainError) else None
    return after if after is not None else _backoff(state)
