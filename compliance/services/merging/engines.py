"""Results of another engine into the temporary tables of a merge.

An engine speaks of its own policies on the resources that it lists, and of nothing else: every other verdict, and
what is known of the resource itself, stays as it was. A resource whose digest is '' is known by engines alone.
"""

# ruff: noqa: S608 - every part is a constant of this module; values are parameters

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from django.db import connection

from common.database import copy_line, copy_rows
from compliance.services.ownership import Ownership
from plumbline.reports.identities import resource_key

from .rows import policy_ids
from .tables import TABLES

Policies = Sequence[tuple[int, int]]  # (id, severity) by the document's index

_SAME_RESOURCE = """r.organization_id = %(organization)s AND r.cluster_id = %(cluster)s AND r."group" = k."group"
    AND r.kind = k.kind AND r.namespace = k.namespace AND r.name = k.name"""

_FAILING = """
SELECT r."group", r.version, r.kind, r.namespace, r.name, r.failed || r.skipped FROM clusters_resource r
WHERE r.organization_id = %(organization)s AND r.cluster_id = %(cluster)s AND r.deleted_at IS NULL
    AND (r.failed || r.skipped) && %(exhaustive)s::integer[]
    AND (%(within)s::text IS NULL OR (r.kind = 'File' AND r.namespace = %(within)s))
"""

_CHANGED = f"""
SELECT k.position, r.id
FROM staged_key k
LEFT JOIN clusters_resource r ON {_SAME_RESOURCE}
LEFT JOIN compliance_resultdigest d
    ON d.organization_id = %(organization)s AND d.resource_id = r.id AND d.engine = %(engine)s
WHERE k.position >= 0 AND (r.id IS NULL OR r.deleted_at IS NOT NULL OR d.digest IS DISTINCT FROM k.digest)
ORDER BY k.position
"""

# Of a resource that is there, engines know nothing but verdicts; one that was gone is back on their word alone.
_KEEP_RESOURCE = """
UPDATE staged_resource s SET
    version = r.version, team_id = CASE WHEN r.deleted_at IS NULL THEN r.team_id ELSE s.team_id END,
    labels = r.labels, manifest = r.manifest,
    file = CASE WHEN r.file <> '' THEN r.file ELSE s.file END, line = coalesce(r.line, s.line),
    digest = CASE WHEN r.deleted_at IS NULL THEN r.digest ELSE '' END
FROM clusters_resource r
WHERE r.organization_id = %(organization)s AND r.id = s.resource_id AND NOT s.is_new
"""

_KEPT = """{verdict} = ARRAY(
        SELECT unnest(s.{verdict}) UNION ALL
        SELECT p FROM unnest(r.{verdict}) p
        WHERE p <> ALL (s.passed || s.failed || s.errored || s.skipped) ORDER BY 1
    )"""
_KEEP_VERDICTS = f"""
UPDATE staged_resource s SET
    {", ".join(_KEPT.format(verdict=verdict) for verdict in ("passed", "failed", "errored", "skipped"))}
FROM clusters_resource r
WHERE r.organization_id = %(organization)s AND r.id = s.resource_id AND NOT s.is_new AND r.deleted_at IS NULL
"""

_ALONE = """
INSERT INTO staged_gone
SELECT r.id FROM clusters_resource r
WHERE r.organization_id = %(organization)s AND r.cluster_id = %(cluster)s AND r.deleted_at IS NULL AND r.digest = ''
"""
_FOLDED = f"""{_ALONE} AND EXISTS (SELECT FROM staged_key k WHERE k.position = -1 AND {_SAME_RESOURCE})"""
_UNLISTED = f"""{_ALONE}
    AND EXISTS (SELECT FROM compliance_resultdigest d WHERE d.organization_id = %(organization)s
        AND d.resource_id = r.id AND d.engine = %(engine)s)
    AND NOT EXISTS (SELECT FROM compliance_resultdigest d WHERE d.organization_id = %(organization)s
        AND d.resource_id = r.id AND d.engine <> %(engine)s)
    AND NOT EXISTS (SELECT FROM staged_key k WHERE {_SAME_RESOURCE})
"""

