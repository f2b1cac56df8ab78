"""Row-level security on violations and rollups."""

from django.db import migrations

from common.database import RowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [("compliance", "0001_initial"), ("clusters", "0002_row_level_security")]

    operations = [
        RowLevelSecurity("compliance_violation"),
        RowLevelSecurity("compliance_violationinterval"),
        RowLevelSecurity("compliance_posturecount"),
        RowLevelSecurity("compliance_postureday"),
        RowLevelSecurity("compliance_policyday"),
    ]
