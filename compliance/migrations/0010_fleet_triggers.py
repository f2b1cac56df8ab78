"""The fleet's sums follow those of clusters by triggers, whoever writes: merges, teams, deletions, commands.

Each trigger fires once per statement and adds the differences. It first takes a lock of the organization, held to the
end of the transaction, for two merges that touch the same sums in another order would wait for each other for ever.
While `plumbline.leaving` is on (an organization is deleted) nothing is added up.
"""

# ruff: noqa: S608 - every part is a constant of this module

from django.db import migrations

from common.database import LEAVING_SETTING

_CHANGED = {
    "INSERT": "SELECT 1 AS sign, * FROM later",
    "UPDATE": "SELECT 1 AS sign, * FROM later UNION ALL SELECT -1, * FROM earlier",
    "DELETE": "SELECT -1 AS sign, * FROM earlier",
}
_ORGANIZATIONS = {
    "INSERT": "SELECT DISTINCT organization_id FROM later",
    "UPDATE": "SELECT DISTINCT organization_id FROM later",
    "DELETE": "SELECT DISTINCT organization_id FROM earlier",
}
_REFERENCING = {
    "INSERT": "REFERENCING NEW TABLE AS later",
    "UPDATE": "REFERENCING NEW TABLE AS later OLD TABLE AS earlier",
    "DELETE": "REFERENCING OLD TABLE AS earlier",
}

_COUNTED = ("passed", "failed", "errored", "skipped", "open_count", "fixable_count")
_MEASURED = (
    *("passed_weight", "failed_weight", "errored_weight", "skipped_weight", "unreported_weight"),
    *("open_critical", "open_high", "open_medium", "open_low", "opened_count", "resolved_count"),
)
_DAILY = (
    *("passed", "failed", "errored", "skipped", "open_count"),
    *("silent_passed", "silent_failed", "silent_errored"),
)


def _sums(names: tuple[str, ...]) -> str:
    return ", ".join(f"sum(sign * {name}) AS {name}" for name in names)


def _additions(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} = kept.{name} + EXCLUDED.{name}" for name in names)


def _any(names: tuple[str, ...]) -> str:
    return " OR ".join(f"sum(sign * {name}) <> 0" for name in names)


_COUNTS = f"""
INSERT INTO compliance_fleetcount AS kept
    (organization_id, is_by_team, team_id, environment, policy_id, {", ".join(_COUNTED)})
SELECT organization_id, GROUPING(team_id) = 0, team_id, environment, policy_id, {_sums(_COUNTED)}
FROM ({{changed}}) changed
GROUP BY GROUPING SETS (
    (organization_id, environment, policy_id), (organization_id, environment, policy_id, team_id)
)
HAVING {_any(_COUNTED)}
ON CONFLICT (organization_id, is_by_team, team_id, environment, policy_id) DO UPDATE SET {_additions(_COUNTED)};
"""
_DAYS = f"""
INSERT INTO compliance_fleetday AS kept
    (organization_id, day, environment, dimension, team_id, namespace, {", ".join(_MEASURED)})
SELECT organization_id, day, environment,
    CASE WHEN GROUPING(team_id) = 0 THEN 'team' WHEN GROUPING(namespace) = 0 THEN 'namespace' ELSE '' END,
    team_id, coalesce(namespace, ''), {_sums(_MEASURED)}
FROM ({{changed}}) changed
GROUP BY GROUPING SETS (
    (organization_id, day, environment), (organization_id, day, environment, team_id),
    (organization_id, day, environment, namespace)
)
HAVING {_any(_MEASURED)}
ON CONFLICT (organization_id, dimension, team_id, namespace, day, environment) DO UPDATE SET {_additions(_MEASURED)};
"""
_POLICY_DAYS = f"""
INSERT INTO compliance_fleetpolicyday AS kept (organization_id, day, environment, policy_id, {", ".join(_DAILY)})
SELECT organization_id, day, environment, policy_id, {_sums(_DAILY)}
FROM (
    SELECT c.sign, c.organization_id, c.day, c.environment, u.*,
        CASE WHEN c.is_carried THEN u.passed ELSE 0 END AS silent_passed,
        CASE WHEN c.is_carried THEN u.failed ELSE 0 END AS silent_failed,
        CASE WHEN c.is_carried THEN u.errored ELSE 0 END AS silent_errored
    FROM ({{changed}}) c
    CROSS JOIN LATERAL unnest(c.policies, c.passed, c.failed, c.errored, c.skipped, c.open_counts)
        AS u (policy_id, passed, failed, errored, skipped, open_count)
) changed
GROUP BY organization_id, day, environment, policy_id
HAVING {_any(_DAILY)}
ON CONFLICT (organization_id, day, environment, policy_id) DO UPDATE SET {_additions(_DAILY)};
"""

_FUNCTION = f"""
CREATE FUNCTION {{name}}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    organization uuid;
BEGIN
    IF current_setting('{LEAVING_SETTING}', true) = 'on' THEN
        RETURN NULL;
    END IF;
    FOR organization IN {{organizations}} ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('fleet ' || organization, 0));
    END LOOP;
    {{statement}}
    RETURN NULL;
END $$;
CREATE TRIGGER {{name}} AFTER {{operation}} ON {{table}} {{referencing}}
    FOR EACH STATEMENT EXECUTE FUNCTION {{name}}();
"""

_FOLLOWED = {
    "compliance_posturecount": ("compliance_sum_counts", _COUNTS),
    "compliance_postureday": ("compliance_sum_days", _DAYS),
    "compliance_policyday": ("compliance_sum_policy_days", _POLICY_DAYS),
}

_MOVE = """
CREATE FUNCTION compliance_move_environment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE compliance_posturecount SET environment = NEW.environment
        WHERE organization_id = NEW.organization_id AND cluster_id = NEW.id;
    UPDATE compliance_postureday SET environment = NEW.environment
        WHERE organization_id = NEW.organization_id AND cluster_id = NEW.id;
    UPDATE compliance_policyday SET environment = NEW.environment
        WHERE organization_id = NEW.organization_id AND cluster_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER compliance_move_environment AFTER UPDATE OF environment ON clusters_cluster
    FOR EACH ROW WHEN (OLD.environment IS DISTINCT FROM NEW.environment)
    EXECUTE FUNCTION compliance_move_environment();
"""


def _follow() -> str:
    return _MOVE + "".join(
        _FUNCTION.format(
            name=f"{name}_{operation.lower()}",
            operation=operation,
            table=table,
            referencing=_REFERENCING[operation],
            organizations=_ORGANIZATIONS[operation],
            statement=statement.format(changed=_CHANGED[operation]),
        )
        for table, (name, statement) in _FOLLOWED.items()
        for operation in _CHANGED
    )


def _unfollow() -> str:
    dropped = "".join(
        f"DROP TRIGGER {name}_{operation.lower()} ON {table}; DROP FUNCTION {name}_{operation.lower()}();"
        for table, (name, _) in _FOLLOWED.items()
        for operation in _CHANGED
    )
    moved = "DROP TRIGGER compliance_move_environment ON clusters_cluster; DROP FUNCTION compliance_move_environment();"
    return dropped + moved


class Migration(migrations.Migration):
    dependencies = [("compliance", "0009_fleet_rollups"), ("clusters", "0008_raw_reports")]

    operations = [migrations.RunSQL(_follow(), _unfollow())]
