"""The fleet's counts also by namespace: policies and standards of a namespace that every cluster has."""

# ruff: noqa: S608 - every part is a constant of this module

from django.db import migrations, models

from common.database import LEAVING_SETTING

_COUNTED = ("passed", "failed", "errored", "skipped", "open_count", "fixable_count")
_NAMES = ", ".join(_COUNTED)
_CHANGED = {
    "insert": "SELECT 1 AS sign, * FROM later",
    "update": "SELECT 1 AS sign, * FROM later UNION ALL SELECT -1, * FROM earlier",
    "delete": "SELECT -1 AS sign, * FROM earlier",
}
_SETS = """GROUPING SETS (
    (organization_id, environment, policy_id), (organization_id, environment, policy_id, team_id),
    (organization_id, environment, policy_id, namespace)
)"""
_KEYS = "organization_id, dimension, team_id, namespace, environment, policy_id"
_VALUES = """organization_id,
    CASE WHEN GROUPING(team_id) = 0 THEN 'team' WHEN GROUPING(namespace) = 0 THEN 'namespace' ELSE '' END,
    team_id, coalesce(namespace, ''), environment, policy_id"""
_SUMS = ", ".join(f"sum(sign * {name})" for name in _COUNTED)
_ADDITIONS = ", ".join(f"{name} = kept.{name} + EXCLUDED.{name}" for name in _COUNTED)

# As in 0010, where it says what the lock is for.
_FOLLOW = """
CREATE OR REPLACE FUNCTION compliance_sum_counts_{operation}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    organization uuid;
BEGIN
    IF current_setting('{leaving}', true) = 'on' THEN
        RETURN NULL;
    END IF;
    FOR organization IN SELECT DISTINCT organization_id FROM {table} ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('fleet ' || organization, 0));
    END LOOP;
    {statement}
    RETURN NULL;
END $$;
"""


def _follow() -> str:
    return "".join(
        _FOLLOW.format(
            operation=operation,
            leaving=LEAVING_SETTING,
            table="earlier" if operation == "delete" else "later",
            statement=f"""INSERT INTO compliance_fleetcount AS kept ({_KEYS}, {_NAMES})
SELECT {_VALUES}, {_SUMS}
FROM ({changed}) changed
GROUP BY {_SETS}
HAVING {" OR ".join(f"sum(sign * {name}) <> 0" for name in _COUNTED)}
ON CONFLICT ({_KEYS}) DO UPDATE SET {_ADDITIONS};""",
        )
        for operation, changed in _CHANGED.items()
    )


_FILL = f"""
ALTER TABLE compliance_posturecount NO FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_fleetcount NO FORCE ROW LEVEL SECURITY;
DELETE FROM compliance_fleetcount;
INSERT INTO compliance_fleetcount ({_KEYS}, {_NAMES})
SELECT {_VALUES}, {", ".join(f"sum({name})" for name in _COUNTED)}
FROM compliance_posturecount
GROUP BY {_SETS};
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE compliance_posturecount FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_fleetcount FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("compliance", "0014_hottest_places")]

    operations = [
        migrations.RemoveConstraint(model_name="fleetcount", name="fleet_count_unique"),
        migrations.AddField(
            model_name="fleetcount",
            name="dimension",
            field=models.CharField(
                blank=True,
                choices=[("", "All"), ("team", "By team"), ("namespace", "By namespace")],
                default="",
                max_length=9,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="fleetcount", name="namespace", field=models.CharField(blank=True, default="", max_length=253),
            preserve_default=False,
        ),
        migrations.RemoveField(model_name="fleetcount", name="is_by_team"),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="fleetcount",
            constraint=models.UniqueConstraint(
                fields=("organization", "dimension", "team", "namespace", "environment", "policy"),
                name="fleet_count_unique",
                nulls_distinct=False,
            ),
        ),
        migrations.RunSQL(_follow(), migrations.RunSQL.noop),
    ]