_REMEMBER = f"""
INSERT INTO compliance_resultdigest AS known (organization_id, cluster_id, resource_id, engine, digest)
SELECT %(organization)s, %(cluster)s, r.id, %(engine)s, k.digest
FROM staged_key k JOIN clusters_resource r ON {_SAME_RESOURCE}
WHERE k.position >= 0
ON CONFLICT (organization_id, resource_id, engine) DO UPDATE SET digest = EXCLUDED.digest
    WHERE known.digest <> EXCLUDED.digest
"""
_FORGET = """
DELETE FROM compliance_resultdigest d USING staged_gone g
WHERE d.organization_id = %(organization)s AND d.resource_id = g.resource_id
"""

_RESOURCE_COLUMNS = (
    "resource_id", "is_new", "team_id", '"group"', "version", "kind", "namespace", "name", "labels", "file", "line",
    "digest", "passed", "failed", "errored", "skipped", "cleared", "open_count", "worst_severity",
)  # fmt: skip
_VIOLATION_COLUMNS = ("resource_id", "policy_id", "rule", "place", "severity", "path", "message", "line", "exception")


def stage_results(document: dict[str, Any], policies: Policies, parameters: dict[str, Any]) -> tuple[int, int]:
    """Fill this session's temporary tables; how many resources changed, and how many are gone.

    `document` is a delta with `engine`: {exhaustive (indexes), within, folded (identities), is_complete}; `parameters`
    hold organization, cluster and engine.
    """
    about, resources = document["engine"], document["resources"]
    is_cut = document["truncated"] is not None
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        if about["exhaustive"]:
            _pass_what_is_not_listed(cursor, document, policies, parameters)
        digests = [_digest(resource, document["policies"], is_cut) for resource in resources]
        lines = (copy_line((n, *resource_key(r), digests[n])) for n, r in enumerate(resources))
        folded = (copy_line((-1, version.rpartition("/")[0], *rest, "")) for version, *rest in about["folded"])
        columns = ("position", '"group"', "kind", "namespace", "name", "digest")
        copy_rows("staged_key", columns, lines)
        copy_rows("staged_key", columns, folded)
        cursor.execute("ANALYZE staged_key")
        cursor.execute(_CHANGED, parameters)
        changed = cursor.fetchall()
        # Of a report that was cut off, nothing tells what it would have said besides, but of policies listed in full.
        clear = set(about["exhaustive"]) if is_cut else set(range(len(policies)))
        _stage_changed(cursor, resources, changed, policies, clear)
        cursor.execute(_KEEP_RESOURCE, parameters)
        cursor.execute(_KEEP_VERDICTS, parameters)
        cursor.execute(_FOLDED, parameters)
        gone_count = cursor.rowcount
        if about["is_complete"] and not is_cut:
            cursor.execute(_UNLISTED, parameters)
            gone_count += cursor.rowcount
    return len(changed), gone_count


def remember(cursor: Any, parameters: dict[str, Any]) -> None:
    """Keep what the engine said of each resource that it listed, once those are merged."""
    cursor.execute(_REMEMBER, parameters)
    cursor.execute(_FORGET, parameters)


def _pass_what_is_not_listed(
    cursor: Any, document: dict[str, Any], policies: Policies, parameters: dict[str, Any]
) -> None:
    """A policy whose failures are all listed passes where it failed before and is not among them."""
    about = document["engine"]
    index_of = {policies[index][0]: index for index in about["exhaustive"]}
    cursor.execute(_FAILING, parameters | {"exhaustive": list(index_of), "within": about["within"]})
    listed = {resource_key(resource): resource for resource in document["resources"]}
    for group, version, kind, namespace, name, failed in cursor.fetchall():
        resource = listed.get((group, kind, namespace, name))
        for policy_id in failed:
            index = index_of.get(policy_id)
            if index is None or (resource is not None and _has_verdict(resource, index)):
                continue
            if resource is None:
                resource = _unlisted(f"{group}/{version}" if group else version, kind, namespace, name)
                document["resources"].append(resource)
            resource["passed"].append(index)


