"""What must be true at the end: of every report, of every cluster, and of every answer that failed."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from benchmarks.stack import Stack
from deploy.local.postgres import DATABASE, SUPERUSER
from plumbline.reports.identities import Key

from .agents import Agent
from .doors import Ledger, Trouble
from .kills import Outage
from .replays import VERDICTS, Effect, Kept, ReplayedCluster

_GRACE_SECONDS = 3.0
_EXPLAINED_BY = {"away": "web", "503 database_unavailable": "postgres"}  # the beginning of an outage's kind
_COUNTS = ("opened_count", "resolved_count", "unknown_count")

_REPORTS = """
SELECT id::text, report_id::text, cluster_id::text, status, scanned_at, processed_at, received_at, attempt_count, error,
    opened_count, resolved_count, unknown_count
FROM clusters_report ORDER BY scanned_at
"""
_RESOURCES = """
SELECT cluster_id::text, r."group", r.kind, r.namespace, r.name, digest, passed, failed, errored, skipped
FROM clusters_resource r WHERE deleted_at IS NULL
"""
_STANDING = """
SELECT v.cluster_id::text, r."group", r.kind, r.namespace, r.name, p.slug, v.rule, v.place, v.exception
FROM compliance_violation v JOIN clusters_resource r ON r.id = v.resource_id
JOIN compliance_policy p ON p.id = v.policy_id WHERE v.status <> 'resolved'
"""
# Each must be 0.
_LEFT_OVER = {
    "reports wait or are parked, by the queues' counts": """
        SELECT coalesce(sum(waiting_count + waiting_bytes + parked_count), 0) FROM clusters_reportqueue""",
    "settled reports still have their body": """
        SELECT count(*) FROM clusters_report WHERE body IS NOT NULL""",
    "settled reports are not in the archive exactly once": """
        SELECT count(*) FROM clusters_report r
        WHERE 1 <> (SELECT count(*) FROM clusters_rawreport w WHERE w.id = r.id)""",
    "reports more or less were counted at the door than taken in": """
        SELECT abs((SELECT coalesce(sum(count), 0) FROM clusters_intakeday WHERE outcome = 'accepted')
            - (SELECT count(*) FROM clusters_report))""",
    "resources differ from the number that their clusters name": """
        SELECT coalesce(sum(abs(c.resource_count - (
            SELECT count(*) FROM clusters_resource r WHERE r.cluster_id = c.id AND r.deleted_at IS NULL
        ))), 0) FROM clusters_cluster c""",
}


class Row(NamedTuple):
    """A report in the database."""

    id: str
    report_id: str
    cluster_id: str
    status: str
    scanned_at: datetime
    processed_at: datetime | None
    received_at: datetime
    attempt_count: int
    error: str
    opened_count: int
    resolved_count: int
    unknown_count: int


class Database:
    """What is in the database, read past the tenants' walls."""

    def __init__(self, stack: Stack) -> None:
        assert stack.servers.postgres is not None
        self._connection = stack.servers.postgres.connect(SUPERUSER, DATABASE)
        self.reports = [Row(*row) for row in self.query(_REPORTS)]

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def clusters(self) -> dict[str, ReplayedCluster]:
        """Resources that are there, with what is open or excepted in them."""
        slugs = dict(self.query("SELECT id, slug FROM compliance_policy"))
        found: dict[str, ReplayedCluster] = defaultdict(ReplayedCluster)
        for cluster_id, *key, digest, passed, failed, errored, skipped in self.query(_RESOURCES):
            lists = zip(VERDICTS, (passed, failed, errored, skipped), strict=True)
            verdicts = {slugs[policy]: verdict for verdict, policies in lists for policy in policies}
            found[cluster_id].resources[as_key(key)] = Kept(digest, verdicts)
        for cluster_id, *key, policy, rule, place, exception in self.query(_STANDING):
            kept = found[cluster_id].resources.setdefault(as_key(key), Kept("gone"))
            kept.standing[policy, rule, place] = exception
        return found


def as_key(parts: Sequence[str]) -> Key:
    group, kind, namespace, name = parts
    return group, kind, namespace, name


def of_reports(database: Database, ledger: Ledger) -> Iterator[str]:
    """Accepted is in the database, once, and settled; nothing else is there."""
    rows = {row.report_id: row for row in database.reports}
    if len(rows) != len(database.reports):
        yield f"{len(database.reports) - len(rows)} reports are in the database twice"
    for report_id, sent in ledger.sent.items():
        row = rows.get(report_id)
        if len(sent.receipts) > 1:
            yield f"{report_id} was given several receipts: {sent.receipts}"
        if sent.receipts and row is None:
            yield f"{report_id} was accepted and is not in the database"
        if sent.receipts and row is not None and {row.id} != {receipt for receipt, _ in sent.receipts}:
            yield f"{report_id} is {row.id} in the database, and its receipt says {sent.receipts}"
    for row in database.reports:
        sent_by = ledger.sent.get(row.report_id)
        if sent_by is None or sent_by.cluster_id != row.cluster_id:
            yield f"{row.report_id} is in the database, and no agent of cluster {row.cluster_id} has sent it"
        if row.status not in ("processed", "superseded"):
            yield f"{row.report_id} is left {row.status}: {row.error}"


