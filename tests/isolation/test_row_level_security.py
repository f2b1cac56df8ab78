"""The second wall, tested past the first: raw SQL as the application's role, for every table there is."""

from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from common.database import DIRECTORY_SETTING, TOKEN_SETTING, USER_SETTING, session_setting
from compliance.models import Policy
from organizations.models import Organization, OwnedModel, User
from organizations.scope import (
    OrganizationScopeMissing,
    current_organization_id,
    directory_scope,
    organization_scope,
    user_scope,
)
from organizations.selectors.memberships import memberships_of
from tests.factories import make_own_policy, make_policy
from tests.isolation.rows import OWNED, OWNED_TABLES, Made, fill

OWNED_MODELS = [model for model in apps.get_models() if issubclass(model, OwnedModel)]


def rows(sql: str, *parameters: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def execute(sql: str, *parameters: object) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.rowcount


@pytest.fixture
def filled(acme: Organization, globex: Organization) -> dict[str, UUID]:
    """Every owned table has rows of both organizations."""
    return {organization.slug: fill(organization) for organization in (acme, globex)}


def test_the_tests_run_as_the_role_that_the_application_has(db: None) -> None:
    role, is_super, bypasses = rows(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )[0]
    assert (role, is_super, bypasses) == (settings.APPLICATION_ROLE, False, False)
    owned = rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user")
    assert owned == []


def test_the_list_of_owned_tables_is_what_the_database_says(db: None) -> None:
    found = rows(
        "SELECT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_name)"
        " WHERE columns.table_schema = 'public' AND column_name = 'organization_id'"
        " AND table_type = 'BASE TABLE'"
    )
    assert {name for (name,) in found} == set(OWNED_TABLES)
    assert {model._meta.db_table for model in OWNED_MODELS} <= set(OWNED_TABLES)


@pytest.mark.parametrize("table", [*OWNED_TABLES, "organizations_organization"])
def test_row_level_security_is_on_and_binds_the_owner_too(db: None, table: str) -> None:
    assert rows(
        "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", table
    ) == [(True, True)]


@pytest.mark.parametrize("table", OWNED_TABLES)
def test_every_command_on_a_table_has_its_policy(db: None, table: str) -> None:
    found = rows("SELECT cmd FROM pg_policies WHERE schemaname = 'public' AND tablename = %s", table)
    assert {"SELECT", "INSERT", "UPDATE", "DELETE"} <= {command for (command,) in found} or found == [
        ("ALL",)
    ]


@pytest.mark.parametrize("table", OWNED_TABLES)
def test_without_scope_a_table_is_empty(filled: dict[str, UUID], table: str) -> None:
    assert rows(f"SELECT count(*) FROM {table} WHERE {OWNED}") == [(0,)]


@pytest.mark.parametrize("table", OWNED_TABLES)
def test_a_scope_shows_its_own_rows_and_no_others(
    filled: dict[str, UUID], acme: Organization, globex: Organization, table: str
) -> None:
    for organization in (acme, globex):
        with organization_scope(organization.pk):
            assert rows(f"SELECT DISTINCT organization_id FROM {table} WHERE {OWNED}") == [(organization.pk,)]


@pytest.mark.parametrize("table", OWNED_TABLES)
def test_an_unknown_scope_shows_nothing(filled: dict[str, UUID], table: str) -> None:
    with organization_scope(uuid4()):
        assert rows(f"SELECT count(*) FROM {table} WHERE {OWNED}") == [(0,)]


@pytest.mark.parametrize("table", OWNED_TABLES)
def test_nothing_is_written_into_another_organization(
    filled: dict[str, UUID], acme: Organization, globex: Organization, table: str
) -> None:
    columns = [
        f'"{name}"'
        for (name,) in rows(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
            " AND column_name NOT IN ('id', 'organization_id') AND is_generated = 'NEVER'",
            table,
        )
    ]
    names = ", ".join(columns)
    with organization_scope(globex.pk):
        copied = execute(
            f"CREATE TEMPORARY TABLE taken ON COMMIT DROP AS SELECT * FROM {table} WHERE {OWNED} LIMIT 1"
        )
        assert copied == 1
        with pytest.raises(DatabaseError, match="row-level security policy"):
            execute(
                f"INSERT INTO {table} (id, organization_id, {names}) SELECT id, %s::uuid, {names} FROM taken",
                acme.pk,
            )


@pytest.mark.parametrize("table", OWNED_TABLES)
def test_rows_of_another_organization_are_neither_changed_nor_moved_nor_deleted(
    filled: dict[str, UUID], acme: Organization, globex: Organization, table: str
) -> None:
    with organization_scope(acme.pk):
        before = rows(f"SELECT * FROM {table} ORDER BY id")
    with organization_scope(globex.pk):
        assert execute(f"UPDATE {table} SET id = id WHERE organization_id = %s", acme.pk) == 0
        assert execute(f"DELETE FROM {table} WHERE organization_id = %s", acme.pk) == 0
        with pytest.raises(DatabaseError, match="row-level security policy"):
            execute(f"UPDATE {table} SET organization_id = %s", acme.pk)
    with organization_scope(acme.pk):
        assert rows(f"SELECT * FROM {table} ORDER BY id") == before


@pytest.mark.parametrize("model", OWNED_MODELS, ids=lambda model: model._meta.label)
def test_every_manager_raises_without_scope(db: None, model: type[OwnedModel]) -> None:
    with pytest.raises(OrganizationScopeMissing):
        model.objects.count()
    with pytest.raises(OrganizationScopeMissing):
        model._base_manager.count()


@pytest.mark.parametrize("model", OWNED_MODELS, ids=lambda model: model._meta.label)
def test_every_manager_filters_by_the_scope(
    filled: dict[str, UUID], acme: Organization, model: type[OwnedModel]
) -> None:
    with organization_scope(acme.pk):
        found = set(model.objects.values_list("organization_id", flat=True))
    assert found - {None} == {acme.pk}


def test_a_user_sees_just_the_memberships_of_himself(
    filled: dict[str, UUID], mallory: User, acme: Organization, globex: Organization
) -> None:
    with user_scope(mallory.pk):
        assert rows("SELECT user_id, organization_id FROM organizations_membership") == [
            (mallory.pk, globex.pk)
        ]
        assert rows("SELECT slug FROM organizations_organization") == [("globex",)]
    assert [membership.organization for membership in memberships_of(mallory)] == [globex]


def test_listing_the_organizations_opens_no_owned_table_but_the_queues(filled: dict[str, UUID]) -> None:
    closed = [table for table in OWNED_TABLES if table != "clusters_reportqueue"]
    with directory_scope():
        assert len(rows("SELECT id FROM organizations_organization")) == 2
        assert {rows(f"SELECT count(*) FROM {table} WHERE {OWNED}")[0][0] for table in closed} == {0}


@pytest.mark.parametrize("table", OWNED_TABLES)
def test_a_token_opens_its_own_row_only(filled: dict[str, UUID], table: str) -> None:
    with session_setting(TOKEN_SETTING, "0" * 64), session_setting(USER_SETTING, str(uuid4())):
        assert rows(f"SELECT count(*) FROM {table} WHERE {OWNED}") == [(0,)]


def test_the_scope_ends_with_its_block_even_when_the_block_fails(acme: Organization) -> None:
    with pytest.raises(ZeroDivisionError), organization_scope(acme.pk):
        print(1 / (acme.pk != current_organization_id()))
    with pytest.raises(OrganizationScopeMissing):
        current_organization_id()
    assert rows("SELECT current_setting('plumbline.organization_id', true)") in ([("",)], [(None,)])


def test_a_scope_within_a_scope_gives_the_outer_one_back(acme: Organization, globex: Organization) -> None:
    with organization_scope(acme.pk):
        with organization_scope(globex.pk):
            assert rows("SELECT slug FROM organizations_organization") == [("globex",)]
        assert current_organization_id() == acme.pk
        assert rows("SELECT slug FROM organizations_organization") == [("acme",)]


def test_no_setting_outlives_its_block(acme: Organization) -> None:
    with directory_scope():
        assert rows("SELECT current_setting(%s, true)", DIRECTORY_SETTING) == [("on",)]
    assert rows("SELECT current_setting(%s, true)", DIRECTORY_SETTING)[0][0] in (None, "")


def test_the_library_is_everybodys_to_read(filled: dict[str, Made], acme: Organization) -> None:
    library = "SELECT slug FROM compliance_policy WHERE organization_id IS NULL"
    assert rows(library) == [("privileged-container",)]
    with organization_scope(acme.pk):
        assert rows(library) == [("privileged-container",)]
        assert Policy.objects.get(slug="privileged-container").organization_id is None


def test_no_organization_changes_the_library(filled: dict[str, Made], acme: Organization) -> None:
    make_policy("host-network")
    with organization_scope(acme.pk):
        assert execute("UPDATE compliance_policy SET title = 'Mine' WHERE organization_id IS NULL") == 0
        assert execute("DELETE FROM compliance_policy WHERE slug = 'host-network'") == 0
        with pytest.raises(DatabaseError, match="row-level security policy"):
            execute("UPDATE compliance_policy SET organization_id = NULL")
        with pytest.raises(DatabaseError, match="row-level security policy"), transaction.atomic():
            Policy.library.bulk_create(
                [Policy(slug="planted", title="x", category="x", severity=1, weight=1, document={})]
            )
    assert rows("SELECT DISTINCT title FROM compliance_policy WHERE slug LIKE 'planted' OR title = 'Mine'") == []


def test_two_organizations_may_use_one_slug(acme: Organization, globex: Organization) -> None:
    made = {}
    for organization in (acme, globex):
        with organization_scope(organization.pk):
            made[organization.pk] = make_own_policy("owner-label").pk
    for organization in (acme, globex):
        with organization_scope(organization.pk):
            assert Policy.objects.get(slug="owner-label").pk == made[organization.pk]
    assert len(set(made.values())) == 2