def _has_verdict(resource: dict[str, Any], index: int) -> bool:
    return any(index in resource[verdict] for verdict in ("passed", "failed", "errored", "skipped"))


def _unlisted(api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any]:
    empty: dict[str, Any] = {key: [] for key in ("passed", "failed", "errored", "skipped", "violations", "errors")}
    about = {"apiVersion": api_version, "kind": kind, "namespace": namespace, "name": name}
    return {**about, "file": None, "line": None, **empty}


def _stage_changed(
    cursor: Any, resources: list[Any], changed: list[tuple[int, int | None]], policies: Policies, clear: set[int]
) -> None:
    cursor.execute(
        "SELECT nextval(pg_get_serial_sequence('clusters_resource', 'id')) FROM generate_series(1, %s)",
        [sum(known is None for _, known in changed)],
    )
    fresh = iter([row[0] for row in cursor.fetchall()])
    numbered = [(resources[position], known or next(fresh), known is None) for position, known in changed]
    ownership = Ownership.load()
    lines = (_resource_line(*numbers, policies, ownership, clear) for numbers in numbered)
    copy_rows("staged_resource", _RESOURCE_COLUMNS, lines)
    violations = (line for resource, key, _ in numbered for line in _violation_lines(resource, key, policies))
    copy_rows("staged_violation", _VIOLATION_COLUMNS, violations)
    cursor.execute("ANALYZE staged_resource, staged_violation")


def _digest(resource: dict[str, Any], slugs: list[str], is_cut: bool) -> str:
    """By the policies' slugs, for the next report of the engine may list others."""
    named = sorted({slugs[i] for verdict in ("passed", "failed", "errored", "skipped") for i in resource[verdict]})
    order = [named.index(slugs[i]) for verdict in ("passed", "failed", "errored", "skipped") for i in resource[verdict]]
    shown = {key: value for key, value in resource.items() if key not in _BY_INDEX}
    sizes = [len(resource[verdict]) for verdict in ("passed", "failed", "errored", "skipped")]
    told = (*resource["violations"], *resource.get("excepted", ()))
    found = [{**entry, "policy": slugs[entry["policy"]]} for entry in told]
    unclear = sorted({slugs[error["policy"]] for error in resource["errors"]})
    return hashlib.sha256(orjson.dumps([is_cut, named, order, sizes, shown, found, unclear])).hexdigest()


_BY_INDEX = frozenset({"passed", "failed", "errored", "skipped", "violations", "errors", "excepted"})


def _resource_line(
    resource: dict[str, Any], key: int, is_new: bool, policies: Policies, ownership: Ownership, clear: set[int]
) -> str:
    _, _, version = resource["apiVersion"].rpartition("/")
    unclear = {error["policy"] for error in resource["errors"]}
    evaluated = {*resource["failed"], *(entry["policy"] for entry in resource.get("excepted", ()))}
    cleared = clear & {*resource["passed"], *(evaluated - unclear)}
    group, kind, namespace, name = resource_key(resource)
    return copy_line(
        (
            key,
            is_new,
            ownership.owner_of(label=None, namespace=namespace),
            group,
            version,
            kind,
            namespace,
            name,
            "{}",
            (resource["file"] or "")[:1024],
            resource["line"],
            "",
            *(policy_ids(resource[verdict], policies) for verdict in ("passed", "failed", "errored", "skipped")),
            policy_ids(cleared, policies),
            len(resource["violations"]),
            max((policies[index][1] for index in resource["failed"]), default=0),
        )
    )


def _violation_lines(resource: dict[str, Any], key: int, policies: Policies) -> Iterator[str]:
    for found in (*resource["violations"], *resource.get("excepted", ())):
        policy_id, severity = policies[found["policy"]]
        place, path = found["place"], found["path"]
        text, exception = found["message"], found.get("exception", "")
        yield copy_line((key, policy_id, found["rule"], place, severity, path, text, found["line"], exception))
