"""Staged violations into lives and intervals. All instants are the report's own time."""

# ruff: noqa: S608 - every part is a constant of this module; values are parameters

from dataclasses import dataclass
from typing import Any

# What is known of the changed resources is looked up once; all that follows goes by these rows and their ids.
_STANDING = """
INSERT INTO staged_standing
SELECT v.id, v.resource_id, v.policy_id, v.rule, v.place, v.namespace, s.team_id, v.status, v.exception
FROM staged_resource s
JOIN compliance_violation v ON v.organization_id = %(organization)s AND v.resource_id = s.resource_id
WHERE NOT s.is_new
"""
_ANALYZE = "ANALYZE staged_standing"

_SAME = "t.resource_id = s.resource_id AND t.policy_id = s.policy_id AND t.rule = s.rule AND t.place = s.place"

_FOLLOW_TEAM = """
UPDATE compliance_violation v SET team_id = t.team_id
FROM staged_standing t
WHERE v.organization_id = %(organization)s AND v.id = t.violation_id AND v.team_id IS DISTINCT FROM t.team_id
"""

_REFRESH = f"""
UPDATE compliance_violation v SET
    path = s.path, found = s.found, message = s.message, fix = s.fix, line = s.line, severity = s.severity
FROM staged_violation s JOIN staged_standing t ON {_SAME}
WHERE v.organization_id = %(organization)s AND v.id = t.violation_id AND t.status <> 'resolved'
    AND (v.path, v.found, v.message, v.fix, v.line, v.severity)
        IS DISTINCT FROM (s.path, s.found, s.message, s.fix, s.line, s.severity)
"""

# An exception that comes, goes or gives way to another one ends a stretch of the same life and begins the next.
_TURNS = f"""
INSERT INTO staged_turn
SELECT t.violation_id, s.exception, t.namespace, t.team_id
FROM staged_violation s JOIN staged_standing t ON {_SAME}
WHERE t.status <> 'resolved' AND t.exception <> s.exception
"""
_TURN = """
UPDATE compliance_violation v SET
    exception = t.exception, status = CASE WHEN t.exception = '' THEN 'open' ELSE 'excepted' END
FROM staged_turn t WHERE v.organization_id = %(organization)s AND v.id = t.violation_id
"""
_END_STRETCHES = """
UPDATE compliance_violationinterval i SET
    closed_at = %(scanned_at)s, close_reason = CASE WHEN t.exception = '' THEN 'ended' ELSE 'excepted' END
FROM staged_turn t
WHERE i.organization_id = %(organization)s AND i.violation_id = ANY (ARRAY(SELECT violation_id FROM staged_turn))
    AND i.violation_id = t.violation_id AND i.closed_at IS NULL
"""
_BEGIN_STRETCHES = """
INSERT INTO compliance_violationinterval (organization_id, violation_id, opened_at, exception, close_reason)
SELECT %(organization)s, violation_id, %(scanned_at)s, exception, '' FROM staged_turn
"""
_COUNT_TURNS = """
INSERT INTO staged_flow SELECT namespace, team_id, count(*), 0 FROM staged_turn WHERE exception = ''
GROUP BY namespace, team_id
"""

_REOPEN = f"""
WITH reopened AS (
    UPDATE compliance_violation v SET
        status = CASE WHEN s.exception = '' THEN 'open' ELSE 'excepted' END, exception = s.exception,
        opened_at = %(scanned_at)s, resolved_at = NULL, reopened_count = v.reopened_count + 1,
        path = s.path, found = s.found, message = s.message, fix = s.fix, line = s.line, severity = s.severity
    FROM staged_violation s JOIN staged_standing t ON {_SAME}
    WHERE v.organization_id = %(organization)s AND v.id = t.violation_id AND t.status = 'resolved'
    RETURNING v.id, v.namespace, v.team_id, v.exception
), started AS (
    INSERT INTO compliance_violationinterval (organization_id, violation_id, opened_at, exception, close_reason)
    SELECT %(organization)s, id, %(scanned_at)s, exception, '' FROM reopened
)
INSERT INTO staged_flow SELECT namespace, team_id, count(*), 0 FROM reopened WHERE exception = ''
GROUP BY namespace, team_id
"""

