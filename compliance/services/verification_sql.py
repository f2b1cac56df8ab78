"""The checks of verify_posture: each statement returns the rows for which its name is not true."""

# ruff: noqa: S608 - every part is a constant of this module; values are parameters

from .verification_fleet import CHECKS as FLEET_CHECKS

_COUNTED = """
    SELECT r.cluster_id, r.namespace, r.team_id, u.policy_id,
        count(*) FILTER (WHERE u.verdict = 1) AS passed, count(*) FILTER (WHERE u.verdict = 2) AS failed,
        count(*) FILTER (WHERE u.verdict = 3) AS errored, count(*) FILTER (WHERE u.verdict = 4) AS skipped
    FROM clusters_resource r
    CROSS JOIN LATERAL (
        SELECT unnest(r.passed) AS policy_id, 1 AS verdict UNION ALL SELECT unnest(r.failed), 2
        UNION ALL SELECT unnest(r.errored), 3 UNION ALL SELECT unnest(r.skipped), 4
    ) u
    WHERE r.organization_id = %(organization)s AND r.deleted_at IS NULL
    GROUP BY r.cluster_id, r.namespace, r.team_id, u.policy_id
"""

_COUNTS = f"""
SELECT cluster_id, namespace, team_id, policy_id, k.row AS kept, c.row AS computed
FROM (
    SELECT cluster_id, namespace, coalesce(team_id::text, '') AS team_id, policy_id,
        ARRAY[passed, failed, errored, skipped, open_count, fixable_count]::bigint[] AS row
    FROM compliance_posturecount WHERE organization_id = %(organization)s
) k
FULL JOIN (
    SELECT cluster_id, namespace, team_id, policy_id,
        ARRAY[sum(passed), sum(failed), sum(errored), sum(skipped), sum(open), sum(fixable)]::bigint[] AS row
    FROM (
        SELECT cluster_id, namespace, coalesce(team_id::text, '') AS team_id, policy_id, passed, failed, errored,
            skipped, 0 AS open, 0 AS fixable
        FROM ({_COUNTED}) counted
        UNION ALL
        SELECT cluster_id, namespace, coalesce(team_id::text, ''), policy_id, 0, 0, 0, 0, count(*), count(fix)
        FROM compliance_violation WHERE organization_id = %(organization)s AND status = 'open'
        GROUP BY cluster_id, namespace, team_id, policy_id
    ) rows GROUP BY cluster_id, namespace, team_id, policy_id
) c USING (cluster_id, namespace, team_id, policy_id)
WHERE k.row IS DISTINCT FROM c.row
"""

_OPEN_COUNTS = """
SELECT r.id, r.open_count AS kept, o.open_count AS computed, r.worst_severity AS kept_worst,
    o.worst AS computed_worst
FROM clusters_resource r
LEFT JOIN (
    SELECT resource_id, count(*) AS open_count, max(severity) AS worst FROM compliance_violation
    WHERE organization_id = %(organization)s AND status = 'open' GROUP BY resource_id
) o ON o.resource_id = r.id
WHERE r.organization_id = %(organization)s
    AND (r.open_count, r.worst_severity) IS DISTINCT FROM (coalesce(o.open_count, 0), coalesce(o.worst, 0))
"""

_COPIES = """
SELECT v.id, v.cluster_id, v.namespace, v.team_id, v.severity
FROM compliance_violation v
JOIN clusters_resource r ON r.id = v.resource_id
JOIN compliance_policy p ON p.id = v.policy_id
WHERE v.organization_id = %(organization)s AND (
    v.organization_id <> r.organization_id OR v.cluster_id <> r.cluster_id OR v.namespace <> r.namespace
    OR v.team_id IS DISTINCT FROM r.team_id OR (v.status <> 'resolved' AND v.severity <> p.severity)
)
"""

_GONE = """
SELECT v.id, v.status FROM compliance_violation v JOIN clusters_resource r ON r.id = v.resource_id
WHERE v.organization_id = %(organization)s AND r.deleted_at IS NOT NULL AND v.status <> 'resolved'
"""

_UNBACKED = """
SELECT r.id, u.policy_id FROM clusters_resource r CROSS JOIN LATERAL unnest(r.failed) AS u (policy_id)
WHERE r.organization_id = %(organization)s AND r.deleted_at IS NULL AND NOT EXISTS (
    SELECT FROM compliance_violation v WHERE v.organization_id = %(organization)s AND v.resource_id = r.id
        AND v.policy_id = u.policy_id AND v.status = 'open'
)
"""

