"""Audit events: written in the transaction of the deed, so that neither exists without the other."""

from typing import Any

from organizations.models import AuditEvent, User
from organizations.scope import current_organization_id

SYSTEM = "Plumbline"


def record(
    *,
    verb: str,
    target: str,
    actor: User | None = None,
    data: dict[str, Any] | None = None,
    actor_label: str = "",
) -> AuditEvent:
    """Write down that `actor` did `verb` ("noun.past_participle") to `target`, in the organization in scope.

    Without an actor it was `actor_label`: a command, an agent, or the product itself. `data` is JSON that
    holds no secrets.
    """
    return AuditEvent.objects.create(
        organization_id=current_organization_id(),
        actor=actor,
        actor_label=actor_label or (actor.email if actor else SYSTEM),
        verb=verb,
        target=target[:254],
        data=data or {},
    )
