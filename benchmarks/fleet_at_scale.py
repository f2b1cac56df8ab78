"""An organization of any size, made by set-based SQL: clusters, resources, a year of violations, and the rollups.

All of it agrees with itself: `verify_posture` finds no difference. Rows of past days have today's weights and policies.
"""

import time
from collections.abc import Callable
from typing import Any

DAYS = 365
NAMESPACES, TEAMS, POLICIES = 300, 50, 115
OPEN_EACH, RESOLVED_EACH = 10, 23  # violations of a resource that has any

_CLUSTERS = """
INSERT INTO clusters_cluster (id, organization_id, name, environment, created_at, last_received_at, first_scanned_at,
    last_scanned_at, agent_name, agent_version, resource_count, unreported_resource_count, unreadable_resource_count)
SELECT gen_random_uuid(), %(organization)s, 'cluster-' || lpad(n::text, 4, '0'),
    (ARRAY['production', 'production', 'production', 'staging', 'staging', 'development', 'sandbox'])[1 + n %% 7],
    now() - interval '380 days', now(), date_trunc('day', now()) - interval '364 days' + interval '1 minute',
    CASE WHEN n %% 50 = 7 THEN date_trunc('day', now()) - interval '2 days 1 hour' ELSE now() END, 'agent', '1', 0, 0, 0
FROM generate_series(1, %(clusters)s) n
"""
_TEAMS = f"""
INSERT INTO organizations_team (id, organization_id, slug, name, namespaces, created_at)
SELECT gen_random_uuid(), %(organization)s, 'team-' || t, 'Team ' || t, jsonb_agg(namespace), now()
FROM (
    SELECT s % {TEAMS} AS t, 'space-' || s AS namespace FROM generate_series(0, {NAMESPACES - 1}) s
    UNION ALL SELECT 0, 'kube-system'
) owned GROUP BY t
""".replace(" % ", " %% ")
# 13 namespaces a cluster: none (cluster-scoped), kube-system, and eleven out of 300.
_PLACES = f"""
CREATE TABLE place AS
SELECT c.id AS cluster_id, c.environment, c.n, k, c.last_scanned_at, s.namespace, t.id AS team_id
FROM (
    SELECT *, row_number() OVER (ORDER BY name) AS n FROM clusters_cluster WHERE organization_id = %(organization)s
) c
CROSS JOIN generate_series(0, 12) k
CROSS JOIN LATERAL (SELECT CASE k WHEN 0 THEN '' WHEN 1 THEN 'kube-system'
    ELSE 'space-' || (c.n * 7 + k * 31) %% {NAMESPACES} END AS namespace) s
LEFT JOIN organizations_team t ON t.organization_id = %(organization)s AND t.namespaces ? s.namespace
"""
_POLICY = f"""
CREATE TABLE numbered_policy AS
SELECT id, severity, row_number() OVER (ORDER BY slug) - 1 AS number FROM compliance_policy
WHERE organization_id IS NULL ORDER BY slug LIMIT {POLICIES}
"""
# Per place 15 live resources (195 a cluster), of which every other one has violations, and 24 that are gone.
_RESOURCES = """
INSERT INTO clusters_resource (organization_id, cluster_id, "group", version, kind, namespace, name, team_id, labels,
    manifest, file, digest, passed, failed, errored, skipped, open_count, worst_severity, first_seen_at, changed_at,
    deleted_at)
SELECT %(organization)s, cluster_id, 'apps', 'v1',
    (ARRAY['Deployment', 'StatefulSet', 'Deployment', 'ConfigMap', 'Service', 'CronJob'])[1 + i %% 6], namespace,
    (ARRAY['checkout', 'ledger', 'search', 'mailer', 'gateway'])[1 + (n + k) %% 5] || '-' || n || '-' || i, team_id,
    jsonb_build_object('app', 'app-' || i),
    jsonb_build_object('apiVersion', 'apps/v1', 'kind', 'Deployment',
        'metadata', jsonb_build_object('name', 'app-' || i), 'spec', jsonb_build_object('template',
        jsonb_build_object('spec', jsonb_build_object('containers', jsonb_build_array(
            jsonb_build_object('name', 'web', 'image', 'registry.example/app:1')))))),
    '', md5(n || '.' || k || '.' || i), '{}', '{}', '{}', '{}', 0, 0, now() - interval '364 days',
    least(last_scanned_at, now() - ((n * 13 + k * 7 + i) %% 9000 || ' minutes')::interval),
    CASE WHEN i > 15 THEN least(last_scanned_at, now() - interval '4 days') END
FROM place CROSS JOIN generate_series(1, 39) i ORDER BY n, k, i
"""
_OPEN = f"""
INSERT INTO compliance_violation (organization_id, cluster_id, resource_id, policy_id, team_id, rule, place, path,
    namespace, severity, found, message, fix, status, exception, first_seen_at, opened_at, reopened_count)
SELECT r.organization_id, r.cluster_id, r.id, p.id, r.team_id, 'checked', 'spec.containers[web].f' || j,
    'spec.containers[0].f' || j, r.namespace, p.severity, 'true', 'Container web does not satisfy f' || j,
    CASE WHEN j %% 3 = 0 THEN '[{{"op": "add", "path": "/spec/paused", "value": true}}]'::jsonb END,
    CASE WHEN (r.id + j) %% 97 = 0 THEN 'excepted' ELSE 'open' END,
    CASE WHEN (r.id + j) %% 97 = 0 THEN 'accepted-risk' ELSE '' END, at.opened_at, at.opened_at, 0
FROM clusters_resource r CROSS JOIN generate_series(1, {OPEN_EACH}) j
JOIN numbered_policy p ON p.number = floor({POLICIES} * power(((r.id * 7 + j * 101) %% 1000) / 1000.0, 2))
CROSS JOIN LATERAL (SELECT date_trunc('day', now()) - ((4 + (r.id * 11 + j) %% 360) || ' days')::interval
    + ((r.id + j * 60) %% 1400 || ' minutes')::interval AS opened_at) at
WHERE r.organization_id = %(organization)s AND r.deleted_at IS NULL AND r.id %% 2 = 0
"""
_RESOLVED = f"""
INSERT INTO compliance_violation (organization_id, cluster_id, resource_id, policy_id, team_id, rule, place, path,
    namespace, severity, found, message, fix, status, exception, first_seen_at, opened_at, resolved_at, reopened_count)
SELECT r.organization_id, r.cluster_id, r.id, p.id, r.team_id, 'checked', 'spec.containers[old].f' || j,
    'spec.containers[0].f' || j, r.namespace, p.severity, 'true', 'Container old does not satisfy f' || j, NULL,
    'resolved', '', at.opened_at - CASE WHEN j = 1 THEN interval '3 days' ELSE interval '0' END, at.opened_at,
    at.opened_at + ((1 + (r.id + j * 37) %% 90) * (352 - at.age) / 360 || ' hours')::interval + interval '1 hour',
    (j = 1)::integer
FROM clusters_resource r CROSS JOIN generate_series(1, {RESOLVED_EACH}) j
JOIN numbered_policy p ON p.number = floor({POLICIES} * power(((r.id * 3 + j * 71) %% 1000) / 1000.0, 2))
CROSS JOIN LATERAL (SELECT 12 + (r.id * 5 + j * 17) %% 340 AS age) a
CROSS JOIN LATERAL (SELECT a.age, date_trunc('day', now()) - (a.age || ' days')::interval
    + ((r.id + j * 60) %% 1300 || ' minutes')::interval AS opened_at) at
WHERE r.organization_id = %(organization)s AND (r.deleted_at IS NOT NULL OR r.id %% 2 = 1 OR r.id %% 3 = 0)
"""
# In the order of time, as reports bring them; what was resolved and came back has a first life before its last.
_INTERVALS = """
INSERT INTO compliance_violationinterval (organization_id, violation_id, opened_at, closed_at, exception, close_reason)
SELECT organization_id, id, opened_at, resolved_at, exception,
    CASE WHEN resolved_at IS NULL THEN '' ELSE 'passed' END
FROM compliance_violation WHERE organization_id = %(organization)s
UNION ALL
SELECT organization_id, id, first_seen_at, first_seen_at + interval '1 day', '', 'passed'
FROM compliance_violation WHERE organization_id = %(organization)s AND reopened_count = 1
ORDER BY 3
"""
_VERDICTS = """
UPDATE clusters_resource r SET open_count = o.open_count, worst_severity = o.worst, failed = o.failed,
    skipped = ARRAY(SELECT unnest(o.excepted) EXCEPT SELECT unnest(o.failed) ORDER BY 1)
FROM (
    SELECT resource_id, count(*) FILTER (WHERE status = 'open') AS open_count,
        coalesce(max(severity) FILTER (WHERE status = 'open'), 0) AS worst,
        coalesce(array_agg(DISTINCT policy_id ORDER BY policy_id) FILTER (WHERE status = 'open'), '{}') AS failed,
        coalesce(array_agg(DISTINCT policy_id ORDER BY policy_id) FILTER (WHERE status = 'excepted'), '{}') AS excepted
    FROM compliance_violation WHERE organization_id = %(organization)s AND status <> 'resolved' GROUP BY resource_id
) o WHERE r.id = o.resource_id
"""
_PASSED = """
UPDATE clusters_resource r SET passed = ARRAY(
    SELECT id FROM numbered_policy WHERE id <> ALL (r.failed || r.skipped) AND number %% 2 = r.id %% 2 ORDER BY id
) WHERE organization_id = %(organization)s AND deleted_at IS NULL
"""
_CLUSTER_COUNTS = """
UPDATE clusters_cluster c SET resource_count = n FROM (
    SELECT cluster_id, count(*) AS n FROM clusters_resource
    WHERE organization_id = %(organization)s AND deleted_at IS NULL GROUP BY cluster_id
) r WHERE c.id = r.cluster_id
"""
_REPORTS = """
INSERT INTO clusters_report (id, organization_id, cluster_id, report_id, kind, source, scanned_at, received_at, status,
    body_digest, body_bytes, resource_count, result_count, opened_count, resolved_count, attempt_count, error,
    processed_at, policy_set, part_count, known_count, unknown_count, unknown, trace_parent)
SELECT gen_random_uuid(), c.organization_id, c.id, gen_random_uuid(), 'snapshot', '', at, at,
    CASE WHEN n = 1 AND c.name LIKE '%%3' THEN 'parked' ELSE 'processed' END, repeat('0', 64), 100000, 195, 1000, 3, 2,
    1, CASE WHEN n = 1 AND c.name LIKE '%%3' THEN 'Policies are missing.' ELSE '' END, at, '', 1, 0, 0, '[]', ''
FROM clusters_cluster c CROSS JOIN generate_series(1, 100) n
CROSS JOIN LATERAL (SELECT c.last_scanned_at - (n || ' hours')::interval AS at) t
WHERE c.organization_id = %(organization)s
"""
_INTAKE = """
INSERT INTO clusters_intakeday (organization_id, cluster_id, day, outcome, count, last_at, last_detail)
SELECT c.organization_id, c.id, current_date - d, o.outcome, 24, now() - (d || ' days')::interval, ''
FROM clusters_cluster c CROSS JOIN generate_series(0, 13) d
JOIN (VALUES ('accepted', 1), ('too_many_reports', 10)) o (outcome, every) ON right(c.name, 3)::integer %% every = 0
WHERE c.organization_id = %(organization)s
"""
_COUNTS = """
INSERT INTO compliance_posturecount (organization_id, cluster_id, environment, namespace, team_id, policy_id, passed,
    failed, errored, skipped, open_count, fixable_count)
SELECT %(organization)s, u.cluster_id, c.environment, u.namespace, u.team_id, u.policy_id, sum(u.passed), sum(u.failed),
    0, sum(u.skipped), sum(u.open), sum(u.fixable)
FROM (
    SELECT cluster_id, namespace, team_id, unnest(passed) AS policy_id, 1 AS passed, 0 AS failed, 0 AS skipped,
        0 AS open, 0 AS fixable
    FROM clusters_resource WHERE organization_id = %(organization)s AND deleted_at IS NULL
    UNION ALL
    SELECT cluster_id, namespace, team_id, unnest(failed), 0, 1, 0, 0, 0 FROM clusters_resource
    WHERE organization_id = %(organization)s AND deleted_at IS NULL
    UNION ALL
    SELECT cluster_id, namespace, team_id, unnest(skipped), 0, 0, 1, 0, 0 FROM clusters_resource
    WHERE organization_id = %(organization)s AND deleted_at IS NULL
    UNION ALL
    SELECT cluster_id, namespace, team_id, policy_id, 0, 0, 0, 1, (fix IS NOT NULL)::integer FROM compliance_violation
    WHERE organization_id = %(organization)s AND status = 'open'
) u JOIN clusters_cluster c ON c.id = u.cluster_id
GROUP BY u.cluster_id, c.environment, u.namespace, u.team_id, u.policy_id
"""
_EVENTS = """
CREATE TABLE event AS
SELECT v.cluster_id, v.namespace, e.day, sum(e.change) FILTER (WHERE v.severity = 4) AS critical,
    sum(e.change) FILTER (WHERE v.severity = 3) AS high, sum(e.change) FILTER (WHERE v.severity = 2) AS medium,
    sum(e.change) FILTER (WHERE v.severity = 1) AS low, sum(e.opened) AS opened, sum(e.resolved) AS resolved
FROM compliance_violationinterval i JOIN compliance_violation v ON v.id = i.violation_id
CROSS JOIN LATERAL (
    SELECT (i.opened_at AT TIME ZONE 'UTC')::date AS day, 1 AS change, 1 AS opened, 0 AS resolved
    UNION ALL SELECT (i.closed_at AT TIME ZONE 'UTC')::date, -1, 0, 1 WHERE i.closed_at IS NOT NULL
) e
WHERE i.organization_id = %(organization)s AND i.exception = '' GROUP BY v.cluster_id, v.namespace, e.day
"""
_DAYS = f"""
INSERT INTO compliance_postureday (organization_id, day, cluster_id, environment, namespace, team_id, passed_weight,
    failed_weight, errored_weight, skipped_weight, unreported_weight, open_critical, open_high, open_medium, open_low,
    opened_count, resolved_count, is_last, is_carried)
SELECT %(organization)s, d.day, p.cluster_id, p.environment, p.namespace, p.team_id, w.passed, w.failed, 0, w.skipped,
    0, coalesce(sum(e.critical) OVER place_days, 0), coalesce(sum(e.high) OVER place_days, 0),
    coalesce(sum(e.medium) OVER place_days, 0), coalesce(sum(e.low) OVER place_days, 0), coalesce(e.opened, 0),
    coalesce(e.resolved, 0), d.day = (p.last_scanned_at AT TIME ZONE 'UTC')::date, false
FROM place p
JOIN (
    SELECT c.cluster_id, c.namespace, sum(c.passed * k.weight) AS passed, sum(c.failed * k.weight) AS failed,
        sum(c.skipped * k.weight) AS skipped
    FROM compliance_posturecount c JOIN compliance_policy k ON k.id = c.policy_id
    WHERE c.organization_id = %(organization)s GROUP BY c.cluster_id, c.namespace
) w ON w.cluster_id = p.cluster_id AND w.namespace = p.namespace
CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE 'UTC')::date - n AS day FROM generate_series(0, {DAYS - 1}) n) d
LEFT JOIN event e ON e.cluster_id = p.cluster_id AND e.namespace = p.namespace AND e.day = d.day
WHERE d.day <= (p.last_scanned_at AT TIME ZONE 'UTC')::date
WINDOW place_days AS (PARTITION BY p.cluster_id, p.namespace ORDER BY d.day)
"""
_POLICY_DAYS = f"""
INSERT INTO compliance_policyday (organization_id, day, cluster_id, environment, is_last, is_carried, policies, passed,
    failed, errored, skipped, open_counts)
SELECT %(organization)s, d.day, c.id, c.environment, d.day = (c.last_scanned_at AT TIME ZONE 'UTC')::date, false,
    k.policies, k.passed, k.failed, k.errored, k.skipped, k.open_counts
FROM clusters_cluster c
JOIN (
    SELECT cluster_id, array_agg(policy_id ORDER BY policy_id) AS policies,
        array_agg(passed ORDER BY policy_id) AS passed, array_agg(failed ORDER BY policy_id) AS failed,
        array_agg(0 ORDER BY policy_id) AS errored, array_agg(skipped ORDER BY policy_id) AS skipped,
        array_agg(open ORDER BY policy_id) AS open_counts
    FROM (
        SELECT cluster_id, policy_id, sum(passed) AS passed, sum(failed) AS failed, sum(skipped) AS skipped,
            sum(open_count) AS open
        FROM compliance_posturecount WHERE organization_id = %(organization)s GROUP BY cluster_id, policy_id
    ) counts GROUP BY cluster_id
) k ON k.cluster_id = c.id
CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE 'UTC')::date - n AS day FROM generate_series(0, {DAYS - 1}) n) d
WHERE d.day <= (c.last_scanned_at AT TIME ZONE 'UTC')::date
"""

