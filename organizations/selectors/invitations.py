"""Invitations that can still be taken up."""

from common.clock import now
from organizations.models import Invitation, OwnedQuerySet


def open_invitations() -> OwnedQuerySet:
    """The organization's invitations that are neither taken up, revoked nor expired."""
    return Invitation.objects.filter(accepted_at=None, revoked_at=None, expires_at__gt=now())


def pending_invitations() -> list[Invitation]:
    """The same with who invited, newest first."""
    return list(open_invitations().select_related("invited_by").order_by("-created_at"))
