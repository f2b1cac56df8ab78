"""Verdicts by policies of organizations' own, whose ids outgrow a smallint; one rewrite of the table for all four."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

VERDICTS = ("passed", "failed", "errored", "skipped")


def _alter(base: str) -> str:
    columns = ", ".join(f"ALTER COLUMN {name} TYPE {base}[] USING {name}::{base}[]" for name in VERDICTS)
    return f"ALTER TABLE clusters_resource {columns}"


class Migration(migrations.Migration):
    dependencies = [("clusters", "0002_row_level_security")]

    operations = [
        migrations.RunSQL(
            sql=_alter("integer"),
            reverse_sql=_alter("smallint"),
            state_operations=[
                migrations.AlterField(
                    model_name="resource",
                    name=name,
                    field=ArrayField(base_field=models.IntegerField(), default=list, size=None),
                )
                for name in VERDICTS
            ],
        ),
    ]
