"""Rollups of a cluster, kept in the transaction of the merge; those of the fleet follow by triggers (migration 0010).

Counts become what the differences of verdicts and the open violations make of them; days are written whole.
"""

# ruff: noqa: S608 - every part is a constant of this module; values are parameters

from typing import Any

from clusters.models import Cluster

from .standings import Standing
from .tables import TABLES

_ENVIRONMENT = (
    "(SELECT environment FROM clusters_cluster WHERE organization_id = %(organization)s AND id = %(cluster)s)"
)

_TOTALS = """
INSERT INTO staged_total
SELECT max(id), namespace, team_id, policy_id, sum(passed), sum(failed), sum(errored), sum(skipped), sum(open),
    sum(fixable)
FROM (
    SELECT NULL::bigint AS id, namespace, team_id, policy_id, passed, failed, errored, skipped, 0 AS open, 0 AS fixable
    FROM staged_count
    UNION ALL
    SELECT NULL, namespace, team_id, policy_id, 0, 0, 0, 0, count(*), count(fix) FROM compliance_violation
    WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s AND status = 'open'
    GROUP BY namespace, team_id, policy_id
    UNION ALL
    SELECT id, namespace, team_id, policy_id, passed, failed, errored, skipped, 0, 0 FROM compliance_posturecount
    WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s
) rows GROUP BY namespace, team_id, policy_id
"""
_SIX = "passed, failed, errored, skipped, open_count, fixable_count"
_IS_NOTHING = "t.passed = 0 AND t.failed = 0 AND t.errored = 0 AND t.skipped = 0 AND t.open_count = 0"
_INSERT_COUNTS = f"""
INSERT INTO compliance_posturecount (organization_id, cluster_id, environment, namespace, team_id, policy_id, {_SIX})
SELECT %(organization)s, %(cluster)s, {_ENVIRONMENT}, namespace, team_id, policy_id, {_SIX}
FROM staged_total t WHERE id IS NULL AND NOT ({_IS_NOTHING})
"""
_UPDATE_COUNTS = f"""
UPDATE compliance_posturecount c SET ({_SIX}) = ROW(
    t.passed, t.failed, t.errored, t.skipped, t.open_count, t.fixable_count
)
FROM staged_total t
WHERE c.organization_id = %(organization)s AND c.cluster_id = %(cluster)s AND c.id = t.id
    AND (c.passed, c.failed, c.errored, c.skipped, c.open_count, c.fixable_count)
        <> (t.passed, t.failed, t.errored, t.skipped, t.open_count, t.fixable_count)
"""
# By an array of ids: a join of so few with so many would be planned to compare each with each.
_DROP_EMPTY_COUNTS = f"""
DELETE FROM compliance_posturecount c
WHERE c.organization_id = %(organization)s
    AND c.id = ANY (ARRAY(SELECT t.id FROM staged_total t WHERE t.id IS NOT NULL AND {_IS_NOTHING}))
"""

_HAS_DAY = """
SELECT EXISTS (
    SELECT FROM compliance_policyday
    WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s AND day = %(day)s
)
"""

MEASURES = (
    "passed_weight, failed_weight, errored_weight, skipped_weight, unreported_weight, open_critical, open_high, "
    "open_medium, open_low, opened_count, resolved_count"
)
_BEFORE = "d.organization_id = %(organization)s AND d.cluster_id = %(cluster)s AND d.is_last AND d.day < %(day)s"
_DAYS_BETWEEN = "generate_series(d.day + 1, %(day)s::date - 1, interval '1 day') AS missed"
# Days without a report: all that was evaluated before is unreported, and nothing moved.
_CARRY_DAYS = f"""
INSERT INTO compliance_postureday
    (organization_id, cluster_id, environment, day, namespace, team_id, {MEASURES}, is_last, is_carried)
SELECT d.organization_id, d.cluster_id, d.environment, missed::date, d.namespace, d.team_id, 0, 0, 0, d.skipped_weight,
    d.passed_weight + d.failed_weight + d.errored_weight + d.unreported_weight,
    d.open_critical, d.open_high, d.open_medium, d.open_low, 0, 0, false, true
FROM compliance_postureday d CROSS JOIN LATERAL {_DAYS_BETWEEN} WHERE {_BEFORE}
"""
_CLOSE_DAY = f"UPDATE compliance_postureday d SET is_last = false WHERE {_BEFORE}"