_LIVES = """
SELECT v.id, v.status, v.exception, v.opened_at, v.resolved_at, v.reopened_count, i.lives, i.last_opened_at,
    i.last_closed_at, i.exception AS interval_exception
FROM compliance_violation v
LEFT JOIN (
    SELECT violation_id, count(*) FILTER (WHERE close_reason NOT IN ('excepted', 'ended')) AS lives,
        count(*) FILTER (WHERE closed_at IS NULL) AS unclosed,
        max(exception) FILTER (WHERE closed_at IS NULL) AS exception,
        min(opened_at) AS first_opened_at,
        max(opened_at) FILTER (WHERE begun_by NOT IN ('excepted', 'ended')) AS last_opened_at,
        max(closed_at) AS last_closed_at
    FROM (
        SELECT *, lag(close_reason, 1, '') OVER (PARTITION BY violation_id ORDER BY opened_at, id) AS begun_by
        FROM compliance_violationinterval WHERE organization_id = %(organization)s
    ) stretches GROUP BY violation_id
) i ON i.violation_id = v.id
WHERE v.organization_id = %(organization)s AND (
    i.lives IS DISTINCT FROM v.reopened_count + 1 OR i.last_opened_at IS DISTINCT FROM v.opened_at
    OR i.first_opened_at <> v.first_seen_at OR i.unclosed <> (v.status <> 'resolved')::integer
    OR coalesce(i.exception, '') <> v.exception OR (v.status = 'excepted') <> (v.exception <> '')
    OR (v.status = 'resolved' AND i.last_closed_at <> v.resolved_at)
)
"""

_OVERLAPS = """
SELECT * FROM (
    SELECT violation_id, opened_at, closed_at,
        lead(opened_at) OVER (PARTITION BY violation_id ORDER BY opened_at, id) AS next_opened_at
    FROM compliance_violationinterval WHERE organization_id = %(organization)s
) i
WHERE closed_at <= opened_at OR (next_opened_at IS NOT NULL AND (closed_at IS NULL
    OR closed_at > next_opened_at))
"""

_CLUSTERS = """
SELECT c.id, c.resource_count AS kept, count(r.id) AS computed
FROM clusters_cluster c
LEFT JOIN clusters_resource r
    ON r.organization_id = %(organization)s AND r.cluster_id = c.id AND r.deleted_at IS NULL
WHERE c.organization_id = %(organization)s
GROUP BY c.id HAVING c.resource_count <> count(r.id)
"""

_LAST_DAYS = """
    SELECT cluster_id, max(day) AS day FROM compliance_postureday WHERE organization_id = %(organization)s
    GROUP BY cluster_id
"""
_LAST_DAY = f"""
SELECT cluster_id, namespace, team_id, k.row AS kept, c.row AS computed
FROM (
    SELECT d.cluster_id, d.namespace, coalesce(d.team_id::text, '') AS team_id, ARRAY[
        passed_weight, failed_weight, errored_weight, skipped_weight, open_critical, open_high,
            open_medium, open_low
    ]::numeric[] AS row
    FROM compliance_postureday d JOIN ({_LAST_DAYS}) l ON l.cluster_id = d.cluster_id AND l.day = d.day
    WHERE d.organization_id = %(organization)s
) k
FULL JOIN (
    SELECT cluster_id, namespace, team_id, ARRAY[
        sum(passed), sum(failed), sum(errored), sum(skipped), sum(critical), sum(high), sum(medium), sum(low)
    ]::numeric[] AS row
    FROM (
        SELECT cluster_id, namespace, coalesce(team_id::text, '') AS team_id, passed * weight AS passed,
            failed * weight AS failed, errored * weight AS errored, skipped * weight AS skipped,
            0 AS critical, 0 AS high, 0 AS medium, 0 AS low
        FROM ({_COUNTED}) counted JOIN compliance_policy p ON p.id = counted.policy_id
        UNION ALL
        SELECT cluster_id, namespace, coalesce(team_id::text, ''), 0, 0, 0, 0, (severity = 4)::integer,
            (severity = 3)::integer, (severity = 2)::integer, (severity = 1)::integer
        FROM compliance_violation WHERE organization_id = %(organization)s AND status = 'open'
    ) parts GROUP BY cluster_id, namespace, team_id
) c USING (cluster_id, namespace, team_id)
WHERE coalesce(k.row, array_fill(0::numeric, ARRAY[8])) <> coalesce(c.row, array_fill(0::numeric, ARRAY[8]))
"""

