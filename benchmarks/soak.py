"""Does what was accepted survive everything? Agents report without pause while servers and processes are killed.

    python -m benchmarks.soak --agents 200 --minutes 10 --seed 1

Starts PostgreSQL, Redis, gunicorn with 2 processes, a Celery worker with 2 and beat, and restarts what it kills. In the
end every accepted report must be merged exactly once, and each cluster must be what its agent sees. Prints JSON and a
sentence; exit 1, with the differences, when something is not as it must be. Progress goes to standard error.
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import threading
import time
from collections import Counter
from itertools import chain, islice
from pathlib import Path
from typing import Any

import httpx
import psycopg2

from benchmarks.soaking import findings
from benchmarks.soaking.agents import Agent
from benchmarks.soaking.doors import Door, Ledger
from benchmarks.soaking.kills import Killer
from benchmarks.soaking.workloads import SimulatedCluster
from benchmarks.stack import Stack, running_stack
from deploy.local.postgres import DATABASE, SUPERUSER
from plumbline.library import library_policies

POLICY_COUNT = 8
PROGRESS_SECONDS = 15
MOST_DRAIN_SECONDS = 600

FOUND = """
import json, sys
from organizations.models import User
from organizations.scope import organization_scope
from organizations.services.organizations import create_organization
from organizations.services.teams import create_team
from clusters.services.clusters import register_cluster
from clusters.services.tokens import issue_agent_token

tokens = {{}}
organizations = []
for number in range(1, 4):
    owner = User.objects.create(email=f"owner{{number}}@soak.example")
    organizations.append(create_organization(slug=f"soak-{{number}}", name=f"Soak {{number}}", owner=owner))
for number, organization in enumerate(organizations):
    with organization_scope(organization.pk):
        create_team(name="Search", namespaces=["search"])
        for index in range(number, {agents}, len(organizations)):
            cluster = register_cluster(name=f"cluster-{{index}}", environment="sandbox")
            tokens[str(cluster.pk)] = issue_agent_token(cluster_id=cluster.pk)[1]
