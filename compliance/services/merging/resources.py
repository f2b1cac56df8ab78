"""Staged resources into the table, and the verdicts they bring or take away into staged counts."""

# ruff: noqa: S608 - every part is a constant of this module; values are parameters

from typing import Any

# A policy that this report did not evaluate keeps its last verdict: a narrower scan must not raise the score.
_KEPT = """{verdict} = ARRAY(
        SELECT unnest(s.{verdict}) UNION ALL
        SELECT p FROM unnest(r.{verdict}) p WHERE p <> ALL (%(evaluated)s::integer[]) ORDER BY 1
    )"""
_KEEP_UNEVALUATED = f"""
UPDATE staged_resource s SET
    {", ".join(_KEPT.format(verdict=verdict) for verdict in ("passed", "failed", "errored", "skipped"))}
FROM clusters_resource r
WHERE r.organization_id = %(organization)s AND r.id = s.resource_id AND NOT s.is_new AND r.deleted_at IS NULL
    AND NOT (r.passed || r.failed || r.errored || r.skipped) <@ %(evaluated)s::integer[]
"""

_VERDICTS = """
INSERT INTO staged_count
SELECT t.namespace, t.team_id, u.policy_id,
    {sign} * count(*) FILTER (WHERE u.verdict = 1), {sign} * count(*) FILTER (WHERE u.verdict = 2),
    {sign} * count(*) FILTER (WHERE u.verdict = 3), {sign} * count(*) FILTER (WHERE u.verdict = 4)
FROM {source}
CROSS JOIN LATERAL (
    SELECT unnest(t.passed) AS policy_id, 1 AS verdict UNION ALL SELECT unnest(t.failed), 2
    UNION ALL SELECT unnest(t.errored), 3 UNION ALL SELECT unnest(t.skipped), 4
) u
GROUP BY t.namespace, t.team_id, u.policy_id
"""
_CHANGED_BEFORE = _VERDICTS.format(
    sign="-1",
    source="clusters_resource t JOIN staged_resource s ON s.resource_id = t.id AND t.deleted_at IS NULL",
)
_CHANGED_AFTER = _VERDICTS.format(sign="1", source="staged_resource t")
_GONE_BEFORE = _VERDICTS.format(
    sign="-1", source="clusters_resource t JOIN staged_gone s ON s.resource_id = t.id"
)

_UPDATE = """
UPDATE clusters_resource r SET
    version = s.version, team_id = s.team_id, labels = s.labels, manifest = s.manifest, file = s.file,
    line = s.line, digest = s.digest, passed = s.passed, failed = s.failed, errored = s.errored,
    skipped = s.skipped, changed_at = %(scanned_at)s, deleted_at = NULL
FROM staged_resource s
WHERE r.organization_id = %(organization)s AND r.id = s.resource_id AND NOT s.is_new
"""

_INSERT = """
INSERT INTO clusters_resource (
    id, organization_id, cluster_id, "group", version, kind, namespace, name, team_id, labels, manifest,
        file, line,
    digest, passed, failed, errored, skipped, open_count, worst_severity, first_seen_at, changed_at
)
SELECT s.resource_id, %(organization)s, %(cluster)s, s."group", s.version, s.kind, s.namespace, s.name,
    s.team_id,
    s.labels, s.manifest, s.file, s.line, s.digest, s.passed, s.failed, s.errored, s.skipped, s.open_count,
    s.worst_severity, %(scanned_at)s, %(scanned_at)s
FROM staged_resource s WHERE s.is_new
"""

_DELETE = """
UPDATE clusters_resource r SET
    deleted_at = %(scanned_at)s, changed_at = %(scanned_at)s, open_count = 0, worst_severity = 0
FROM staged_gone g WHERE r.organization_id = %(organization)s AND r.id = g.resource_id
"""

_COUNT_OPEN = """
UPDATE clusters_resource r SET open_count = o.open_count, worst_severity = o.worst_severity
FROM (
    SELECT s.resource_id, count(v.id) AS open_count, coalesce(max(v.severity), 0) AS worst_severity
    FROM staged_resource s
    LEFT JOIN compliance_violation v
        ON v.organization_id = %(organization)s AND v.resource_id = s.resource_id AND v.status = 'open'
    WHERE NOT s.is_new GROUP BY s.resource_id
) o
WHERE r.organization_id = %(organization)s AND r.id = o.resource_id
    AND (r.open_count, r.worst_severity) IS DISTINCT FROM (o.open_count, o.worst_severity)
"""


def merge_resources(cursor: Any, parameters: dict[str, Any]) -> None:
    """Update, insert and delete; verdicts that go and come are noted as differences in staged_count."""
    cursor.execute(_KEEP_UNEVALUATED, parameters)
    for statement in (_CHANGED_BEFORE, _GONE_BEFORE, _CHANGED_AFTER, _UPDATE, _INSERT, _DELETE):
        cursor.execute(statement, parameters)


def count_open_violations(cursor: Any, parameters: dict[str, Any]) -> None:
    """Bring `open_count` and `worst_severity` up to date; new resources came with theirs."""
    cursor.execute(_COUNT_OPEN, parameters)