_LAST_POLICY_DAY = f"""
SELECT cluster_id, policy_id, k.row AS kept, c.row AS computed
FROM (
    SELECT d.cluster_id, u.policy_id, ARRAY[u.passed, u.failed, u.errored, u.skipped, u.open_count]::numeric[] AS row
    FROM compliance_policyday d
    CROSS JOIN LATERAL unnest(d.policies, d.passed, d.failed, d.errored, d.skipped, d.open_counts)
        AS u (policy_id, passed, failed, errored, skipped, open_count)
    WHERE d.organization_id = %(organization)s AND d.is_last
) k
FULL JOIN (
    SELECT cluster_id, policy_id,
        ARRAY[sum(passed), sum(failed), sum(errored), sum(skipped), sum(open)]::numeric[] AS row
    FROM (
        SELECT cluster_id, policy_id, passed, failed, errored, skipped, 0 AS open FROM ({_COUNTED}) counted
        UNION ALL
        SELECT cluster_id, policy_id, 0, 0, 0, 0, 1 FROM compliance_violation
        WHERE organization_id = %(organization)s AND status = 'open'
    ) rows GROUP BY cluster_id, policy_id
) c USING (cluster_id, policy_id)
WHERE coalesce(k.row, array_fill(0::numeric, ARRAY[5])) <> coalesce(c.row, array_fill(0::numeric, ARRAY[5]))
"""

# All instants are UTC days' own, so a day's end can be told from intervals alone, however long ago it was.
_EVERY_DAY = """
SELECT cluster_id, day, kept_open, computed_open, kept_opened, computed_opened, kept_resolved, computed_resolved
FROM (
    SELECT cluster_id, day, sum(open) AS kept_open, sum(opened) AS kept_opened, sum(resolved) AS kept_resolved,
        sum(is_kept) AS is_kept, sum(came) AS computed_opened, sum(ended) AS computed_resolved,
        sum(sum(came) - sum(went)) OVER (PARTITION BY cluster_id ORDER BY day) AS computed_open
    FROM (
        SELECT cluster_id, day, open_critical + open_high + open_medium + open_low AS open, opened_count AS opened,
            resolved_count AS resolved, 1 AS is_kept, 0 AS came, 0 AS went, 0 AS ended
        FROM compliance_postureday WHERE organization_id = %(organization)s
        UNION ALL
        SELECT v.cluster_id, (i.opened_at AT TIME ZONE 'UTC')::date, 0, 0, 0, 0, (i.exception = '')::integer, 0, 0
        FROM compliance_violationinterval i JOIN compliance_violation v ON v.id = i.violation_id
        WHERE i.organization_id = %(organization)s
        UNION ALL
        SELECT v.cluster_id, (i.closed_at AT TIME ZONE 'UTC')::date, 0, 0, 0, 0, 0, (i.exception = '')::integer,
            (i.close_reason IN ('passed', 'deleted'))::integer
        FROM compliance_violationinterval i JOIN compliance_violation v ON v.id = i.violation_id
        WHERE i.organization_id = %(organization)s AND i.closed_at IS NOT NULL
    ) events GROUP BY cluster_id, day
) days
WHERE (kept_open, kept_opened, kept_resolved) IS DISTINCT FROM (computed_open, computed_opened, computed_resolved)
    AND (is_kept > 0 OR computed_opened > 0 OR computed_resolved > 0)
    AND day >= coalesce((SELECT pruned_before FROM organizations_organization WHERE id = %(organization)s), '-infinity')
"""

CHECKS = {
    **FLEET_CHECKS,
    "verdict and open counts are those of the resources": _COUNTS,
    "resources count their open violations": _OPEN_COUNTS,
    "violations copy their resource and policy": _COPIES,
    "nothing is open on a resource that is gone": _GONE,
    "a failed verdict has an open violation": _UNBACKED,
    "a violation's state is that of its intervals": _LIVES,
    "intervals of a violation do not overlap": _OVERLAPS,
    "clusters count their resources": _CLUSTERS,
    "the last posture day is today's state": _LAST_DAY,
    "the last policy day is today's state": _LAST_POLICY_DAY,
    "every day's open, opened and resolved follow from the intervals": _EVERY_DAY,
}
