"""When a cluster first reported, for the marks in trends."""

from django.db import migrations, models

# The owner is bound by row-level security as everybody is, and no organization is in scope here.
FILL = """
ALTER TABLE clusters_cluster NO FORCE ROW LEVEL SECURITY;
ALTER TABLE clusters_report NO FORCE ROW LEVEL SECURITY;
UPDATE clusters_cluster c SET first_scanned_at = coalesce(
    (SELECT min(r.scanned_at) FROM clusters_report r WHERE r.cluster_id = c.id AND r.status = 'processed'),
    c.last_scanned_at
);
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE clusters_cluster FORCE ROW LEVEL SECURITY;
ALTER TABLE clusters_report FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("clusters", "0008_raw_reports")]

    operations = [
        migrations.AddField(
            model_name="cluster",
            name="first_scanned_at",
            field=models.DateTimeField(help_text="The first merged report's own time.", null=True),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
