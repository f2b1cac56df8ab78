"""Row-level security on clusters, tokens, reports and resources."""

from django.db import migrations

from common.database import TOKEN_SETTING, RowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [("clusters", "0001_initial"), ("organizations", "0002_row_level_security")]

    operations = [
        RowLevelSecurity("clusters_cluster"),
        RowLevelSecurity(
            "clusters_agenttoken", also=f"digest = (SELECT current_setting('{TOKEN_SETTING}', true))"
        ),
        RowLevelSecurity("clusters_report"),
        RowLevelSecurity("clusters_resource"),
    ]
