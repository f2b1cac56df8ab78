"""Posting reports over HTTP as an agent does: compressed, in order, patient with a busy server."""

import time
from typing import Any

import httpx
import orjson
import zstandard

TIMEOUT_SECONDS = 60.0
MAX_TRIES = 8
DRAIN_SECONDS = 300.0


class PostingError(Exception):
    """The server refused a report, parked it, or cannot be reached."""


class Agent:
    """One cluster's sender. Use as a context manager."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/agent/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_SECONDS,
        )

    def __enter__(self) -> "Agent":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(self, report: dict[str, Any]) -> dict[str, Any]:
        """The receipt. Tries again while the server is busy or away. Raises PostingError."""
        body = zstandard.compress(orjson.dumps(report), 3)
        headers = {"Content-Type": "application/json", "Content-Encoding": "zstd"}
        return self._patiently("POST", "reports", content=body, headers=headers)

    def settled(self, report_id: str) -> dict[str, Any]:
        """Wait until a report is settled, and return its receipt. Raises PostingError."""
        give_up_at = time.monotonic() + DRAIN_SECONDS
        while (receipt := self._patiently("GET", f"reports/{report_id}"))["status"] == "accepted":
            if time.monotonic() > give_up_at:
                raise PostingError(
                    f"Reports are accepted but not processed for {DRAIN_SECONDS:.0f} s: does a worker run?"
                )
            time.sleep(0.3)
        return receipt

    def _patiently(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        problem = ""
        for attempt in range(MAX_TRIES):
            try:
                answer = self._client.request(method, path, **options)
            except httpx.TransportError as error:
                problem = str(error)
                time.sleep(min(2**attempt / 4, 10))
                continue
            if answer.status_code in (429, 503):
                problem = answer.text
                time.sleep(float(answer.headers.get("Retry-After", "1")))
                continue
            if answer.is_success:
                receipt: dict[str, Any] = answer.json()
                return receipt
            raise PostingError(f"{method} {answer.url} answered {answer.status_code}: {answer.text[:500]}")
        raise PostingError(f"{method} {path} failed {MAX_TRIES} times: {problem}")
