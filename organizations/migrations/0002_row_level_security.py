"""Grants for the application role and row-level security: the second wall between organizations."""

from django.conf import settings
from django.db import migrations

from common.database import (
    DIRECTORY_SETTING,
    ORGANIZATION_SETTING,
    TOKEN_SETTING,
    USER_SETTING,
    RowLevelSecurity,
)

ROLE = settings.APPLICATION_ROLE

GRANTS = f"""
DO $$
BEGIN
    IF current_user <> '{ROLE}' THEN
        GRANT USAGE ON SCHEMA public TO {ROLE};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE};
        GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {ROLE};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {ROLE};
    END IF;
END
$$
"""

OWN_USER = f"user_id = (SELECT NULLIF(current_setting('{USER_SETTING}', true), '')::uuid)"
OWN_DIGEST = f"digest = (SELECT current_setting('{TOKEN_SETTING}', true))"
ORGANIZATION_ID = f"id = (SELECT NULLIF(current_setting('{ORGANIZATION_SETTING}', true), '')::uuid)"
ORGANIZATION_READ = (
    f"{ORGANIZATION_ID}"
    f" OR id IN (SELECT organization_id FROM organizations_membership WHERE {OWN_USER})"
    f" OR (SELECT current_setting('{DIRECTORY_SETTING}', true)) = 'on'"
)


class Migration(migrations.Migration):
    dependencies = [("organizations", "0001_initial")]

    operations = [
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE organizations_organization ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE organizations_organization FORCE ROW LEVEL SECURITY",
                "CREATE POLICY organization_reads ON organizations_organization "
                f"FOR SELECT USING ({ORGANIZATION_READ})",
                "CREATE POLICY organization_writes ON organizations_organization "
                f"USING ({ORGANIZATION_ID}) WITH CHECK ({ORGANIZATION_ID})",
            ],
            reverse_sql=[
                "DROP POLICY organization_reads ON organizations_organization",
                "DROP POLICY organization_writes ON organizations_organization",
                "ALTER TABLE organizations_organization NO FORCE ROW LEVEL SECURITY",
                "ALTER TABLE organizations_organization DISABLE ROW LEVEL SECURITY",
            ],
        ),
        RowLevelSecurity("organizations_membership", also=OWN_USER),
        RowLevelSecurity("organizations_invitation", also=OWN_DIGEST),
        RowLevelSecurity("organizations_team"),
        RowLevelSecurity("organizations_teammembership"),
        RowLevelSecurity("organizations_apitoken", also=OWN_DIGEST),
        RowLevelSecurity("organizations_auditevent"),
    ]
