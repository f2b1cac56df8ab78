"""Policies that check the same."""

import django.db.models.deletion
from django.db import migrations, models

from common.database import RowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0007_violations_by_resource"),
        ("organizations", "0003_retention_exports_deletion"),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicyLink",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="organizations.organization"
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="compliance.policy"
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="compliance.policy"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["organization", "other"], name="policy_link_by_other")],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "policy", "other"), name="policy_link_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("policy__lt", models.F("other"))), name="policy_link_ordered"
                    ),
                ],
            },
        ),
        RowLevelSecurity("compliance_policylink"),
    ]
