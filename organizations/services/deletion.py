"""Deleting an organization: asked for by an owner, done after a time to think, table by table, with evidence."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from graphlib import TopologicalSorter
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, transaction

from common.clock import now
from common.database import LEAVING_SETTING
from common.errors import Conflict, PlumblineError
from organizations.models import Membership, Organization, OrganizationDeletion, OwnedModel, User
from organizations.scope import current_organization_id, directory_scope, organization_scope, user_scope

from .archives import owned_models
from .audit import record

GRACE = timedelta(days=14)
BATCH_ROWS = 10_000

_PASSES = 5
_PARTITIONED = frozenset({"clusters_rawreport"})
# Nobody gets in any more, and no report, before the first row of anything else goes.
_WAYS_IN = ("organizations_membership", "organizations_apitoken", "organizations_invitation", "clusters_agenttoken")


def request_deletion(*, confirmation: str, actor: User) -> Organization:
    """Have the organization in scope deleted in 14 days. `confirmation` is its slug, typed. Raises PlumblineError.

    Another request does not put it off, and is on record.
    """
    with transaction.atomic():
        organization = _locked()
        if confirmation != organization.slug:
            raise PlumblineError(
                f"Type {organization.slug} to have everything of it deleted.",
                code="not_confirmed",
                fields={"confirmation": "Not its name in URLs."},
            )
        if organization.deletion_due_at is None:
            organization.deletion_due_at = now() + GRACE
            organization.save(update_fields=["deletion_due_at"])
        due = organization.deletion_due_at.isoformat(timespec="seconds")
        record(verb="deletion.requested", target=organization.slug, actor=actor, data={"due_at": due})
    return organization


def cancel_deletion(*, actor: User) -> Organization:
    """Keep the organization after all. Doing so twice changes nothing. Raises Conflict once the deletion has begun."""
    with transaction.atomic():
        organization = _locked()
        if OrganizationDeletion.objects.filter(former_id=organization.pk).exists():
            raise Conflict("The deletion has begun, and cannot be called off.", code="deletion_begun")
        if organization.deletion_due_at is not None:
            organization.deletion_due_at = None
            organization.save(update_fields=["deletion_due_at"])
            record(verb="deletion.cancelled", target=organization.slug, actor=actor)
    return organization


def delete_organization(
    *, organization: Organization, progress: Callable[[str, int], None] | None = None
) -> OrganizationDeletion:
    """Delete all rows of the organization, then itself, and the accounts of people who belonged to nothing else.

    In batches of their own transactions, so that nobody waits: one that was cut off goes on where it was when it is
    called again. What stays is an OrganizationDeletion, which names nobody. Must not run inside a transaction.
    """
    with organization_scope(organization.pk):
        evidence = _begin(organization)
        for _ in range(_PASSES):
            for table in tables_children_first():
                count = _empty(table, organization.pk)
                evidence.row_counts[table] = evidence.row_counts.get(table, 0) + count
                if progress is not None and count:
                    progress(table, count)
            evidence.save(update_fields=["row_counts"])
            if _end(organization):
                break
        else:
            raise Conflict(
                "Something goes on writing rows of this organization. Stop its workers, and try again.",
                code="still_written",
            )
    for user_id in evidence.pending_user_ids:
        _forget(UUID(user_id))
    evidence.pending_user_ids, evidence.finished_at = [], now()
    evidence.save(update_fields=["pending_user_ids", "finished_at"])
    return evidence


def due_organization_ids(*, at: datetime) -> list[UUID]:
    """Those whose time to think is over."""
    with directory_scope():
        due = Organization.objects.filter(deletion_due_at__lte=at)
        return list(due.order_by("deletion_due_at").values_list("pk", flat=True))


def tables_children_first() -> list[str]:
    """Every table with rows of organizations, each before those that it refers to; the ways in before all."""
    graph: dict[str, set[str]] = {}
    for model in owned_models():
        graph.setdefault(model._meta.db_table, set())
        for field in model._meta.concrete_fields:
            parent = field.related_model
            if parent is not None and parent != model and issubclass(parent, OwnedModel):
                graph.setdefault(parent._meta.db_table, set()).add(model._meta.db_table)
    order = list(TopologicalSorter(graph).static_order())
    return sorted(order, key=lambda table: table not in _WAYS_IN)


def _begin(organization: Organization) -> OrganizationDeletion:
    """Note that the deletion begins, with the accounts to look at when it ends: memberships are the first to go."""
    requested_at = organization.deletion_due_at - GRACE if organization.deletion_due_at else now()
    members = [str(user_id) for user_id in Membership.objects.values_list("user_id", flat=True)]
    with transaction.atomic(durable=True):
        evidence, _ = OrganizationDeletion.objects.get_or_create(
            former_id=organization.pk,
            defaults={
                "slug_digest": hashlib.sha256(organization.slug.encode()).hexdigest(),
                "requested_at": requested_at,
                "pending_user_ids": members,
            },
        )
    return evidence


def _empty(table: str, organization_id: UUID) -> int:
    total = 0
    while True:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL {LEAVING_SETTING} = 'on'")  # sums that are about to go need not follow
            cursor.execute(_statement(table), {"organization": organization_id, "most": BATCH_ROWS})
            count = cursor.rowcount
        total += count
        if count < BATCH_ROWS:
            return total


def _statement(table: str) -> str:
    if table in _PARTITIONED:
        # A row's place in its file says nothing of the partition that it is in.
        return f"DELETE FROM {table} WHERE organization_id = %(organization)s"  # noqa: S608 - a name of ours
    chosen = f"SELECT ctid FROM {table} WHERE organization_id = %(organization)s LIMIT %(most)s"  # noqa: S608
    return f"DELETE FROM {table} WHERE ctid = ANY (ARRAY({chosen}))"  # noqa: S608


def _end(organization: Organization) -> bool:
    """Delete the organization itself; False when something wrote a row of it meanwhile."""
    try:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("DELETE FROM organizations_organization WHERE id = %s", [organization.pk])
    except IntegrityError:
        return False
    return True


def _forget(user_id: UUID) -> None:
    """Delete the account of somebody who is a member of nothing any more.

    Where another organization's records refer to it, it stays without a name, an address or a way in.
    """
    with user_scope(user_id), connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM organizations_membership WHERE user_id = %s)", [user_id])
        if cursor.fetchone()[0]:
            return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM organizations_user WHERE id = %s", [user_id])
    except IntegrityError:
        User.objects.filter(pk=user_id).update(
            email=f"{user_id}@deleted.invalid", name="", password=make_password(None), is_active=False
        )


def _locked() -> Organization:
    return Organization.objects.select_for_update().get(pk=current_organization_id())
