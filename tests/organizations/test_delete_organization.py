"""Deletion: asked for, thought over, done in every table, with evidence that names nobody."""

from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from common.clock import now
from common.errors import Conflict, PlumblineError
from organizations.models import AuditEvent, Organization, OrganizationDeletion, Role, User
from organizations.scope import directory_scope, organization_scope
from organizations.services import deletion
from organizations.services.deletion import (
    cancel_deletion,
    delete_organization,
    due_organization_ids,
    request_deletion,
    tables_children_first,
)
from organizations.tasks import delete_due_task
from tests.cast import join
from tests.isolation.rows import OWNED_TABLES, fill

pytestmark = pytest.mark.django_db(transaction=True)


def owned_tables() -> list[str]:
    """As the database says, not as the models do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_name)"
            " WHERE columns.table_schema = 'public' AND column_name = 'organization_id' AND table_type = 'BASE TABLE'"
        )
        return sorted(name for (name,) in cursor.fetchall())


def counts(organization_id: UUID) -> dict[str, int]:
    found = {}
    with organization_scope(organization_id), connection.cursor() as cursor:
        for table in owned_tables():
            cursor.execute(f"SELECT count(*) FROM {table} WHERE organization_id = %s", [organization_id])
            found[table] = cursor.fetchone()[0]
    return found


def test_deletion_leaves_no_row_in_any_table_and_every_row_of_others(acme: Organization, globex: Organization) -> None:
    fill(acme)
    fill(globex)
    others = counts(globex.pk)
    assert [table for table, count in counts(acme.pk).items() if not count] == []
    output = StringIO()
    call_command("delete_organization", "acme", "--confirm", "acme", stdout=output)
    assert {table: count for table, count in counts(acme.pk).items() if count} == {}
    assert counts(globex.pk) == others
    with directory_scope():
        assert list(Organization.objects.values_list("slug", flat=True)) == ["globex"]
    assert f"acme is gone with {sum(OrganizationDeletion.objects.get().row_counts.values())} rows" in output.getvalue()


def test_every_table_of_the_database_is_one_that_deletion_empties() -> None:
    assert sorted(tables_children_first()) == owned_tables() == OWNED_TABLES


def test_the_evidence_names_nobody(acme: Organization, olivia: User) -> None:
    delete_organization(organization=acme)
    evidence = OrganizationDeletion.objects.get()
    said = str({field.name: getattr(evidence, field.name) for field in evidence._meta.fields}).lower()
    assert evidence.finished_at is not None
    assert [word for word in ("acme", "olivia", str(olivia.pk)) if word in said] == []


def test_people_who_belong_to_nothing_else_lose_their_accounts(
    acme: Organization, globex: Organization, sam: User
) -> None:
    join(globex, sam, Role.AUDITOR)
    delete_organization(organization=acme)
    assert set(User.objects.values_list("email", flat=True)) == {"mallory@globex.example", "sam@acme.example"}


def test_an_account_that_others_records_name_stays_without_a_name(
    acme: Organization, globex: Organization, olivia: User
) -> None:
    with organization_scope(globex.pk):
        AuditEvent.objects.create(
            organization=globex, actor=olivia, actor_label="a helper", verb="team.created", target="x"
        )
    delete_organization(organization=acme)
    kept = User.objects.get(pk=olivia.pk)
    assert (kept.name, kept.is_active, kept.has_usable_password()) == ("", False, False)
    assert kept.email.endswith("@deleted.invalid")


def test_a_deletion_that_was_cut_off_goes_on(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(acme)

    def cut_off(_table: str, _count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        delete_organization(organization=acme, progress=cut_off)
    delete_organization(organization=acme)
    assert sum(counts(acme.pk).values()) == 0
    assert not User.objects.exists()


def test_large_tables_go_in_batches(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "BATCH_ROWS", 2)
    with organization_scope(acme.pk):
        for number in range(5):
            AuditEvent.objects.create(organization=acme, actor_label="x", verb="x.made", target=str(number))
    assert delete_organization(organization=acme).row_counts["organizations_auditevent"] >= 5


def test_another_slug_confirms_nothing(acme: Organization) -> None:
    with pytest.raises(CommandError, match="nothing was deleted"):
        call_command("delete_organization", "acme", "--confirm", "globex")
    assert counts(acme.pk)["organizations_membership"] == 1


def test_an_owners_request_waits_for_fourteen_days_and_can_be_called_off(
    acme_scope: Organization, olivia: User
) -> None:
    with pytest.raises(PlumblineError, match="Type acme"):
        request_deletion(confirmation="Acme", actor=olivia)
    due_at = request_deletion(confirmation="acme", actor=olivia).deletion_due_at
    assert due_at is not None
    assert timedelta(days=13) < due_at - now() <= timedelta(days=14)
    assert request_deletion(confirmation="acme", actor=olivia).deletion_due_at == due_at
    assert due_organization_ids(at=due_at - timedelta(seconds=1)) == []
    assert due_organization_ids(at=due_at) == [acme_scope.pk]
    assert cancel_deletion(actor=olivia).deletion_due_at is None
    assert due_organization_ids(at=due_at) == []
    events = AuditEvent.objects.filter(verb__startswith="deletion.").order_by("happened_at")
    assert list(events.values_list("verb", flat=True)) == [
        "deletion.requested", "deletion.requested", "deletion.cancelled",
    ]  # fmt: skip


def test_what_is_due_is_deleted_in_the_background_and_nothing_else(acme: Organization, globex: Organization) -> None:
    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(deletion_due_at=now())
    with organization_scope(globex.pk):
        Organization.objects.filter(pk=globex.pk).update(deletion_due_at=now() + timedelta(hours=1))
    delete_due_task()
    with directory_scope():
        assert list(Organization.objects.values_list("slug", flat=True)) == ["globex"]


def test_a_deletion_that_has_begun_is_not_called_off(acme_scope: Organization, olivia: User) -> None:
    OrganizationDeletion.objects.create(former_id=acme_scope.pk, slug_digest="0" * 64, requested_at=now())
    with pytest.raises(Conflict, match="has begun"):
        cancel_deletion(actor=olivia)