print(json.dumps(tokens))
"""


class Soak:
    """One run: agents in a thread of their own, kills and progress in this one, by which all processes live."""

    def __init__(self, stack: Stack, options: argparse.Namespace) -> None:
        self.stack = stack
        self.interval = options.interval
        self.between_kills = options.between_kills
        self.ledger = Ledger()
        self.killer = Killer(stack, random.Random(f"{options.seed} kills"))
        self.backlog = self.peak_backlog = self.shown_count = 0
        self.errors: list[BaseException] = []
        tokens = json.loads(stack.manage("shell", "-c", FOUND.format(agents=options.agents)).splitlines()[-1])
        # The HTTP client belongs to an event loop, so agents get theirs when one runs.
        self.agents = [self._agent(cluster, tokens[cluster], options.seed, n) for n, cluster in enumerate(tokens)]
        self.until = time.monotonic() + options.minutes * 60

    def _agent(self, cluster_id: str, token: str, seed: int, number: int) -> Agent:
        rng = random.Random(f"{seed} {number}")
        slugs = rng.sample([policy.id for policy in library_policies()], POLICY_COUNT)
        door = Door(httpx.AsyncClient(), token, self.ledger, rng)
        return Agent(cluster_id, SimulatedCluster(rng, slugs), door, rng, numbers_reports=number % 3 > 0)

    def run(self) -> dict[str, float]:
        """Live, drain, settle; how many seconds the last two took."""
        thread = threading.Thread(target=self._live, daemon=True)
        thread.start()
        self._kill_until(self.until)
        self._show("time is up")
        while thread.is_alive():
            thread.join(2)
            self._look()
        drained_at = time.monotonic()
        drain_seconds = self._drain()
        settled = asyncio.run(self._together([agent.settle() for agent in self.agents]))
        if not all(settled):
            self.ledger.found(f"{settled.count(False)} agents are asked for more and more")
        self._drain()
        return {"drain": round(drain_seconds, 1), "settle": round(time.monotonic() - drained_at - drain_seconds, 1)}

    def _live(self) -> None:
        try:
            asyncio.run(self._together([agent.live(self.until, self.interval) for agent in self.agents]))
        except BaseException as error:  # it ends the run, with what it says
            self.errors.append(error)

    async def _together(self, deeds: list[Any]) -> list[Any]:
        # Connections are let go before the server does it, so that none is lost for any reason but a kill.
        limits = httpx.Limits(max_connections=64, keepalive_expiry=1.0)
        base, timeout = f"{self.stack.url}/api/agent/v1/", httpx.Timeout(60.0, pool=None)
        async with httpx.AsyncClient(base_url=base, limits=limits, timeout=timeout) as client:
            for agent in self.agents:
                agent.door.client = client
            return await asyncio.gather(*deeds)

    def _kill_until(self, until: float) -> None:
        shown_at = 0.0
        strike_at = time.monotonic() + self.killer.rng.uniform(*self.between_kills)
        while time.monotonic() < until and not self.errors:
            time.sleep(1)
            self.stack.revive()
            if time.monotonic() > strike_at:
                self.killer.strike()
                strike_at = time.monotonic() + self.killer.rng.uniform(*self.between_kills)
            self._look()
            if time.monotonic() - shown_at > PROGRESS_SECONDS:
                shown_at = time.monotonic()
                self._show(f"{until - shown_at:.0f} s to go")

    def _drain(self) -> float:
        """Wait until nothing waits to be merged; seconds."""
        began_at = time.monotonic()
        while self._look() and time.monotonic() - began_at < MOST_DRAIN_SECONDS:
            time.sleep(0.5)
            self.stack.revive()
        return time.monotonic() - began_at

    def _look(self) -> int:
        """How many reports wait now."""
        assert self.stack.servers.postgres is not None
        try:
            connection = self.stack.servers.postgres.connect(SUPERUSER, DATABASE)
        except psycopg2.OperationalError:
            return 1  # it recovers from a kill
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(sum(waiting_count), 0) FROM clusters_reportqueue")
            self.backlog = int(cursor.fetchone()[0])
        connection.close()
        self.peak_backlog = max(self.peak_backlog, self.backlog)
        return self.backlog

    def _show(self, when: str) -> None:
        accepted = sum(bool(sent.receipts) for sent in self.ledger.sent.values())
        last = self.killer.outages[-1].kind if self.killer.outages else "nothing"
        print(
            f"{when}: {len(self.ledger.sent)} reports made, {accepted} accepted, {self.backlog} wait; "
            f"{len(self.killer.outages)} kills, last {last}; {len(self.ledger.findings)} findings",
            *(finding[:300] for finding in self.ledger.findings[self.shown_count :]),
            sep="\n  ",
            file=sys.stderr,
            flush=True,
        )
        self.shown_count = len(self.ledger.findings)


def judged(soak: Soak, seconds: dict[str, float]) -> dict[str, Any]:
    """The figures of a run, with all findings."""
    database, ledger = findings.Database(soak.stack), soak.ledger
    found = [
        *ledger.findings,
        *islice(findings.of_reports(database, ledger), 50),
        *islice(findings.of_order(database), 50),
        *findings.of_left_overs(database),
        *islice(findings.of_clusters(database, ledger), 50),
        *islice(findings.of_agents(database, soak.agents), 50),
        *findings.of_troubles(ledger.troubles, soak.killer.outages),
    ]
    try:
        verified = soak.stack.manage("verify_posture")
    except SystemExit as difference:
        verified = str(difference)
        found.append(verified)
    statuses = Counter(row.status for row in database.reports)
    kept = chain.from_iterable(cluster.resources.values() for cluster in database.clusters().values())
    standing = [exception for resource in kept for exception in resource.standing.values()]
    return {
        "agents": len(soak.agents),
        "reports_sent": len(ledger.sent),
        "reports_accepted": sum(bool(sent.receipts) for sent in ledger.sent.values()),
        "reports_stored": len(database.reports),
        **{f"reports_{status}": count for status, count in sorted(statuses.items())},
        "merges_tried_again": sum(row.attempt_count > 1 for row in database.reports),
        "answers": {
            answer: count for answer, count in sorted(ledger.answers.items()) if answer not in ("POST 202", "GET 200")
        },
        "posts_accepted": ledger.answers["POST 202"],
        "refusals_provoked": dict(ledger.provoked),
        "agents_did": dict(sorted(ledger.deeds.items())),
        "kills": dict(sorted(Counter(outage.kind for outage in soak.killer.outages).items())),
        "ended_by_themselves": dict(soak.stack.ended),
        "peak_backlog": soak.peak_backlog,
        "seconds": seconds,
        "open_violations_compared": standing.count(""),
        "excepted_violations_compared": len(standing) - standing.count(""),
        "verify_posture": verified,
        "findings": found,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval", type=float, default=12, help="seconds from one report of an agent to its next")
    parser.add_argument("--between-kills", type=float, nargs=2, default=(10, 25), help="seconds, at least and at most")
    parser.add_argument("--port", type=int, default=8151)
    parser.add_argument("--logs", type=Path, help="a directory that the logs of all processes are copied into")
    options = parser.parse_args()
    # Small, so that back-pressure is felt when something is down.
    settings = {"REPORT_BACKLOG_PER_CLUSTER": "8", "REPORT_BACKLOG_TOTAL": str(options.agents * 2)}
    programs = ("web", "worker", "beat")
    with running_stack(options.port, programs=programs, worker_count=2, settings=settings) as stack:
        try:
            soak = Soak(stack, options)
            seconds = soak.run()
            figures = judged(soak, seconds)
        finally:
            if options.logs:
                shutil.copytree(stack.home.log, options.logs, dirs_exist_ok=True)
    if soak.errors:
        raise soak.errors[0]
    print(json.dumps(figures, indent=2))
    is_fine = not figures["findings"]
    print(
        f"{figures['reports_accepted']} reports were accepted and {len(soak.killer.outages)} kills survived: "
        + ("every report counts once, and every cluster is as its agent sees it." if is_fine else "NOT all is well.")
    )
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
