"""The checks of verify_posture on the fleet's sums and on days without gaps, in the form of verification_sql."""

# ruff: noqa: S608 - every part is a constant of this module; values are parameters

from compliance.services.merging.rollups import MEASURES

_OWN = "organization_id = %(organization)s"
_SIX = "passed, failed, errored, skipped, open_count, fixable_count"
_EIGHT = "passed, failed, errored, skipped, open_count, silent_passed, silent_failed, silent_errored"


def _row(names: str) -> str:
    return f"ARRAY[{names}]::numeric[]"


def _sums(names: str) -> str:
    return _row(", ".join(f"sum({name})" for name in names.split(", ")))


def _agreement(*, keys: str, kept: str, computed: str, length: int) -> str:
    """Rows of `kept` and `computed` (keys, row) that differ; a missing one is a row of zeros."""
    nothing = f"array_fill(0::numeric, ARRAY[{length}])"
    return f"""
SELECT {keys}, k.row AS kept, c.row AS computed
FROM ({kept}) k FULL JOIN ({computed}) c USING ({keys})
WHERE coalesce(k.row, {nothing}) <> coalesce(c.row, {nothing})
"""


_DIMENSION = "CASE WHEN GROUPING(team_id) = 0 THEN 'team' WHEN GROUPING(namespace) = 0 THEN 'namespace' ELSE '' END"
_FLEET_COUNTS = _agreement(
    keys="dimension, team_id, namespace, environment, policy_id",
    kept=f"""SELECT dimension, coalesce(team_id::text, '') AS team_id, namespace, environment, policy_id,
            {_row(_SIX)} AS row
        FROM compliance_fleetcount WHERE {_OWN}""",
    computed=f"""SELECT {_DIMENSION} AS dimension,
            coalesce(team_id::text, '') AS team_id, coalesce(namespace, '') AS namespace, environment, policy_id,
            {_sums(_SIX)} AS row
        FROM compliance_posturecount WHERE {_OWN}
        GROUP BY GROUPING SETS (
            (environment, policy_id), (environment, policy_id, team_id), (environment, policy_id, namespace)
        )""",
    length=6,
)
_FLEET_DAYS = _agreement(
    keys="dimension, team_id, namespace, environment, day",
    kept=f"""SELECT dimension, coalesce(team_id::text, '') AS team_id, namespace, environment, day,
            {_row(MEASURES)} AS row
        FROM compliance_fleetday WHERE {_OWN}""",
    computed=f"""SELECT {_DIMENSION} AS dimension,
            coalesce(team_id::text, '') AS team_id, coalesce(namespace, '') AS namespace, environment, day,
            {_sums(MEASURES)} AS row
        FROM compliance_postureday WHERE {_OWN}
        GROUP BY GROUPING SETS ((environment, day), (environment, day, team_id), (environment, day, namespace))""",
    length=11,
)
_FLEET_POLICY_DAYS = _agreement(
    keys="environment, policy_id, day",
    kept=f"SELECT environment, policy_id, day, {_row(_EIGHT)} AS row FROM compliance_fleetpolicyday WHERE {_OWN}",
    computed=f"""SELECT environment, policy_id, day, {_sums(_EIGHT)} AS row
        FROM (
            SELECT d.environment, d.day, u.*, CASE WHEN is_carried THEN u.passed ELSE 0 END AS silent_passed,
                CASE WHEN is_carried THEN u.failed ELSE 0 END AS silent_failed,
                CASE WHEN is_carried THEN u.errored ELSE 0 END AS silent_errored
            FROM compliance_policyday d
            CROSS JOIN LATERAL unnest(d.policies, d.passed, d.failed, d.errored, d.skipped, d.open_counts)
                AS u (policy_id, passed, failed, errored, skipped, open_count)
            WHERE d.organization_id = %(organization)s
        ) rows GROUP BY environment, policy_id, day""",
    length=8,
)

_ENVIRONMENTS = " UNION ALL ".join(
    f"""
SELECT '{table}' AS rollup, k.cluster_id, k.environment AS kept, c.environment AS computed
FROM {table} k JOIN clusters_cluster c ON c.id = k.cluster_id
WHERE k.organization_id = %(organization)s AND k.environment <> c.environment
"""
    for table in ("compliance_posturecount", "compliance_postureday", "compliance_policyday")
)

_GAPS = " UNION ALL ".join(
    f"""
SELECT '{table}' AS rollup, cluster_id, min(day) AS first_day, max(day) AS last_day, count(DISTINCT day) AS days,
    max(day) FILTER (WHERE is_last) AS marked_last, min(day) FILTER (WHERE is_last) AS marked_first
FROM {table} WHERE {_OWN} GROUP BY cluster_id
HAVING count(DISTINCT day) <> max(day) - min(day) + 1
    OR (max(day), max(day)) IS DISTINCT FROM (max(day) FILTER (WHERE is_last), min(day) FILTER (WHERE is_last))
    OR bool_or(NOT is_last AND day = (
        SELECT max(l.day) FROM {table} l WHERE l.{_OWN} AND l.cluster_id = {table}.cluster_id AND l.is_last))
"""
    for table in ("compliance_postureday", "compliance_policyday")
)

_CARRIED = """
SELECT cluster_id, namespace, team_id, day, kept, computed
FROM (
    SELECT cluster_id, namespace, team_id, day, is_carried,
        ARRAY[passed_weight, failed_weight, errored_weight, skipped_weight, unreported_weight, open_critical, open_high,
            open_medium, open_low, opened_count, resolved_count]::numeric[] AS kept,
        lag(ARRAY[0, 0, 0, skipped_weight, passed_weight + failed_weight + errored_weight + unreported_weight,
            open_critical, open_high, open_medium, open_low, 0, 0]::numeric[])
            OVER (PARTITION BY cluster_id, namespace, team_id ORDER BY day) AS computed
    FROM compliance_postureday WHERE organization_id = %(organization)s
) days WHERE is_carried AND kept IS DISTINCT FROM computed
"""

CHECKS = {
    "the fleet's counts are the sums of its clusters'": _FLEET_COUNTS,
    "the fleet's days are the sums of its clusters'": _FLEET_DAYS,
    "the fleet's policy days are the sums of its clusters'": _FLEET_POLICY_DAYS,
    "rollups copy the environment of their cluster": _ENVIRONMENTS,
    "a cluster's days have no gap, and the newest is marked": _GAPS,
    "a day without a report carries the one before on": _CARRIED,
}