_SLOW = ("compliance_violation", "compliance_violationinterval")
# What checks rows one by one rests while they are made; the sums of the fleet follow by their triggers.
_WITHOUT_TRIGGERS = {
    "clusters": _CLUSTERS, "teams": _TEAMS, "places": _PLACES, "policies": _POLICY, "resources": _RESOURCES,
    "open violations": _OPEN, "resolved violations": _RESOLVED, "intervals": _INTERVALS, "verdicts": _VERDICTS,
    "passed": _PASSED, "resources of clusters": _CLUSTER_COUNTS, "intake": _INTAKE,
}  # fmt: skip
_WITH_TRIGGERS = {
    "reports": _REPORTS, "counts": _COUNTS, "events": _EVENTS, "days": _DAYS, "policy days": _POLICY_DAYS,
}  # fmt: skip


def fill(cursor: Any, *, organization: Any, clusters: int, tell: Callable[[str], None]) -> None:
    """Fill an organization that has nothing yet. `cursor`: of the superuser, in autocommit."""
    parameters = {"organization": organization, "clusters": clusters}
    cursor.execute("DROP TABLE IF EXISTS place, numbered_policy, event")
    cursor.execute("SET session_replication_role = replica")
    made_again = _drop_indexes(cursor)
    for name, statement in _WITHOUT_TRIGGERS.items():
        _run(cursor, name, statement, parameters, tell)
    for statement in made_again:
        _run(cursor, statement.split()[2], statement, None, tell)
    cursor.execute("SET session_replication_role = DEFAULT")
    cursor.execute("ANALYZE")
    for name, statement in _WITH_TRIGGERS.items():
        _run(cursor, name, statement, parameters, tell)
        cursor.execute("ANALYZE")
    cursor.execute("DROP TABLE place, numbered_policy, event")
    # Days lie in the order of time, as reports bring them.
    _run(cursor, "days in order", "CLUSTER compliance_postureday USING posture_day_by_day", None, tell)
    _run(cursor, "vacuum", "VACUUM ANALYZE", None, tell)


def _run(cursor: Any, name: str, statement: str, parameters: Any, tell: Callable[[str], None]) -> None:
    started = time.monotonic()
    cursor.execute(statement, parameters)
    tell(f"{name}: {max(cursor.rowcount, 0):,} rows in {time.monotonic() - started:.0f} s")


def _drop_indexes(cursor: Any) -> list[str]:
    """Drop the indexes of the largest tables that enforce nothing; the statements that make them again."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY (%s) AND indexname NOT IN"
        " (SELECT conname FROM pg_constraint) AND schemaname = 'public'",
        [list(_SLOW)],
    )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f'DROP INDEX "{name}"')
    return [f"{definition}" for _, definition in found]
