"""From a parsed report to temporary tables: identities of everything, the rest only of what changed."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from common.database import copy_line, copy_rows
from compliance.services.ownership import Ownership

from .tables import TABLES

LINES_PER_PIECE = 500
MAX_FILE = 1024
DELETED = -1

_CHANGED = """
SELECT k.position, r.id
FROM staged_key k
LEFT JOIN clusters_resource r
    ON r.organization_id = %(organization)s AND r.cluster_id = %(cluster)s AND r."group" = k."group"
    AND r.kind = k.kind AND r.namespace = k.namespace AND r.name = k.name
WHERE k.position >= 0 AND (r.id IS NULL OR r.digest <> k.digest OR r.deleted_at IS NOT NULL)
ORDER BY k.position
"""

_GONE_FROM_SNAPSHOT = """
INSERT INTO staged_gone
SELECT r.id FROM clusters_resource r
WHERE r.organization_id = %(organization)s AND r.cluster_id = %(cluster)s AND r.deleted_at IS NULL
    AND NOT EXISTS (
        SELECT FROM staged_key k
        WHERE k."group" = r."group" AND k.kind = r.kind AND k.namespace = r.namespace AND k.name = r.name
    )
"""

_GONE_BY_NAME = """
INSERT INTO staged_gone
SELECT DISTINCT r.id FROM clusters_resource r
JOIN staged_key k ON k."group" = r."group" AND k.kind = r.kind AND k.namespace = r.namespace
    AND k.name = r.name
WHERE k.position = -1 AND r.organization_id = %(organization)s AND r.cluster_id = %(cluster)s
    AND r.deleted_at IS NULL
"""


@dataclass(frozen=True)
class MergeContext:
    """What every statement of one merge refers to. `policies` are (id, severity) by the report's index."""

    organization_id: UUID
    cluster_id: UUID
    scanned_at: datetime
    policies: Sequence[tuple[int, int]]
    ownership: Ownership

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "organization": self.organization_id,
            "cluster": self.cluster_id,
            "scanned_at": self.scanned_at,
            "day": self.scanned_at.date(),
            "evaluated": [policy_id for policy_id, _ in self.policies],
        }


@dataclass(frozen=True)
class Staged:
    """How many resources differ from what is known, and how many are gone."""

    changed_count: int
    gone_count: int


def stage(document: dict[str, Any], context: MergeContext) -> Staged:
    """Fill the temporary tables of this session from a report that was judged before it was stored."""
    resources = document["resources"]
    # Indexes into another list of policies are other verdicts, so the list is part of every digest.
    salt = hashlib.sha256(orjson.dumps(document["policies"])).digest()
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        digests: dict[int, str] = {}
        lines = _key_lines(resources, document["deleted"], salt, digests)
        copy_rows("staged_key", ("position", '"group"', "kind", "namespace", "name", "digest"), lines)
        cursor.execute("ANALYZE staged_key")
        cursor.execute(_CHANGED, context.parameters)
        changed = cursor.fetchall()
        _stage_changed(resources, changed, digests, context)
        return Staged(changed_count=len(changed), gone_count=_stage_gone(cursor, document, context))


def _stage_gone(cursor: Any, document: dict[str, Any], context: MergeContext) -> int:
    """A complete snapshot tells what is gone by leaving it out; anything less tells only what it names."""
    if document["kind"] == "delta":
        cursor.execute(_GONE_BY_NAME, context.parameters)
    elif not document.get("truncated") and not document.get("unreadable"):
        # Statistics lag behind a cluster's first reports, and a nested loop over two large lists never ends.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(_GONE_FROM_SNAPSHOT, context.parameters)
        gone_count = int(cursor.rowcount)
        cursor.execute("SET LOCAL enable_nestloop = DEFAULT")
        return gone_count
    else:
        return 0
    return int(cursor.rowcount)


def _key_lines(
    resources: list[Any], deleted: Iterable[Any], salt: bytes, digests: dict[int, str]
) -> Iterator[str]:
    """One line per identity. A resource that is listed twice counts as it is listed last. Fills `digests`."""
    last: dict[tuple[str, str, str, str], int] = {}
    for position, resource in enumerate(resources):
        last[_identity(resource)] = position
    for position in last.values():
        digests[position] = _digest(resources[position], salt)
    yield from _pieces(_line((position, *key, digests[position])) for key, position in last.items())
    yield from _pieces(_line((DELETED, *_identity(gone), "")) for gone in deleted)


