"""Policies of organizations' own beside the library's: who owns them, what they were imported from, wider ids."""

import django.db.models.deletion
from django.db import migrations, models

from common.database import RowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0002_row_level_security"),
        ("clusters", "0003_wider_policy_ids"),
        ("organizations", "0002_row_level_security"),
    ]

    operations = [
        migrations.AlterModelOptions(name="policy", options={"base_manager_name": "objects"}),
        # Widens the columns of violations, counts, days and standards that refer to it as well.
        migrations.AlterField(
            model_name="policy", name="id", field=models.AutoField(primary_key=True, serialize=False)
        ),
        migrations.AddField(
            model_name="policy",
            name="organization",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="organizations.organization",
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="format",
            field=models.CharField(
                choices=[
                    ("plumbline", "Plumbline"),
                    ("vap", "ValidatingAdmissionPolicy"),
                    ("kyverno", "Kyverno"),
                    ("gatekeeper", "Gatekeeper"),
                    ("weave", "Weave"),
                ],
                default="plumbline",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="engine",
            field=models.CharField(
                default="CEL", help_text="What evaluates it, e.g. CEL or OPA 1.4.", max_length=63
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="sources",
            field=models.JSONField(
                default=list, help_text="Its documents as imported: [{file, kind, name, text}], its own first."
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="tests",
            field=models.JSONField(
                help_text="What its own tests gave: {engine, file, passed, failed: [{name, differences}]}.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="imported_at",
            field=models.DateTimeField(help_text="When an own policy last changed by an import.", null=True),
        ),
        migrations.AlterField(
            model_name="policy",
            name="document",
            field=models.JSONField(
                help_text="The policy in our own form: why, guidance, references, controls; rules if it has any."
            ),
        ),
        migrations.AlterField(
            model_name="policy",
            name="retired_at",
            field=models.DateTimeField(
                help_text="When it left the library or was retired; its history stays.", null=True
            ),
        ),
        migrations.AlterField(model_name="policy", name="slug", field=models.CharField(max_length=63)),
        migrations.AddConstraint(
            model_name="policy",
            constraint=models.UniqueConstraint(
                condition=models.Q(("organization", None)), fields=("slug",), name="policy_slug_unique_in_library"
            ),
        ),
        migrations.AddConstraint(
            model_name="policy",
            constraint=models.UniqueConstraint(
                fields=("organization", "slug"), name="policy_slug_unique_own"
            ),
        ),
        RowLevelSecurity("compliance_policy", is_shared=True),
    ]
