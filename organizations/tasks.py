"""Mail that a page must not wait for."""

from celery import shared_task

from organizations.services.users import send_password_link


@shared_task(
    name="organizations.send_password_link",
    autoretry_for=(OSError,),
    retry_backoff=True,
    max_retries=5,
    time_limit=60,
)
def send_password_link_task(email: str) -> None:
    """Takes the address, not an id: looking the account up before would tell, by its time, if it is there."""
    send_password_link(email=email)
