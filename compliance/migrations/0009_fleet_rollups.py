"""Rollups of the fleet beside those of clusters; open violations counted by policy; days without gaps."""

# ruff: noqa: S608 - every part is a constant of this module

import django.db.models.deletion
from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

from common.database import RowLevelSecurity

ENVIRONMENTS = [
    ("production", "Production"),
    ("staging", "Staging"),
    ("development", "Development"),
    ("sandbox", "Sandbox"),
]

# The owner is bound by row-level security as everybody is, and no organization is in scope here.
SET_POLICY_DAYS_ASIDE = """
CREATE TEMPORARY TABLE earlier_policy_day ON COMMIT DROP AS SELECT * FROM compliance_policyday LIMIT 0;
ALTER TABLE compliance_policyday NO FORCE ROW LEVEL SECURITY;
INSERT INTO earlier_policy_day SELECT * FROM compliance_policyday;
"""

_MEASURES = """passed_weight, failed_weight, errored_weight, skipped_weight, unreported_weight, open_critical,
    open_high, open_medium, open_low, opened_count, resolved_count"""
FILL = f"""
ALTER TABLE compliance_posturecount NO FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_postureday NO FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_violation NO FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_violationinterval NO FORCE ROW LEVEL SECURITY;
ALTER TABLE clusters_cluster NO FORCE ROW LEVEL SECURITY;

UPDATE compliance_posturecount p SET environment = c.environment FROM clusters_cluster c WHERE c.id = p.cluster_id;
UPDATE compliance_posturecount p SET open_count = o.open_count, fixable_count = o.fixable_count
FROM (
    SELECT cluster_id, namespace, team_id, policy_id, count(*) AS open_count, count(fix) AS fixable_count
    FROM compliance_violation WHERE status = 'open' GROUP BY cluster_id, namespace, team_id, policy_id
) o
WHERE o.cluster_id = p.cluster_id AND o.namespace = p.namespace AND o.policy_id = p.policy_id
    AND o.team_id IS NOT DISTINCT FROM p.team_id;

UPDATE compliance_postureday d SET environment = c.environment, is_last = NOT EXISTS (
    SELECT FROM compliance_postureday l WHERE l.organization_id = d.organization_id AND l.cluster_id = d.cluster_id
        AND l.day > d.day
) FROM clusters_cluster c WHERE c.id = d.cluster_id;
CREATE TEMPORARY TABLE reported_day ON COMMIT DROP AS
SELECT organization_id, cluster_id, day, lead(day) OVER (PARTITION BY cluster_id ORDER BY day) AS next_day
FROM (SELECT DISTINCT organization_id, cluster_id, day FROM compliance_postureday) days;
INSERT INTO compliance_postureday (
    organization_id, day, cluster_id, environment, namespace, team_id, {_MEASURES}, is_last, is_carried
)
SELECT d.organization_id, day_after::date, d.cluster_id, d.environment, d.namespace, d.team_id,
    0, 0, 0, d.skipped_weight, d.passed_weight + d.failed_weight + d.errored_weight + d.unreported_weight,
    d.open_critical, d.open_high, d.open_medium, d.open_low, 0, 0, false, true
FROM compliance_postureday d
JOIN reported_day r ON r.cluster_id = d.cluster_id AND r.day = d.day
CROSS JOIN LATERAL generate_series(r.day + 1, r.next_day - 1, interval '1 day') AS day_after;

INSERT INTO compliance_policyday (
    organization_id, day, cluster_id, environment, is_last, is_carried, policies, passed, failed, errored, skipped,
    open_counts
)
SELECT r.organization_id, r.day, r.cluster_id, c.environment, r.next_day IS NULL, false,
    coalesce(array_agg(e.policy_id ORDER BY e.policy_id) FILTER (WHERE e.id IS NOT NULL), '{{}}'),
    coalesce(array_agg(e.passed ORDER BY e.policy_id) FILTER (WHERE e.id IS NOT NULL), '{{}}'),
    coalesce(array_agg(e.failed ORDER BY e.policy_id) FILTER (WHERE e.id IS NOT NULL), '{{}}'),
    coalesce(array_agg(e.errored ORDER BY e.policy_id) FILTER (WHERE e.id IS NOT NULL), '{{}}'),
    coalesce(array_agg(e.skipped ORDER BY e.policy_id) FILTER (WHERE e.id IS NOT NULL), '{{}}'),
    coalesce(array_agg(coalesce(o.open_count, 0) ORDER BY e.policy_id) FILTER (WHERE e.id IS NOT NULL), '{{}}')
FROM reported_day r
JOIN clusters_cluster c ON c.id = r.cluster_id
LEFT JOIN earlier_policy_day e ON e.cluster_id = r.cluster_id AND e.day = r.day
LEFT JOIN (
    SELECT r.cluster_id, r.day, v.policy_id, count(*) AS open_count
    FROM reported_day r
    JOIN compliance_violation v ON v.cluster_id = r.cluster_id
    JOIN compliance_violationinterval i ON i.violation_id = v.id
    WHERE i.exception = '' AND (i.opened_at AT TIME ZONE 'UTC')::date <= r.day
        AND (i.closed_at IS NULL OR (i.closed_at AT TIME ZONE 'UTC')::date > r.day)
    GROUP BY r.cluster_id, r.day, v.policy_id
) o ON o.cluster_id = r.cluster_id AND o.day = r.day AND o.policy_id = e.policy_id
GROUP BY r.organization_id, r.day, r.cluster_id, c.environment, r.next_day;
INSERT INTO compliance_policyday (
    organization_id, day, cluster_id, environment, is_last, is_carried, policies, passed, failed, errored, skipped,
    open_counts
)
SELECT d.organization_id, day_after::date, d.cluster_id, d.environment, false, true, d.policies, d.passed, d.failed,
    d.errored, d.skipped, d.open_counts
FROM compliance_policyday d
JOIN reported_day r ON r.cluster_id = d.cluster_id AND r.day = d.day
CROSS JOIN LATERAL generate_series(r.day + 1, r.next_day - 1, interval '1 day') AS day_after;

INSERT INTO compliance_fleetcount (
    organization_id, is_by_team, team_id, environment, policy_id, passed, failed, errored, skipped, open_count,
    fixable_count
)
SELECT organization_id, GROUPING(team_id) = 0, team_id, environment, policy_id, sum(passed), sum(failed), sum(errored),
    sum(skipped), sum(open_count), sum(fixable_count)
FROM compliance_posturecount
GROUP BY GROUPING SETS (
    (organization_id, environment, policy_id), (organization_id, environment, policy_id, team_id)
);
INSERT INTO compliance_fleetday (organization_id, day, environment, dimension, team_id, namespace, {_MEASURES})
SELECT organization_id, day, environment,
    CASE WHEN GROUPING(team_id) = 0 THEN 'team' WHEN GROUPING(namespace) = 0 THEN 'namespace' ELSE '' END,
    team_id, coalesce(namespace, ''), sum(passed_weight), sum(failed_weight), sum(errored_weight), sum(skipped_weight),
    sum(unreported_weight), sum(open_critical), sum(open_high), sum(open_medium), sum(open_low), sum(opened_count),
    sum(resolved_count)
FROM compliance_postureday
GROUP BY GROUPING SETS (
    (organization_id, day, environment), (organization_id, day, environment, team_id),
    (organization_id, day, environment, namespace)
);
INSERT INTO compliance_fleetpolicyday (
    organization_id, day, environment, policy_id, passed, failed, errored, skipped, open_count, silent_passed,
    silent_failed, silent_errored
)
SELECT d.organization_id, d.day, d.environment, u.policy_id, sum(u.passed), sum(u.failed), sum(u.errored),
    sum(u.skipped), sum(u.open_count), coalesce(sum(u.passed) FILTER (WHERE d.is_carried), 0),
    coalesce(sum(u.failed) FILTER (WHERE d.is_carried), 0), coalesce(sum(u.errored) FILTER (WHERE d.is_carried), 0)
FROM compliance_policyday d
CROSS JOIN LATERAL unnest(d.policies, d.passed, d.failed, d.errored, d.skipped, d.open_counts)
    AS u (policy_id, passed, failed, errored, skipped, open_count)
GROUP BY d.organization_id, d.day, d.environment, u.policy_id;

SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE compliance_posturecount FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_postureday FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_violation FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_violationinterval FORCE ROW LEVEL SECURITY;
ALTER TABLE clusters_cluster FORCE ROW LEVEL SECURITY;
"""


