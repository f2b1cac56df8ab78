"""How long things are kept, archives of what an organization owns, and its deletion."""

import common.clock
import common.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.database import RowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0002_row_level_security"),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "status",
                    models.CharField(
                        choices=[("requested", "Being built"), ("ready", "Ready"), ("failed", "Failed")],
                        default="requested",
                        max_length=10,
                    ),
                ),
                ("requested_at", models.DateTimeField(default=common.clock.now)),
                ("finished_at", models.DateTimeField(null=True)),
                ("size_bytes", models.PositiveBigIntegerField(default=0)),
                (
                    "digest",
                    models.CharField(blank=True, help_text="SHA-256 of the archive, hexadecimal.", max_length=64),
                ),
                ("error", models.TextField(blank=True)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="ExportPiece",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("content", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="OrganizationDeletion",
            fields=[
                ("id", models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("former_id", models.UUIDField(unique=True)),
                (
                    "slug_digest",
                    models.CharField(
                        help_text="SHA-256 of its slug: tells, to who knows it, that it was.", max_length=64
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(default=common.clock.now)),
                ("finished_at", models.DateTimeField(null=True)),
                ("row_counts", models.JSONField(default=dict, help_text="Rows deleted, by table.")),
                (
                    "pending_user_ids",
                    models.JSONField(
                        default=list,
                        help_text="Accounts to look at once the rest is gone; empty when it is finished.",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="organization",
            name="deletion_due_at",
            field=models.DateTimeField(help_text="When everything will be deleted, as an owner asked.", null=True),
        ),
        migrations.AddField(
            model_name="organization",
            name="pruned_before",
            field=models.DateField(
                help_text="What ended before this day was rolled off; days of posture stay.", null=True
            ),
        ),
        migrations.AddField(
            model_name="organization",
            name="retention_days",
            field=models.PositiveIntegerField(
                help_text="How long resolved violations are kept; null for as long as the organization is.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="organization",
            constraint=models.CheckConstraint(
                condition=models.Q(("retention_days", None), ("retention_days__gte", 30), _connector="OR"),
                name="organization_retention_at_least_30",
            ),
        ),
        migrations.AddField(
            model_name="export",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.organization"
            ),
        ),
        migrations.AddField(
            model_name="export",
            name="requested_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="exportpiece",
            name="export",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="pieces", to="organizations.export"
            ),
        ),
        migrations.AddField(
            model_name="exportpiece",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.organization"
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "requested")), fields=("organization",), name="export_one_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="exportpiece",
            constraint=models.UniqueConstraint(fields=("organization", "export", "number"), name="export_piece_unique"),
        ),
        RowLevelSecurity("organizations_export"),
        RowLevelSecurity("organizations_exportpiece"),
    ]