def of_order(database: Database) -> Iterator[str]:
    """Merged by time; what was superseded came after a newer one."""
    newest: dict[str, Row] = {}
    for row in sorted(database.reports, key=lambda row: (row.processed_at is None, row.processed_at)):
        last = newest.get(row.cluster_id)
        is_late = last is not None and row.scanned_at <= last.scanned_at
        if row.status == "superseded" and not is_late:
            yield f"{row.report_id} was superseded, and none as new had been merged"
        if row.status == "processed" and is_late:
            yield f"{row.report_id} was merged after a newer one"
        if row.status == "processed":
            newest[row.cluster_id] = row


def of_left_overs(database: Database) -> Iterator[str]:
    """Counters and what should be gone by then."""
    for what, statement in _LEFT_OVER.items():
        count = database.query(statement)[0][0]
        if count:
            yield f"{count} {what}"


def of_clusters(database: Database, ledger: Ledger) -> Iterator[str]:
    """Merging all that was processed once more, in Python: the same counts for each report, the same cluster after."""
    replayed: dict[str, ReplayedCluster] = defaultdict(ReplayedCluster)
    for row in database.reports:
        if row.status == "processed" and row.report_id in ledger.sent:
            effect = replayed[row.cluster_id].merge(ledger.sent[row.report_id].report())
            kept = Effect(*(getattr(row, name) for name in _COUNTS))
            if effect != kept:
                yield f"report {row.report_id} of cluster {row.cluster_id} did {kept}; by its text it does {effect}"
    kept_clusters = database.clusters()
    for cluster_id in {*replayed, *kept_clusters}:
        yield from _differences(cluster_id, kept_clusters[cluster_id], replayed[cluster_id], "the reports make")


def of_agents(database: Database, agents: Sequence[Agent]) -> Iterator[str]:
    """What the server shows of each cluster is what its agent sees there now; of policies that it could not evaluate
    everywhere, what is open depends on earlier reports.
    """
    kept_clusters = database.clusters()
    for agent in agents:
        seen = ReplayedCluster()
        resources = [resource for resource, _ in agent.cluster.rendered().values()]
        policies = agent.cluster.policies
        whole = {"kind": "delta", "policies": policies, "resources": resources, "deleted": []}
        seen.merge(whole)
        kept = kept_clusters[agent.cluster_id]
        for key, shown in kept.resources.items():
            checks = agent.cluster.workloads[key].checks if key in agent.cluster.workloads else {}
            clear = {p for p in policies if p in checks and not checks[p].trouble}
            shown.verdicts = {p: v for p, v in shown.verdicts.items() if p in policies}
            _only(shown, clear)
            _only(seen.resources.get(key, Kept()), clear)
        yield from _differences(agent.cluster_id, kept, seen, "its agent sees")


def of_troubles(troubles: Sequence[Trouble], outages: Sequence[Outage]) -> Iterator[str]:
    """Failed requests, by what failed, that no kill explains."""
    unexplained: Counter[str] = Counter()
    for trouble in troubles:
        what = trouble.what.split()[0] if trouble.what.startswith("away") else trouble.what
        kind = _EXPLAINED_BY.get(what)
        if kind and not any(_overlap(trouble, outage) for outage in outages if outage.kind.startswith(kind)):
            unexplained[trouble.what] += 1
    for what, count in unexplained.items():
        yield f"{count} requests ended with {what} although nothing was killed that would explain it"


def _overlap(trouble: Trouble, outage: Outage) -> bool:
    return trouble.began_at <= outage.ended_at + _GRACE_SECONDS and trouble.ended_at >= outage.began_at


def _only(kept: Kept, policies: set[str]) -> None:
    kept.standing = {place: exception for place, exception in kept.standing.items() if place[0] in policies}


def _differences(cluster_id: str, kept: ReplayedCluster, due: ReplayedCluster, whose: str) -> Iterator[str]:
    for key in {*kept.resources, *due.resources}:
        if kept.resources.get(key) != due.resources.get(key):
            yield f"cluster {cluster_id}, {key}: kept {kept.resources.get(key)}, {whose} {due.resources.get(key)}"
