"""Staged violations into lives and intervals. All instants are the report's own time."""

# ruff: noqa: S608 - every part is a constant of this module; values are parameters

from dataclasses import dataclass
from typing import Any

_SAME = """v.organization_id = %(organization)s AND v.resource_id = s.resource_id
    AND v.policy_id = s.policy_id
    AND v.rule = s.rule AND v.place = s.place"""

_FOLLOW_TEAM = """
UPDATE compliance_violation v SET team_id = s.team_id
FROM staged_resource s
WHERE v.organization_id = %(organization)s AND v.resource_id = s.resource_id AND NOT s.is_new
    AND v.team_id IS DISTINCT FROM s.team_id
"""

_REFRESH = f"""
UPDATE compliance_violation v SET
    path = s.path, found = s.found, message = s.message, fix = s.fix, line = s.line, severity = s.severity
FROM staged_violation s
WHERE {_SAME} AND v.status <> 'resolved'
    AND (v.path, v.found, v.message, v.fix, v.line, v.severity)
        IS DISTINCT FROM (s.path, s.found, s.message, s.fix, s.line, s.severity)
"""

_REOPEN = f"""
WITH reopened AS (
    UPDATE compliance_violation v SET
        status = 'open', opened_at = %(scanned_at)s, resolved_at = NULL,
            reopened_count = v.reopened_count + 1,
        path = s.path, found = s.found, message = s.message, fix = s.fix, line = s.line, severity = s.severity
    FROM staged_violation s
    WHERE {_SAME} AND v.status = 'resolved'
    RETURNING v.id, v.namespace, v.team_id
), started AS (
    INSERT INTO compliance_violationinterval (organization_id, violation_id, opened_at, close_reason)
    SELECT %(organization)s, id, %(scanned_at)s, '' FROM reopened
)
INSERT INTO staged_flow SELECT namespace, team_id, count(*), 0 FROM reopened GROUP BY namespace, team_id
"""

_OPEN = f"""
WITH opened AS (
    INSERT INTO compliance_violation (
        organization_id, cluster_id, resource_id, policy_id, team_id, rule, place, path, namespace,
            severity, found,
        message, fix, line, status, first_seen_at, opened_at, reopened_count
    )
    SELECT %(organization)s, %(cluster)s, s.resource_id, s.policy_id, r.team_id, s.rule, s.place, s.path,
        r.namespace,
        s.severity, s.found, s.message, s.fix, s.line, 'open', %(scanned_at)s, %(scanned_at)s, 0
    FROM staged_violation s
    JOIN staged_resource r ON r.resource_id = s.resource_id
    WHERE r.is_new OR NOT EXISTS (SELECT FROM compliance_violation v WHERE {_SAME})
    RETURNING id, namespace, team_id
), started AS (
    INSERT INTO compliance_violationinterval (organization_id, violation_id, opened_at, close_reason)
    SELECT %(organization)s, id, %(scanned_at)s, '' FROM opened
)
INSERT INTO staged_flow SELECT namespace, team_id, count(*), 0 FROM opened GROUP BY namespace, team_id
"""

_RESOLVE = """
WITH resolved AS (
    UPDATE compliance_violation v SET status = 'resolved', resolved_at = %(scanned_at)s
    FROM {source}
    WHERE v.organization_id = %(organization)s AND v.resource_id = s.resource_id AND v.status <> 'resolved'
        AND {condition}
    RETURNING v.id, v.namespace, v.team_id
), ended AS (
    UPDATE compliance_violationinterval i SET closed_at = %(scanned_at)s, close_reason = '{reason}'
    FROM resolved
    WHERE i.organization_id = %(organization)s AND i.violation_id = resolved.id AND i.closed_at IS NULL
)
INSERT INTO staged_flow SELECT namespace, team_id, 0, count(*) FROM resolved GROUP BY namespace, team_id
"""
_RESOLVE_PASSED = _RESOLVE.format(
    source="staged_resource s",
    condition="""NOT s.is_new AND v.policy_id = ANY (s.cleared) AND NOT EXISTS (
            SELECT FROM staged_violation f
            WHERE f.resource_id = v.resource_id AND f.policy_id = v.policy_id AND f.rule = v.rule
                AND f.place = v.place
        )""",
    reason="passed",
)
_RESOLVE_DELETED = _RESOLVE.format(source="staged_gone s", condition="true", reason="deleted")

_FLOW = "SELECT coalesce(sum(opened), 0), coalesce(sum(resolved), 0) FROM staged_flow"


@dataclass(frozen=True)
class Flow:
    """How many violations a report opened (or reopened) and resolved."""

    opened_count: int
    resolved_count: int


def merge_violations(cursor: Any, parameters: dict[str, Any]) -> Flow:
    """Open, reopen, refresh and resolve, each as one statement; what moved is in staged_flow by
    namespace and team.
    """
    statements = (_FOLLOW_TEAM, _REFRESH, _REOPEN, _OPEN, _RESOLVE_PASSED, _RESOLVE_DELETED)
    for statement in statements:
        cursor.execute(statement, parameters)
    cursor.execute(_FLOW)
    return Flow(*cursor.fetchone())
