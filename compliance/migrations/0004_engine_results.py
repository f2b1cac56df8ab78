"""Results of other engines: where they come from, and what each engine said last of a resource."""

import django.db.models.deletion
from django.db import migrations, models

from common.database import RowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [
        ("clusters", "0006_report_source"),
        ("compliance", "0003_own_policies"),
        ("organizations", "0002_row_level_security"),
    ]

    operations = [
        migrations.AlterField(
            model_name="policy",
            name="format",
            field=models.CharField(
                choices=[
                    ("plumbline", "Plumbline"),
                    ("vap", "ValidatingAdmissionPolicy"),
                    ("kyverno", "Kyverno"),
                    ("gatekeeper", "Gatekeeper"),
                    ("weave", "Weave"),
                    ("results", "Results of another engine"),
                ],
                default="plumbline",
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="ResultDigest",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("engine", models.CharField(max_length=40)),
                ("digest", models.CharField(help_text="SHA-256, hexadecimal.", max_length=64)),
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
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="clusters.resource"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["organization", "cluster", "engine"], name="result_digest_by_engine")],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "resource", "engine"), name="result_digest_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="ResultSource",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("engine", models.CharField(max_length=40)),
                ("title", models.CharField(max_length=100)),
                ("scanned_at", models.DateTimeField(help_text="The newest merged report's own time.")),
                ("merged_at", models.DateTimeField(help_text="The instant that its changes were dated with.")),
                ("resource_count", models.PositiveIntegerField(default=0)),
                ("missing_count", models.PositiveIntegerField(default=0)),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="result_sources",
                        to="clusters.cluster",
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
                    models.UniqueConstraint(fields=("organization", "cluster", "engine"), name="result_source_unique")
                ],
            },
        ),
        RowLevelSecurity("compliance_resultsource"),
        RowLevelSecurity("compliance_resultdigest"),
    ]
