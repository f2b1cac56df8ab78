"""The agents' API as simulated agents meet it: every answer is counted, and what was sent is written down."""

import gzip
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import orjson
import zstandard

AWAY = 0  # in place of a status: the connection failed
MOST_SAMPLES = 20


@dataclass(frozen=True)
class Answer:
    """`status` is AWAY when there was none; `retry_after` are seconds, None where the server names none."""

    status: int
    body: dict[str, Any]
    retry_after: float | None = None

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))


@dataclass(frozen=True)
class Trouble:
    """A request that failed for the server's sake. Instants are of the monotonic clock."""

    what: str
    began_at: float
    ended_at: float


@dataclass
class Sent:
    """A report as its agent knows it: the whole document, compressed, and every first receipt that it was given."""

    cluster_id: str
    document: bytes
    receipts: set[tuple[str, str]] = field(default_factory=set)

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = orjson.loads(zstandard.decompress(self.document))
        return report


@dataclass
class Ledger:
    """What all agents saw together. `sent` is by report id."""

    sent: dict[str, Sent] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    provoked: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def write_down(self, cluster_id: str, report: dict[str, Any]) -> None:
        document = zstandard.compress(orjson.dumps(report), 3)
        self.sent[report["id"]] = Sent(cluster_id, document)

    def found(self, finding: str) -> None:
        if len(self.findings) < 200:
            self.findings.append(finding)


class Door:
    """One agent's way in. `skew_seconds` is how far its clock is ahead."""

    def __init__(self, client: httpx.AsyncClient, token: str, ledger: Ledger, rng: random.Random) -> None:
        self.client = client
        self.token = token
        self.ledger = ledger
        self.rng = rng
        self.skew_seconds = 0.0

    def clock(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.skew_seconds)

    async def post(self, body: bytes) -> Answer:
        """Post a report once, compressed one way or the other."""
        encoding, sent = self._encoded(body)
        return await self.request("POST", "reports", content=sent, headers={"Content-Encoding": encoding})

    async def receipt(self, report_id: str) -> Answer:
        return await self.request("GET", f"reports/{report_id}")

    async def request(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, content: bytes = b"", token: str = ""
    ) -> Answer:
        given = {
            "Authorization": f"Bearer {token or self.token}",
            "Date": format_datetime(self.clock(), usegmt=True),
            **(headers or {}),
        }
        began_at = time.monotonic()
        try:
            response = await self.client.request(method, path, content=content, headers=given)
        except httpx.TransportError as error:
            return self._noted(method, Answer(AWAY, {"code": type(error).__name__}), began_at)
        try:
            body = response.json()
        except ValueError:
            body = {"code": "not_json", "detail": response.text[:300]}
        wait = response.headers.get("Retry-After")
        answer = Answer(response.status_code, body, float(wait) if wait else None)
        return self._noted(method, answer, began_at)

    def _encoded(self, body: bytes) -> tuple[str, bytes]:
        kind = self.rng.random()
        if kind < 0.2:
            return "identity", body
        if kind < 0.6:
            return "gzip", gzip.compress(body, 1)
        return "zstd", zstandard.compress(body, 1)

    def _noted(self, method: str, answer: Answer, began_at: float) -> Answer:
        outcome = f"{answer.status or 'away'} {answer.code}".strip()
        self.ledger.answers[f"{method} {outcome}"] += 1
        if answer.status == AWAY or answer.status >= 500:
            self.ledger.troubles.append(Trouble(outcome, began_at, time.monotonic()))
        if answer.status >= 500 and (answer.status != 503 or not answer.body.get("detail") or not answer.retry_after):
            self.ledger.found(f"{method} was answered with {outcome}: {str(answer.body)[:300]}")
        return answer
