"""Mail that a page must not wait for."""

from uuid import UUID

from celery import shared_task

from organizations.scope import organization_scope
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
