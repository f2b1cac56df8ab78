"""From a kept report to temporary tables: keys of everything, the rest only of what changed.

Lines are taken in batches, for the body comes over the connection that COPY has to itself while it runs. So a merge
holds one batch of a report, however large the report is.
"""

# ruff: noqa: S608 - every part is a constant of this module; values are parameters

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
from django.db import connection

from clusters.services.intake.keeping import KNOWN, RESOURCE, KeptReport, Line
from common.database import copy_rows

from .contexts import MergeContext
from .rows import resource_row, violation_rows
from .tables import TABLES

BATCH_LINES = 2000
BATCH_BYTES = 4 << 20
ROWS_PER_PIECE = 500
MAX_UNKNOWN = 1000

# A resource that is listed twice counts as it is listed last.
_FORGET_EARLIER = """
DELETE FROM staged_key k USING (
    SELECT "group", kind, namespace, name, max(position) AS position FROM staged_key
    WHERE letter <> 'd' GROUP BY "group", kind, namespace, name HAVING count(*) > 1
) last
WHERE k."group" = last."group" AND k.kind = last.kind AND k.namespace = last.namespace AND k.name = last.name
    AND k.letter <> 'd' AND k.position < last.position
"""

_SAME = """r.organization_id = %(organization)s AND r.cluster_id = %(cluster)s AND r."group" = k."group"
    AND r.kind = k.kind AND r.namespace = k.namespace AND r.name = k.name"""

_CHANGED = f"""
INSERT INTO staged_change
SELECT k.position, coalesce(r.id, nextval(pg_get_serial_sequence('clusters_resource', 'id'))), r.id IS NULL
FROM staged_key k LEFT JOIN clusters_resource r ON {_SAME}
WHERE k.letter = 'r' AND (r.id IS NULL OR r.digest <> k.digest OR r.deleted_at IS NOT NULL)
"""

_UNKNOWN = f"""
SELECT k."group", k.kind, k.namespace, k.name, count(*) OVER ()
FROM staged_key k LEFT JOIN clusters_resource r ON {_SAME}
WHERE k.letter = 'k' AND (r.id IS NULL OR r.digest <> k.digest OR r.deleted_at IS NOT NULL)
ORDER BY k.position LIMIT {MAX_UNKNOWN}
"""

_GONE_FROM_SNAPSHOT = """
INSERT INTO staged_gone
SELECT r.id FROM clusters_resource r
WHERE r.organization_id = %(organization)s AND r.cluster_id = %(cluster)s AND r.deleted_at IS NULL
    AND r.digest <> ''  -- known by another engine alone
    AND NOT EXISTS (
        SELECT FROM staged_key k
        WHERE k."group" = r."group" AND k.kind = r.kind AND k.namespace = r.namespace AND k.name = r.name
    )
"""

_GONE_BY_NAME = f"""
INSERT INTO staged_gone
SELECT DISTINCT r.id FROM clusters_resource r JOIN staged_key k ON {_SAME}
WHERE k.letter = 'd' AND r.deleted_at IS NULL
"""

_BATCH_OF_CHANGES = """
SELECT position, resource_id, is_new FROM staged_change WHERE position >= %s AND position < %s ORDER BY position
"""

_KEY_COLUMNS = ("position", "letter", '"group"', "kind", "namespace", "name", "digest")
_RESOURCE_COLUMNS = (
    "resource_id, is_new, team_id",
    '"group", version, kind, namespace, name',
    "labels, manifest, file, line, digest",
    "passed, failed, errored, skipped, cleared, open_count, worst_severity",
)
_VIOLATION_COLUMNS = ("resource_id, policy_id, severity, line, rule, place, path, message, found, fix, exception",)


@dataclass(frozen=True)
class Staged:
    """How many resources are listed, differ from what is known, are gone, and are known by another digest only.

    `unknown` are identities (group, kind, namespace, name), at most 1,000 of them.
    """

    listed_count: int
    changed_count: int
    gone_count: int
    unknown_count: int = 0
    unknown: list[list[str]] = field(default_factory=list)


