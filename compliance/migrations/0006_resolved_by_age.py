"""Finding what was resolved long ago."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0005_excepted_violations"),
        ("organizations", "0003_retention_exports_deletion"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="violation",
            index=models.Index(
                condition=models.Q(("status", "resolved")),
                fields=["organization", "resolved_at"],
                name="violation_resolved_age",
            ),
        ),
    ]