def _integers() -> ArrayField:
    return ArrayField(base_field=models.IntegerField(), default=list, size=None)


class Migration(migrations.Migration):
    dependencies = [
        ("clusters", "0008_raw_reports"),
        ("compliance", "0008_policy_links"),
        ("organizations", "0003_retention_exports_deletion"),
    ]

    operations = [
        migrations.CreateModel(
            name="FleetCount",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("environment", models.CharField(choices=ENVIRONMENTS, max_length=16)),
                ("is_by_team", models.BooleanField()),
                ("passed", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("errored", models.BigIntegerField(default=0)),
                ("skipped", models.BigIntegerField(default=0)),
                ("open_count", models.BigIntegerField(default=0)),
                ("fixable_count", models.BigIntegerField(default=0)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="FleetDay",
            fields=[
                ("passed_weight", models.BigIntegerField(default=0)),
                ("failed_weight", models.BigIntegerField(default=0)),
                ("errored_weight", models.BigIntegerField(default=0)),
                ("skipped_weight", models.BigIntegerField(default=0)),
                (
                    "unreported_weight",
                    models.BigIntegerField(
                        default=0,
                        help_text="Estimate for resources that exist but were not reported; on the row of namespace ''.",
                    ),
                ),
                ("open_critical", models.IntegerField(default=0)),
                ("open_high", models.IntegerField(default=0)),
                ("open_medium", models.IntegerField(default=0)),
                ("open_low", models.IntegerField(default=0)),
                ("opened_count", models.IntegerField(default=0, help_text="Violations opened or reopened that day.")),
                ("resolved_count", models.IntegerField(default=0, help_text="Violations resolved that day.")),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("environment", models.CharField(choices=ENVIRONMENTS, max_length=16)),
                (
                    "dimension",
                    models.CharField(
                        blank=True,
                        choices=[("", "All"), ("team", "By team"), ("namespace", "By namespace")],
                        max_length=9,
                    ),
                ),
                ("namespace", models.CharField(blank=True, max_length=253)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="FleetPolicyDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("environment", models.CharField(choices=ENVIRONMENTS, max_length=16)),
                ("passed", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("errored", models.BigIntegerField(default=0)),
                ("skipped", models.BigIntegerField(default=0)),
                ("open_count", models.BigIntegerField(default=0)),
                ("silent_passed", models.BigIntegerField(default=0)),
                ("silent_failed", models.BigIntegerField(default=0)),
                ("silent_errored", models.BigIntegerField(default=0)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.RunSQL(SET_POLICY_DAYS_ASIDE, migrations.RunSQL.noop),
        migrations.DeleteModel(name="PolicyDay"),
        migrations.CreateModel(
            name="PolicyDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("environment", models.CharField(choices=ENVIRONMENTS, max_length=16)),
                ("is_last", models.BooleanField(default=False)),
                ("is_carried", models.BooleanField(default=False)),
                ("policies", _integers()),
                ("passed", _integers()),
                ("failed", _integers()),
                ("errored", _integers()),
                ("skipped", _integers()),
                ("open_counts", _integers()),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="clusters.cluster"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.organization"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "cluster", "day"), name="policy_day_unique")
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_last", True)),
                        fields=["organization", "cluster"],
                        name="policy_day_last",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="posturecount",
            name="environment",
            field=models.CharField(choices=ENVIRONMENTS, default="", max_length=16),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="posturecount",
            name="fixable_count",
            field=models.PositiveIntegerField(default=0, help_text="Those of them that have a fix."),
        ),
        migrations.AddField(
            model_name="posturecount",
            name="open_count",
            field=models.PositiveIntegerField(default=0, help_text="Open violations."),
        ),
        migrations.AddField(
            model_name="postureday",
            name="environment",
            field=models.CharField(choices=ENVIRONMENTS, default="", max_length=16),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="postureday",
            name="is_carried",
            field=models.BooleanField(default=False, help_text="Whether no report came that day."),
        ),
        migrations.AddField(
            model_name="postureday",
            name="is_last",
            field=models.BooleanField(default=False, help_text="Whether it is of its cluster's newest day."),
        ),
        migrations.AlterField(
            model_name="postureday",
            name="errored_weight",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="postureday",
            name="failed_weight",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="postureday",
            name="open_critical",
            field=models.IntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="postureday",
            name="open_high",
            field=models.IntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="postureday",
            name="open_low",
            field=models.IntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="postureday",
            name="open_medium",
            field=models.IntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="postureday",
            name="opened_count",
            field=models.IntegerField(default=0, help_text="Violations opened or reopened that day."),
        ),
        migrations.AlterField(
            model_name="postureday",
            name="passed_weight",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="postureday",
            name="resolved_count",
            field=models.IntegerField(default=0, help_text="Violations resolved that day."),
        ),
        migrations.AlterField(
            model_name="postureday",
            name="skipped_weight",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="postureday",
            name="unreported_weight",
            field=models.BigIntegerField(
                default=0,
                help_text="Estimate for resources that exist but were not reported; on the row of namespace ''.",
            ),
        ),
        migrations.AddIndex(
            model_name="posturecount",
            index=models.Index(fields=["organization", "policy"], name="posture_count_by_policy"),
        ),
        migrations.AddIndex(
            model_name="posturecount",
            index=models.Index(fields=["organization", "namespace"], name="posture_count_by_namespace"),
        ),
        migrations.AddIndex(
            model_name="posturecount",
            index=models.Index(fields=["organization", "team"], name="posture_count_by_team"),
        ),
        migrations.AddIndex(
            model_name="postureday",
            index=models.Index(
                models.F("organization"),
                models.F("cluster"),
                models.F("namespace"),
                condition=models.Q(("is_last", True)),
                name="posture_day_last",
            ),
        ),
        migrations.AddField(
            model_name="fleetcount",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.organization"
            ),
        ),
        migrations.AddField(
            model_name="fleetcount",
            name="policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="compliance.policy"
            ),
        ),
        migrations.AddField(
            model_name="fleetcount",
            name="team",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.team"
            ),
        ),
        migrations.AddField(
            model_name="fleetday",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.organization"
            ),
        ),
        migrations.AddField(
            model_name="fleetday",
            name="team",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.team"
            ),
        ),
        migrations.AddField(
            model_name="fleetpolicyday",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.organization"
            ),
        ),
        migrations.AddField(
            model_name="fleetpolicyday",
            name="policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="compliance.policy"
            ),
        ),
        migrations.AddConstraint(
            model_name="fleetcount",
            constraint=models.UniqueConstraint(
                fields=("organization", "is_by_team", "team", "environment", "policy"),
                name="fleet_count_unique",
                nulls_distinct=False,
            ),
        ),
        migrations.AddIndex(
            model_name="fleetday",
            index=models.Index(fields=["organization", "dimension", "day"], name="fleet_day_by_day"),
        ),
        migrations.AddConstraint(
            model_name="fleetday",
            constraint=models.UniqueConstraint(
                fields=("organization", "dimension", "team", "namespace", "day", "environment"),
                name="fleet_day_unique",
                nulls_distinct=False,
            ),
        ),
        migrations.AddIndex(
            model_name="fleetpolicyday",
            index=models.Index(fields=["organization", "policy", "day"], name="fleet_policy_day_trend"),
        ),
        migrations.AddConstraint(
            model_name="fleetpolicyday",
            constraint=models.UniqueConstraint(
                fields=("organization", "day", "environment", "policy"), name="fleet_policy_day_unique"
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        RowLevelSecurity("compliance_policyday"),
        RowLevelSecurity("compliance_fleetcount"),
        RowLevelSecurity("compliance_fleetday"),
        RowLevelSecurity("compliance_fleetpolicyday"),
    ]