_OPEN = f"""
WITH opened AS (
    INSERT INTO compliance_violation (
        organization_id, cluster_id, resource_id, policy_id, team_id, rule, place, path, namespace, severity,
        found, message, fix, line, status, exception, first_seen_at, opened_at, reopened_count
    )
    SELECT %(organization)s, %(cluster)s, s.resource_id, s.policy_id, r.team_id, s.rule, s.place, s.path,
        r.namespace, s.severity, s.found, s.message, s.fix, s.line,
        CASE WHEN s.exception = '' THEN 'open' ELSE 'excepted' END, s.exception, %(scanned_at)s, %(scanned_at)s, 0
    FROM staged_violation s
    JOIN staged_resource r ON r.resource_id = s.resource_id
    WHERE r.is_new OR NOT EXISTS (SELECT FROM staged_standing t WHERE {_SAME})
    RETURNING id, namespace, team_id, exception
), started AS (
    INSERT INTO compliance_violationinterval (organization_id, violation_id, opened_at, exception, close_reason)
    SELECT %(organization)s, id, %(scanned_at)s, exception, '' FROM opened
)
INSERT INTO staged_flow SELECT namespace, team_id, count(*), 0 FROM opened WHERE exception = ''
GROUP BY namespace, team_id
"""

# Intervals are found by an array of ids: while a table is new, a join would be planned to read all of them.
_RESOLVE = """
WITH resolved AS (
    UPDATE compliance_violation v SET status = 'resolved', exception = '', resolved_at = %(scanned_at)s
    FROM {source}
    WHERE v.organization_id = %(organization)s AND {condition}
    RETURNING v.id, v.namespace, v.team_id
), ended AS (
    UPDATE compliance_violationinterval i SET closed_at = %(scanned_at)s, close_reason = '{reason}'
    WHERE i.organization_id = %(organization)s AND i.violation_id = ANY (ARRAY(SELECT id FROM resolved))
        AND i.closed_at IS NULL
)
INSERT INTO staged_flow SELECT namespace, team_id, 0, count(*) FROM resolved GROUP BY namespace, team_id
"""
_RESOLVE_PASSED = _RESOLVE.format(
    source="staged_standing t JOIN staged_resource r ON r.resource_id = t.resource_id",
    condition=f"""v.id = t.violation_id AND t.status <> 'resolved' AND t.policy_id = ANY (r.cleared)
        AND NOT EXISTS (SELECT FROM staged_violation s WHERE {_SAME})""",
    reason="passed",
)
_RESOLVE_DELETED = _RESOLVE.format(
    source="staged_gone g", condition="v.resource_id = g.resource_id AND v.status <> 'resolved'", reason="deleted"
)

_FLOW = "SELECT coalesce(sum(opened), 0), coalesce(sum(resolved), 0) FROM staged_flow"


@dataclass(frozen=True)
class Flow:
    """How many violations a report opened (or reopened) and resolved."""

    opened_count: int
    resolved_count: int


def merge_violations(cursor: Any, parameters: dict[str, Any]) -> Flow:
    """Open, reopen, except, refresh and resolve, each as one statement; what moved is in staged_flow by
    namespace and team.
    """
    for statement in (_STANDING, _ANALYZE, _FOLLOW_TEAM, _REFRESH, _TURNS):
        cursor.execute(statement, parameters)
    if cursor.rowcount:
        for statement in (_TURN, _END_STRETCHES, _BEGIN_STRETCHES, _COUNT_TURNS):
            cursor.execute(statement, parameters)
    for statement in (_REOPEN, _OPEN, _RESOLVE_PASSED, _RESOLVE_DELETED):
        cursor.execute(statement, parameters)
    cursor.execute(_FLOW)
    return Flow(*cursor.fetchone())
