"""The temporary tables of a merge: made once per session, emptied before each use."""

TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_key (
    position integer, letter "char", "group" text, kind text, namespace text, name text, digest text
);
CREATE TEMPORARY TABLE IF NOT EXISTS staged_change (position integer, resource_id bigint, is_new boolean);
CREATE TEMPORARY TABLE IF NOT EXISTS staged_resource (
    resource_id bigint, is_new boolean, team_id uuid, "group" text, version text, kind text, namespace text,
    name text, labels jsonb, manifest jsonb, file text, line integer, digest text, passed integer[],
    failed integer[], errored integer[], skipped integer[], cleared integer[],
    open_count integer, worst_severity smallint
);
CREATE TEMPORARY TABLE IF NOT EXISTS staged_violation (
    resource_id bigint, policy_id integer, severity smallint, line integer, rule text, place text, path text,
    message text, found jsonb, fix jsonb, exception text DEFAULT ''
);
CREATE TEMPORARY TABLE IF NOT EXISTS staged_standing (
    violation_id bigint, resource_id bigint, policy_id integer, rule text, place text, namespace text,
    team_id uuid, status text, exception text
);
CREATE TEMPORARY TABLE IF NOT EXISTS staged_turn (
    violation_id bigint, exception text, namespace text, team_id uuid
);
CREATE TEMPORARY TABLE IF NOT EXISTS staged_gone (resource_id bigint);
CREATE TEMPORARY TABLE IF NOT EXISTS staged_flow (namespace text, team_id uuid, opened integer,
    resolved integer);
CREATE TEMPORARY TABLE IF NOT EXISTS staged_count (
    namespace text, team_id uuid, policy_id integer,
    passed integer, failed integer, errored integer, skipped integer
);
CREATE TEMPORARY TABLE IF NOT EXISTS staged_total (
    id bigint, namespace text, team_id uuid, policy_id integer,
    passed integer, failed integer, errored integer, skipped integer, open_count integer, fixable_count integer
);
TRUNCATE staged_key, staged_change, staged_resource, staged_violation, staged_standing, staged_turn, staged_gone,
    staged_flow, staged_count, staged_total;
"""
