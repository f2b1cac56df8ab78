"""Bodies of settled reports, a partition for each day, in a schema that only the owner of the tables enters."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.database import RowLevelSecurity

ROLE = settings.APPLICATION_ROLE

TABLE = """
CREATE SCHEMA raw_reports;
REVOKE ALL ON SCHEMA raw_reports FROM PUBLIC;
CREATE TABLE clusters_rawreport (
    id uuid NOT NULL,
    organization_id uuid NOT NULL REFERENCES organizations_organization (id) DEFERRABLE INITIALLY DEFERRED,
    cluster_id uuid NOT NULL REFERENCES clusters_cluster (id) DEFERRABLE INITIALLY DEFERRED,
    settled_on date NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (id, settled_on)
) PARTITION BY RANGE (settled_on);
ALTER TABLE clusters_rawreport ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX raw_report_by_organization ON clusters_rawreport (organization_id, id);
CREATE INDEX raw_report_by_cluster ON clusters_rawreport (cluster_id);
CREATE TABLE raw_reports.elsewhen PARTITION OF clusters_rawreport DEFAULT;
"""

# A lock that cannot be had within seconds is tried for again an hour later: merging does not wait behind it.
FUNCTIONS = """
CREATE FUNCTION clusters_make_raw_partitions(first date, last date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '3s' AS $$
DECLARE
    day date := first;
    made integer := 0;
    name text;
BEGIN
    IF last - first > 100 THEN
        RAISE EXCEPTION 'at most 100 days at once';
    END IF;
    WHILE day <= last LOOP
        name := 'day_' || to_char(day, 'YYYYMMDD');
        IF to_regclass('raw_reports.' || name) IS NULL
            AND NOT EXISTS (SELECT FROM raw_reports.elsewhen WHERE settled_on = day)
        THEN
            EXECUTE format(
                'CREATE TABLE raw_reports.%I PARTITION OF public.clusters_rawreport FOR VALUES FROM (%L) TO (%L)',
                name, day, day + 1
            );
            made := made + 1;
        END IF;
        day := day + 1;
    END LOOP;
    RETURN made;
END $$;

CREATE FUNCTION clusters_drop_raw_partitions(before date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '3s' AS $$
DECLARE
    name text;
    dropped integer := 0;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.clusters_rawreport'::regclass AND c.relname ~ '^day_[0-9]{8}$'
            AND to_date(substr(c.relname, 5), 'YYYYMMDD') < before
    LOOP
        EXECUTE format('DROP TABLE raw_reports.%I', name);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM raw_reports.elsewhen WHERE settled_on < before;
    RETURN dropped;
END $$;
"""

GRANTS = f"""
REVOKE ALL ON FUNCTION clusters_make_raw_partitions(date, date), clusters_drop_raw_partitions(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clusters_make_raw_partitions(date, date), clusters_drop_raw_partitions(date) TO "{ROLE}";
SELECT clusters_make_raw_partitions(current_date, current_date + 14);
"""

UNDO = """
DROP FUNCTION clusters_make_raw_partitions(date, date);
DROP FUNCTION clusters_drop_raw_partitions(date);
DROP TABLE clusters_rawreport;
DROP SCHEMA raw_reports;
"""


class Migration(migrations.Migration):
    dependencies = [("clusters", "0007_parts_and_sessions")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL([TABLE, FUNCTIONS, GRANTS], UNDO)],
            state_operations=[
                migrations.CreateModel(
                    name="RawReport",
                    fields=[
                        ("id", models.UUIDField(help_text="The report's own.", primary_key=True, serialize=False)),
                        ("settled_on", models.DateField(help_text="The UTC day on which it was merged.")),
                        ("body", models.BinaryField()),
                        (
                            "cluster",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="clusters.cluster"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="organizations.organization",
                            ),
                        ),
                    ],
                    options={
                        "abstract": False,
                        "base_manager_name": "objects",
                        "indexes": [
                            models.Index(fields=["organization", "id"], name="raw_report_by_organization")
                        ],
                    },
                ),
            ],
        ),
        RowLevelSecurity("clusters_rawreport"),
    ]