def stage(report: KeptReport, context: MergeContext) -> Staged:
    """Fill the temporary tables of this session from a report that was judged before it was stored."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        listed, known = _stage_keys(report)
        cursor.execute("ANALYZE staged_key")
        # Statistics lag behind a cluster's first reports, and a nested loop over two large lists never ends.
        cursor.execute(f"SET LOCAL enable_nestloop = {'off' if listed > BATCH_LINES else 'on'}")
        cursor.execute(_FORGET_EARLIER)
        listed -= cursor.rowcount
        cursor.execute(_CHANGED, context.parameters)
        changed_count = cursor.rowcount
        unknown = []
        if known:
            cursor.execute(_UNKNOWN, context.parameters)
            unknown = cursor.fetchall()
        gone_count = _stage_gone(cursor, report.head, context)
        cursor.execute("SET LOCAL enable_nestloop = DEFAULT")
        if changed_count:
            _stage_changed(cursor, report, context)
    return Staged(
        listed_count=listed,
        changed_count=changed_count,
        gone_count=gone_count,
        unknown_count=unknown[0][4] if unknown else 0,
        unknown=[list(row[:4]) for row in unknown],
    )


def is_complete(head: dict[str, Any]) -> bool:
    """Whether the report, by its own account, leaves nothing out."""
    return head["kind"] == "snapshot" and not head.get("truncated") and not head.get("unreadable")


def _stage_keys(report: KeptReport) -> tuple[int, int]:
    """(resources listed, those of them by digest alone)."""
    listed = known = position = 0
    for batch in _batches(report):
        known += sum(letter == KNOWN for letter, _, _ in batch)
        listed += sum(letter in (KNOWN, RESOURCE) for letter, _, _ in batch)
        rows = (
            f"{number}\t{letter.decode()}\t{key.decode()}\n"
            for number, (letter, key, _) in enumerate(batch, start=position)
        )
        copy_rows("staged_key", _KEY_COLUMNS, _pieces(rows))
        position += len(batch)
    return listed, known


def _stage_gone(cursor: Any, head: dict[str, Any], context: MergeContext) -> int:
    """A complete snapshot tells what is gone by leaving it out; anything less tells only what it names."""
    if head["kind"] == "delta":
        cursor.execute(_GONE_BY_NAME, context.parameters)
    elif is_complete(head):
        cursor.execute(_GONE_FROM_SNAPSHOT, context.parameters)
    else:
        return 0
    return int(cursor.rowcount)


def _stage_changed(cursor: Any, report: KeptReport, context: MergeContext) -> None:
    cursor.execute("ANALYZE staged_change")
    position = 0
    for batch in _batches(report):
        cursor.execute(_BATCH_OF_CHANGES, [position, position + len(batch)])
        changes = cursor.fetchall()
        if changes:
            lines = [(batch[number - position], key, is_new) for number, key, is_new in changes]
            _stage_batch(lines, context)
        position += len(batch)
    # Of the manifests nothing need be known, and reading them takes long.
    cursor.execute("ANALYZE staged_resource (resource_id, is_new)")
    cursor.execute("ANALYZE staged_violation (resource_id, policy_id, rule, exception)")


def _stage_batch(lines: list[tuple[Line, int, bool]], context: MergeContext) -> None:
    changed = [
        (orjson.loads(rendering), resource_id, is_new, key.decode().rpartition("\t")[2])
        for (_, key, rendering), resource_id, is_new in lines
    ]
    copy_rows("staged_resource", _RESOURCE_COLUMNS, _pieces(resource_row(*row, context) for row in changed))
    rows = (
        row
        for resource, resource_id, _, _ in changed
        for row in violation_rows(resource, resource_id, context.policies)
    )
    copy_rows("staged_violation", _VIOLATION_COLUMNS, _pieces(rows))


def _batches(report: KeptReport) -> Iterator[list[Line]]:
    """Lines, as many at a time as are BATCH_LINES or BATCH_BYTES, whichever comes first."""
    batch: list[Line] = []
    size = 0
    for line in report:
        batch.append(line)
        size += len(line[2])
        if len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _pieces(rows: Iterable[str]) -> Iterator[str]:
    """The rows, many at a time: COPY's stream is asked for fewer and larger pieces."""
    rows = iter(rows)
    while piece := "".join(islice(rows, ROWS_PER_PIECE)):
        yield piece
