"""A simulated agent: tells what changed in its cluster by every means of the protocol, and lives through refusals."""

import asyncio
import random
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from plumbline.reports.digests import abbreviate, rendering
from plumbline.reports.identities import Key, resource_key
from plumbline.reports.parts import split_report

from .doors import AWAY, Answer, Door
from .workloads import SimulatedCluster

_BACKOFF_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 20.0
_MOST_REMEMBERED = 5
_SKEWS = (0.0, 0.0, 0.0, 7.0, -600.0, 5400.0)  # seconds


class Crashed(Exception):
    """The agent ended in the middle of something, and is started again."""


@dataclass
class Outgoing:
    """A report on its way: one body, or its parts. `rounds` is for how long it is held back."""

    report_id: str
    bodies: list[bytes]
    digests: dict[Key, str]
    rounds: int = 0


@dataclass
class Agent:
    """`told` is what the server holds once all that was queued is merged; `merged` what receipts say it has merged."""

    cluster_id: str
    cluster: SimulatedCluster
    door: Door
    rng: random.Random
    numbers_reports: bool
    told: dict[Key, str] = field(default_factory=dict)
    merged: dict[Key, str] = field(default_factory=dict)
    outbox: list[Outgoing] = field(default_factory=list)
    delivered: list[Outgoing] = field(default_factory=list)
    watched: list[Outgoing] = field(default_factory=list)
    session_id: str = ""
    sequence: int = 0
    owes_snapshot: bool = True
    until: float = 0.0

    async def live(self, until: float, interval: float) -> None:
        """Report about every `interval` seconds until the instant, then see to it that all of it was accepted."""
        self.until = until
        await self._pause(self.rng.uniform(0, interval))
        while time.monotonic() < until:
            try:
                await self._round()
            except Crashed:
                self.restart()
            await self._pause(self.rng.expovariate(1 / interval))
        for outgoing in self.outbox:
            outgoing.rounds = 0
        await self._flush()

    async def settle(self) -> bool:
        """Tell what was not told yet, then do what receipts want until they want nothing. True if that was so."""
        self.until = 0.0
        for _ in range(8):
            if self.owes_snapshot or self._untold():
                self._queue(self.snapshot() if self.owes_snapshot else self.delta())
            await self._flush()
            for _ in range(300):
                await self._follow_up(len(self.watched))
                if not self.watched:
                    break
                await asyncio.sleep(0.5)
            if not (self.watched or self.outbox or self.owes_snapshot or self._untold()):
                return True
        return False

    def restart(self) -> None:
        """Forget what was in memory; what the server has merged may have been kept on disk."""
        rng = self.rng
        self.door.ledger.deeds["agents restarted"] += 1
        self.outbox, self.watched, self.told = [], [], {}
        self.merged = self.merged if rng.random() < 0.5 else {}
        self.session_id, self.sequence = "", 0
        # One that numbers its reports may even begin with a delta: the server asks for what it lacks.
        self.owes_snapshot = not self.numbers_reports or rng.random() < 0.9
        if rng.random() < 0.3:
            self.cluster.change_policies()
        if self.numbers_reports:
            self.door.skew_seconds = rng.choice(_SKEWS)

    def next_report(self) -> dict[str, Any]:
        """A snapshot, one that is cut off, or a delta."""
        kind = self.rng.random()
        if self.owes_snapshot or kind < 0.45:
            return self.snapshot()
        return self.cut_off() if kind < 0.5 else self.delta()

    def snapshot(self) -> dict[str, Any]:
        """A complete one, in full or by digest."""
        rendered = self.cluster.rendered()
        report = self._report("snapshot", [resource for resource, _ in rendered.values()])
        self.told = {key: digest for key, (_, digest) in rendered.items()}
        self.owes_snapshot = False
        kind = self.rng.random()
        if kind < 0.6:
            # What is on its way counts as known now and then: the server may know another digest.
            known = self.merged if kind < 0.5 else {**self.merged, **self.told}
            report = abbreviate(report, {d for key, d in self.told.items() if known.get(key) == d})
        if kind < 0.02 and report["known"]:
            self.rng.choice(report["known"])["digest"] = "0" * 64
        return report

    def cut_off(self) -> dict[str, Any]:
        """A snapshot that says itself that it lacks something."""
        rendered = self.cluster.rendered()
        kept = self.rng.sample(list(rendered), self.rng.randint(1, len(rendered)))
        report = self._report("snapshot", [rendered[key][0] for key in kept])
        if self.rng.random() < 0.5:
            report["truncated"] = {"resources_total": len(rendered) + 1}
        else:
            report["unreadable"] = [{"file": "broken.yaml", "line": 1, "message": "not YAML"}]
        self.told |= {key: rendered[key][1] for key in kept}
        return report

    def delta(self, also: Iterable[Key] = ()) -> dict[str, Any]:
        """What differs from what was told, and the resources of `also` in any case."""
        rendered = self.cluster.rendered()
        asked = set(also)
        resources = [r for key, (r, digest) in rendered.items() if key in asked or self.told.get(key) != digest]
        if resources and self.rng.random() < 0.05:
            resources.insert(0, {**resources[-1], "line": 2})  # listed twice: the last counts
        report = self._report("delta", resources)
        gone = {*self.told, *asked} - set(rendered)
        report["deleted"] = [
            {"apiVersion": f"{group}/v1" if group else "v1", "kind": kind, "namespace": namespace, "name": name}
            for group, kind, namespace, name in gone
        ]
        self.told = {key: digest for key, (_, digest) in rendered.items()}
        return report

    def _report(self, kind: str, resources: list[dict[str, Any]]) -> dict[str, Any]:
        report: dict[str, Any] = {
            "schema": "plumbline.report/v1",
            "id": str(uuid.UUID(int=self.rng.getrandbits(128), version=4)),
            "kind": kind,
            "scanned_at": self.door.clock().isoformat(),
            "agent": {"name": "soak", "version": "1"},
            "policies": list(self.cluster.policies),
        }
        if self.numbers_reports:
            self.session_id = self.session_id or str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
            self.sequence += 1
            report["session"] = {"id": self.session_id, "sequence": self.sequence}
        return {**report, "resources": resources, "deleted": [], "truncated": None, "unreadable": []}

    async def _round(self) -> None:
        rng = self.rng
        if rng.random() < 0.03:
            raise Crashed
        for _ in range(rng.randint(4, 12) if rng.random() < 0.03 else 1):
            self.cluster.evolve()
            self._queue(self.next_report())
        await self._flush()
        await self._follow_up(4)
        if self.delivered and rng.random() < 0.15:
            self.door.ledger.deeds["reports sent again"] += 1
            await self._deliver(rng.choice(self.delivered))
        if rng.random() < 0.03:
            await self._provoke()

    def _queue(self, report: dict[str, Any]) -> None:
        ledger, rng = self.door.ledger, self.rng
        ledger.write_down(self.cluster_id, report)
        parts = split_report(report, most_resources=rng.randint(4, 20) if rng.random() < 0.3 else 2000)
        ledger.deeds[f"{report['kind']}s" if len(parts) == 1 else "snapshots in parts"] += 1
        ledger.deeds["resources by digest"] += len(report.get("known", ()))
        bodies = [rendering(part) for part in parts]
        if rng.random() < 0.5:
            rng.shuffle(bodies)
        full = [resource for resource in report["resources"] if resource_key(resource) in self.told]
        digests = {resource_key(resource): self.told[resource_key(resource)] for resource in full}
        # Without numbers nobody would notice a snapshot that comes after the delta that builds upon it.
        may_be_late = self.numbers_reports or report["kind"] == "delta"
        is_late = may_be_late and time.monotonic() < self.until and rng.random() < 0.06
        rounds = rng.randint(1, 2) if is_late else 0
        ledger.deeds["reports held back"] += is_late
        self.outbox.append(Outgoing(report["id"], bodies, digests, rounds))

    async def _flush(self) -> None:
        """Deliver what is due, in order; what is held back goes after what was made later."""
        due = [outgoing for outgoing in self.outbox if not outgoing.rounds]
        for outgoing in self.outbox:
            outgoing.rounds = max(0, outgoing.rounds - 1)
        for outgoing in due:
            await self._deliver(outgoing)
            self.outbox.remove(outgoing)
            self.watched.append(outgoing)
            self.delivered = [*self.delivered, outgoing][-_MOST_REMEMBERED:]

    async def _deliver(self, outgoing: Outgoing) -> None:
        receipt: dict[str, Any] = {}
        for body in outgoing.bodies:
            receipt = await self._accepted(body)
            if receipt.get("id"):
                self.door.ledger.sent[outgoing.report_id].receipts.add((receipt["id"], receipt["received_at"]))
        if receipt and not receipt["id"]:
            self.door.ledger.found(f"{outgoing.report_id}: all parts were taken, and it is {receipt}")

    async def _accepted(self, body: bytes) -> dict[str, Any]:
        """Post until the server takes it, as often as it takes; twice at the same time now and then."""
        attempt = 0
        while True:
            posts = [self.door.post(body) for _ in range(2 if self.rng.random() < 0.03 else 1)]
            answers = await asyncio.gather(*posts)
            taken = [answer for answer in answers if answer.status == 202]
            if len({answer.body["id"] for answer in taken}) > 1:
                self.door.ledger.found(f"one report has two receipts: {[answer.body for answer in taken]}")
            refused = [answer for answer in answers if 400 <= answer.status < 500 and answer.status != 429]
            for answer in refused:
                self.door.ledger.found(f"a report was refused: {answer.status} {str(answer.body)[:500]}")
            if taken or refused:
                return taken[0].body if taken else {}
            answer = answers[0]
            if time.monotonic() < self.until and self.rng.random() < 0.05:
                raise Crashed
            await asyncio.sleep(self._wait(answer, attempt))
            attempt += 1

    def _wait(self, answer: Answer, attempt: int) -> float:
        if answer.retry_after is not None:
            return answer.retry_after
        return self.rng.uniform(0, min(_LONGEST_WAIT_SECONDS, _BACKOFF_SECONDS * 2**attempt)) + 0.1

    async def _follow_up(self, most: int) -> None:
        """Ask what became of reports, the oldest first, and queue what their receipts want."""
        for outgoing in self.watched[:most]:
            answer = await self.door.receipt(outgoing.report_id)
            if answer.status == 404:
                self.door.ledger.found(f"{outgoing.report_id} was accepted and is gone: {answer.body}")
            if answer.status != 200 or answer.body["status"] == "accepted":
                continue
            self.watched.remove(outgoing)
            receipt = answer.body
            if receipt["status"] == "processed":
                self.merged |= outgoing.digests
            if receipt["wanted"] == "snapshot":
                self.owes_snapshot = True
            elif receipt["wanted"] == "resources":
                self.door.ledger.deeds["deltas of unknown resources"] += 1
                self._queue(self.delta(tuple(identity) for identity in receipt["unknown"]))

    def _untold(self) -> bool:
        return self.told != {key: digest for key, (_, digest) in self.cluster.rendered().items()}

    async def _provoke(self) -> None:
        """Send what must be refused, and hold the server to it."""
        expected, answer = 401, Answer(AWAY, {})
        kind = self.rng.choice(("bearer", "body", "id"))
        whole = [outgoing for outgoing in self.delivered if len(outgoing.bodies) == 1]
        if kind == "bearer":
            answer = await self.door.request("POST", "reports", content=b"{}", token=f"{self.door.token[:-2]}zz")
        elif kind == "body":
            expected, cut = 400, {"Content-Encoding": "gzip"}
            answer = await self.door.request("POST", "reports", content=b"\x1f\x8b\x08\x00cut", headers=cut)
        elif whole:
            other = {**orjson.loads(whole[-1].bodies[0]), "agent": {"name": "other", "version": "1"}}
            expected, answer = 409, await self.door.post(rendering(other))
        if answer.status not in (AWAY, 429, 503):
            self.door.ledger.provoked[str(answer.status)] += 1
            if answer.status != expected:
                self.door.ledger.found(f"{expected} was due, and {answer.status} came: {answer.body}")

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, min(seconds, self.until - time.monotonic())))