# A place that had rows earlier in the day keeps one, for its flow. A resource that was not reported weighs what a
# reported one does on average, and 1 when there is none to go by.
_WRITE_DAY = f"""
INSERT INTO compliance_postureday AS kept
    (organization_id, cluster_id, environment, day, namespace, team_id, {MEASURES}, is_last, is_carried)
WITH verdicts AS (
    SELECT c.namespace, c.team_id, sum(c.passed * p.weight) AS passed, sum(c.failed * p.weight) AS failed,
        sum(c.errored * p.weight) AS errored, sum(c.skipped * p.weight) AS skipped,
        coalesce(sum(c.open_count) FILTER (WHERE p.severity = 4), 0) AS critical,
        coalesce(sum(c.open_count) FILTER (WHERE p.severity = 3), 0) AS high,
        coalesce(sum(c.open_count) FILTER (WHERE p.severity = 2), 0) AS medium,
        coalesce(sum(c.open_count) FILTER (WHERE p.severity = 1), 0) AS low
    FROM compliance_posturecount c JOIN compliance_policy p ON p.id = c.policy_id
    WHERE c.organization_id = %(organization)s AND c.cluster_id = %(cluster)s
    GROUP BY c.namespace, c.team_id
), parts AS (
    SELECT namespace, team_id, passed, failed, errored, skipped, 0 AS unreported, critical, high, medium, low,
        0 AS opened, 0 AS resolved
    FROM verdicts
    UNION ALL
    SELECT namespace, team_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, opened, resolved FROM staged_flow
    UNION ALL
    SELECT namespace, team_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, opened_count, resolved_count FROM compliance_postureday
    WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s AND day = %(day)s
    UNION ALL
    SELECT '', NULL::uuid, 0, 0, 0, 0, least(2147483647, ceil(%(unreported)s * coalesce(
        (SELECT sum(passed + failed + errored) FROM verdicts) / nullif(%(resource_count)s, 0), 1
    ))), 0, 0, 0, 0, 0, 0
)
SELECT %(organization)s, %(cluster)s, {_ENVIRONMENT}, %(day)s, namespace, team_id, sum(passed), sum(failed),
    sum(errored), sum(skipped), sum(unreported), sum(critical), sum(high), sum(medium), sum(low), sum(opened),
    sum(resolved), true, false
FROM parts GROUP BY namespace, team_id
ON CONFLICT (organization_id, cluster_id, day, namespace, team_id) DO UPDATE SET
    {", ".join(f"{name} = EXCLUDED.{name}" for name in MEASURES.split(", "))}
"""

_CARRY_POLICY_DAYS = f"""
INSERT INTO compliance_policyday (organization_id, cluster_id, environment, day, is_last, is_carried, policies, passed,
    failed, errored, skipped, open_counts)
SELECT d.organization_id, d.cluster_id, d.environment, missed::date, false, true, d.policies, d.passed, d.failed,
    d.errored, d.skipped, d.open_counts
FROM compliance_policyday d CROSS JOIN LATERAL {_DAYS_BETWEEN} WHERE {_BEFORE}
"""
_CLOSE_POLICY_DAY = f"UPDATE compliance_policyday d SET is_last = false WHERE {_BEFORE}"
_ARRAYS = ", ".join(
    f"coalesce(array_agg({column} ORDER BY policy_id), '{{}}')"
    for column in ("policy_id", "passed", "failed", "errored", "skipped", "open_count")
)
_WRITE_POLICY_DAY = f"""
INSERT INTO compliance_policyday (organization_id, cluster_id, environment, day, is_last, is_carried, policies, passed,
    failed, errored, skipped, open_counts)
SELECT %(organization)s, %(cluster)s, {_ENVIRONMENT}, %(day)s, true, false, {_ARRAYS}
FROM (
    SELECT policy_id, sum(passed) AS passed, sum(failed) AS failed, sum(errored) AS errored, sum(skipped) AS skipped,
        sum(open_count) AS open_count
    FROM compliance_posturecount WHERE organization_id = %(organization)s AND cluster_id = %(cluster)s
    GROUP BY policy_id
) counts
ON CONFLICT (organization_id, cluster_id, day) DO UPDATE SET policies = EXCLUDED.policies, passed = EXCLUDED.passed,
    failed = EXCLUDED.failed, errored = EXCLUDED.errored, skipped = EXCLUDED.skipped,
    open_counts = EXCLUDED.open_counts
"""


def apply_counts(cursor: Any, parameters: dict[str, Any]) -> None:
    """Add the differences in staged_count to PostureCount, and count what is open now."""
    for statement in (_TOTALS, "ANALYZE staged_total", _INSERT_COUNTS, _UPDATE_COUNTS, _DROP_EMPTY_COUNTS):
        cursor.execute(statement, parameters)


def has_day(cursor: Any, parameters: dict[str, Any]) -> bool:
    """Whether the cluster's day was written before."""
    cursor.execute(_HAS_DAY, parameters)
    return bool(cursor.fetchone()[0])


def write_day(cursor: Any, parameters: dict[str, Any], *, unreported_count: int, resource_count: int) -> None:
    """Write PostureDay and PolicyDay of (cluster, day) whole, and the days since the last one that had no report; the
    flow of earlier reports of that day is kept.
    """
    more = parameters | {"unreported": unreported_count, "resource_count": resource_count}
    for statement in (
        *(_CARRY_DAYS, _CLOSE_DAY, _WRITE_DAY),
        *(_CARRY_POLICY_DAYS, _CLOSE_POLICY_DAY, _WRITE_POLICY_DAY),
    ):
        cursor.execute(statement, more)


def rewrite_last_day(cursor: Any, cluster: Cluster) -> None:
    """Count what is open and write the day of the cluster's newest report again, after something else than a report
    changed.
    """
    last_instant = Standing.load(cluster, "").last_instant
    if last_instant is None:
        return
    parameters = {
        "organization": cluster.organization_id,
        "cluster": cluster.pk,
        "day": last_instant.date(),
    }
    cursor.execute(TABLES)
    apply_counts(cursor, parameters)
    write_day(
        cursor,
        parameters,
        unreported_count=cluster.unreported_resource_count,
        resource_count=cluster.resource_count,
    )