def _stage_changed(
    resources: list[Any],
    changed: list[tuple[int, int | None]],
    digests: dict[int, str],
    context: MergeContext,
) -> None:
    with connection.cursor() as cursor:
        fresh = iter(_new_ids(cursor, sum(1 for _, known in changed if known is None)))
        numbered = [(position, known or next(fresh), known is None) for position, known in changed]
        copy_rows(
            "staged_resource",
            (
                "resource_id, is_new, team_id",
                '"group", version, kind, namespace, name',
                "labels, manifest, file, line, digest",
                "passed, failed, errored, skipped, cleared, open_count, worst_severity",
            ),
            _pieces(
                _resource_line(resources[position], key, is_new, digests[position], context)
                for position, key, is_new in numbered
            ),
        )
        copy_rows(
            "staged_violation",
            ("resource_id, policy_id, rule, place, severity, path, found, message, fix, line",),
            _pieces(
                line
                for position, key, _ in numbered
                for line in _violation_lines(resources[position], key, context.policies)
            ),
        )
        cursor.execute("ANALYZE staged_resource, staged_violation")


def _new_ids(cursor: Any, count: int) -> list[int]:
    cursor.execute(
        "SELECT nextval(pg_get_serial_sequence('clusters_resource', 'id')) FROM generate_series(1, %s)",
        [count],
    )
    return [row[0] for row in cursor.fetchall()]


def _identity(resource: dict[str, Any]) -> tuple[str, str, str, str]:
    group, _, _ = resource["apiVersion"].rpartition("/")
    return group, resource["kind"], resource["namespace"], resource["name"]


def _digest(resource: dict[str, Any], salt: bytes) -> str:
    return hashlib.sha256(salt + orjson.dumps(resource)).hexdigest()


def _resource_line(
    resource: dict[str, Any], key: int, is_new: bool, digest: str, context: MergeContext
) -> str:
    group, _, version = resource["apiVersion"].rpartition("/")
    labels = resource.get("labels") or {}
    policies = context.policies
    # A policy with an error beside its failures was not evaluated everywhere: it clears nothing.
    unclear = {error["policy"] for error in resource.get("errors") or ()}
    cleared = [*resource["passed"], *(index for index in resource["failed"] if index not in unclear)]
    distinct = {(v["policy"], v["rule"], v["place"]) for v in resource["violations"]}
    return _line(
        (
            key,
            is_new,
            context.ownership.owner_of(label=labels.get("team"), namespace=resource["namespace"]),
            group,
            version,
            resource["kind"],
            resource["namespace"],
            resource["name"],
            _json(labels),
            _json(resource.get("manifest")),
            (resource["file"] or "")[:MAX_FILE],
            resource.get("line"),
            digest,
            *(_ids(resource[name], policies) for name in ("passed", "failed", "errored", "skipped")),
            _ids(cleared, policies),
            len(distinct),
            max((policies[index][1] for index in resource["failed"]), default=0),
        )
    )


def _violation_lines(
    resource: dict[str, Any], key: int, policies: Sequence[tuple[int, int]]
) -> Iterator[str]:
    """One line per identity: the same violation twice in a report is one, as listed first."""
    seen = set()
    for violation in resource["violations"]:
        index, rule, place = violation["policy"], violation["rule"], violation["place"]
        if (index, rule, place) in seen:
            continue
        seen.add((index, rule, place))
        policy_id, severity = policies[index]
        found, fix = violation.get("found"), violation.get("fix")
        yield _line(
            (
                key,
                policy_id,
                rule,
                place,
                severity,
                violation["path"],
                None if found is None else _json(found),
                violation["message"],
                None if fix is None else _json(fix),
                violation.get("line"),
            )
        )


def _ids(indexes: Iterable[int], policies: Sequence[tuple[int, int]]) -> str:
    return "{" + ",".join(map(str, sorted(policies[index][0] for index in indexes))) + "}"


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _line(values: Sequence[Any]) -> str:
    """copy_line, but quick for the many rows in which nothing has to be escaped."""
    line = "\t".join(["\\N" if value is None else str(value) for value in values])
    if (
        line.count("\\") == sum(value is None for value in values)
        and line.count("\t") == len(values) - 1
        and "\n" not in line
        and "\r" not in line
    ):
        return line + "\n"
    return copy_line(values)


def _pieces(lines: Iterator[str]) -> Iterator[str]:
    """The lines, many at a time: COPY's stream is asked for fewer and larger pieces."""
    while piece := "".join(islice(lines, LINES_PER_PIECE)):
        yield piece
