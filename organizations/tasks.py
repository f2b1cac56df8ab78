"""Mail, archives and deletions: what a page must not wait for."""

from uuid import UUID

from celery import shared_task

from common.clock import now
from common.locks import held_alone
from organizations.scope import organization_scope
from organizations.selectors.organizations import organization_by_id, organization_ids
from organizations.services.deletion import delete_organization, due_organization_ids
from organizations.services.exports import abandoned_exports, build_export, drop_expired_exports
from organizations.services.invitations import mail_invitation
from organizations.services.users import send_password_link


@shared_task(
    name="organizations.send_password_link",
    autoretry_for=(OSError,),
    retry_backoff=True,
    max_retries=5,
    soft_time_limit=50,
    time_limit=60,
)
def send_password_link_task(email: str) -> None:
    """Takes the address, not an id: looking the account up before would tell, by its time, if it is there."""
    send_password_link(email=email)


@shared_task(
    name="organizations.send_invitation",
    autoretry_for=(OSError,),
    retry_backoff=True,
    max_retries=5,
    soft_time_limit=50,
    time_limit=60,
)
def send_invitation_task(organization_id: str, invitation_id: str, link: str) -> None:
    """Takes the link as well: only its digest is stored."""
    with organization_scope(UUID(organization_id)):
        mail_invitation(invitation_id=UUID(invitation_id), link=link)


@shared_task(name="organizations.build_export", soft_time_limit=3 * 3600, time_limit=3 * 3600 + 60)
def build_export_task(organization_id: str, export_id: str) -> None:
    with organization_scope(UUID(organization_id)):
        build_export(export_id=UUID(export_id))


@shared_task(name="organizations.resume_exports", soft_time_limit=50, time_limit=60)
def resume_exports_task() -> None:
    """Have archives built whose building was never begun, or was cut off with its worker."""
    for organization_id in organization_ids():
        with organization_scope(organization_id):
            abandoned = abandoned_exports()
        for export_id in abandoned:
            build_export_task.delay(str(organization_id), str(export_id))


@shared_task(name="organizations.drop_exports", soft_time_limit=300, time_limit=330)
def drop_exports_task() -> None:
    for organization_id in organization_ids():
        with organization_scope(organization_id):
            drop_expired_exports()


@shared_task(name="organizations.delete_due", soft_time_limit=3 * 3600, time_limit=3 * 3600 + 60)
def delete_due_task() -> None:
    """Cut off anywhere, it goes on where it was when it runs again. One process at a time deletes an organization."""
    for organization_id in due_organization_ids(at=now()):
        with held_alone(b"deletion:" + organization_id.bytes) as is_ours:
            if is_ours:
                delete_organization(organization=organization_by_id(organization_id))
