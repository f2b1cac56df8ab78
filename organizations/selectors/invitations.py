"""Invitations that can still be taken up."""

from common.clock import now
from organizations.models import Invitation, OwnedQuerySet

MOST_INVITATIONS = 50


def open_invitations() -> OwnedQuerySet:
    """The organization's invitations that are neither taken up, revoked nor expired."""
    return Invitation.objects.filter(accepted_at=None, revoked_at=None, expires_at__gt=now())


def pending_invitations(text: str = "") -> list[Invitation]:
    """Those whose e-mail holds the text, with who invited, the newest 50 first."""
    found = open_invitations().select_related("invited_by")
    if text:
        found = found.filter(email__icontains=text)
    return list(found.order_by("-created_at")[:MOST_INVITATIONS])
