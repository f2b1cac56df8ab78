"""Rollups, kept in the transaction of the merge: counts by their differences, days by rewriting them
whole.
"""

# ruff: noqa: S608 - every part is a constant of this module; values are parameters

from typing import Any

from clusters.models import Cluster

from .standings import Standing
from .tables import TABLES

_TOTALS = """
    SELECT namespace, team_id, policy_id, sum(passed) AS passed, sum(failed) AS failed,
        sum(errored) AS errored, sum(skipped) AS skipped
    FROM staged_count GROUP BY namespace, team_id, policy_id
"""
_SAME_COUNT = """c.organization_id = %(organization)s AND c.cluster_id = %(cluster)s
    AND c.namespace = d.namespace
    AND c.policy_id = d.policy_id AND c.team_id IS NOT DISTINCT FROM d.team_id"""

_INSERT_COUNTS = f"""
INSERT INTO compliance_posturecount AS c
    (organization_id, cluster_id, namespace, team_id, policy_id, passed, failed, errored, skipped)
SELECT %(organization)s, %(cluster)s, d.namespace, d.team_id, d.policy_id, 0, 0, 0, 0
FROM (SELECT DISTINCT namespace, team_id, policy_id FROM staged_count) d
WHERE NOT EXISTS (SELECT FROM compliance_posturecount c WHERE {_SAME_COUNT})
"""
_UPDATE_COUNTS = f"""
UPDATE compliance_posturecount c SET passed = c.passed + d.passed, failed = c.failed + d.failed,
    errored = c.errored + d.errored, skipped = c.skipped + d.skipped
FROM ({_TOTALS}) d
WHERE {_SAME_COUNT} AND (d.passed <> 0 OR d.failed <> 0 OR d.errored <> 0 OR d.skipped <> 0)
"""
_DROP_EMPTY_COUNTS = """
DELETE FROM compliance_posturecount c
WHERE c.organization_id = %(organization)s AND c.cluster_id = %(cluster)s
    AND c.passed = 0 AND c.failed = 0 AND c.errored = 0 AND c.skipped = 0
"""

_HAS_DAY = """
SELECT EXISTS (
    SELECT FROM compliance_postureday
    WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s AND day = %(day)s
)
"""
_KEEP_FLOW = """
INSERT INTO staged_flow
SELECT namespace, team_id, opened_count, resolved_count FROM compliance_postureday
WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s AND day = %(day)s
"""
_CLEAR_DAY = """
DELETE FROM compliance_postureday
WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s AND day = %(day)s
"""

# A resource that was not reported weighs what a reported one does on average, and 1 when there is none to
# go by.
_WRITE_DAY = """
INSERT INTO compliance_postureday (
    organization_id, cluster_id, day, namespace, team_id, passed_weight, failed_weight, errored_weight,
        skipped_weight,
    unreported_weight, open_critical, open_high, open_medium, open_low, opened_count, resolved_count
)
WITH verdicts AS (
    SELECT c.namespace, c.team_id, sum(c.passed * p.weight) AS passed, sum(c.failed * p.weight) AS failed,
        sum(c.errored * p.weight) AS errored, sum(c.skipped * p.weight) AS skipped
    FROM compliance_posturecount c JOIN compliance_policy p ON p.id = c.policy_id
    WHERE c.organization_id = %(organization)s AND c.cluster_id = %(cluster)s
    GROUP BY c.namespace, c.team_id
), parts AS (
    SELECT namespace, team_id, passed, failed, errored, skipped, 0 AS unreported, 0 AS critical, 0 AS high,
        0 AS medium,
        0 AS low, 0 AS opened, 0 AS resolved
    FROM verdicts
    UNION ALL
    SELECT namespace, team_id, 0, 0, 0, 0, 0, count(*) FILTER (WHERE severity = 4),
        count(*) FILTER (WHERE severity = 3), count(*) FILTER (WHERE severity = 2),
        count(*) FILTER (WHERE severity = 1), 0, 0
    FROM compliance_violation
    WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s AND status = 'open'
    GROUP BY namespace, team_id
    UNION ALL
    SELECT namespace, team_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, opened, resolved FROM staged_flow
    UNION ALL
    SELECT '', NULL::uuid, 0, 0, 0, 0, least(2147483647, ceil(%(unreported)s * coalesce(
        (SELECT sum(passed + failed + errored) FROM verdicts) / nullif(%(resource_count)s, 0), 1
    ))), 0, 0, 0, 0, 0, 0
)
SELECT %(organization)s, %(cluster)s, %(day)s, namespace, team_id, sum(passed), sum(failed), sum(errored),
    sum(skipped),
    sum(unreported), sum(critical), sum(high), sum(medium), sum(low), sum(opened), sum(resolved)
FROM parts GROUP BY namespace, team_id
"""

_CLEAR_POLICY_DAY = """
DELETE FROM compliance_policyday
WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s AND day = %(day)s
"""
# A policy that had verdicts when last written and has none now gets its zeros, lest a reader carry the old
# ones on.
_WRITE_POLICY_DAY = """
INSERT INTO compliance_policyday (organization_id, cluster_id, day, policy_id, passed, failed, errored,
    skipped)
SELECT %(organization)s, %(cluster)s, %(day)s, policy_id, sum(passed), sum(failed), sum(errored), sum(skipped)
FROM (
    SELECT policy_id, passed, failed, errored, skipped FROM compliance_posturecount
    WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s
    UNION ALL
    SELECT policy_id, 0, 0, 0, 0 FROM compliance_policyday
    WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s
        AND passed + failed + errored + skipped > 0
        AND day = (
            SELECT max(day) FROM compliance_policyday
            WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s AND day < %(day)s
        )
) rows GROUP BY policy_id
"""


def apply_counts(cursor: Any, parameters: dict[str, Any]) -> None:
    """Add the differences in staged_count to PostureCount."""
    for statement in (_INSERT_COUNTS, _UPDATE_COUNTS, _DROP_EMPTY_COUNTS):
        cursor.execute(statement, parameters)


def has_day(cursor: Any, parameters: dict[str, Any]) -> bool:
    """Whether the cluster's day was written before."""
    cursor.execute(_HAS_DAY, parameters)
    return bool(cursor.fetchone()[0])


def write_day(cursor: Any, parameters: dict[str, Any], *, unreported_count: int, resource_count: int) -> None:
    """Write PostureDay and PolicyDay of (cluster, day) whole; the flow of earlier reports of that day is
    kept.
    """
    more = parameters | {"unreported": unreported_count, "resource_count": resource_count}
    statements = (_KEEP_FLOW, _CLEAR_DAY, _WRITE_DAY, _CLEAR_POLICY_DAY, _WRITE_POLICY_DAY)
    for statement in statements:
        cursor.execute(statement, more)


def rewrite_last_day(cursor: Any, cluster: Cluster) -> None:
    """Write the day of the cluster's newest report again, after something else than a report changed."""
    last_instant = Standing.load(cluster, "").last_instant
    if last_instant is None:
        return
    parameters = {
        "organization": cluster.organization_id,
        "cluster": cluster.pk,
        "day": last_instant.date(),
    }
    cursor.execute(TABLES)
    write_day(
        cursor,
        parameters,
        unreported_count=cluster.unreported_resource_count,
        resource_count=cluster.resource_count,
    )
