"""The audit trail of the organization in scope."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q

from organizations.models import AuditEvent, OwnedQuerySet

SUBJECTS = {
    "organization": "Organization",
    "member": "Members",
    "team": "Teams",
    "api_token": "API tokens",
    "cluster": "Clusters",
    "agent_token": "Agent tokens",
    "report": "Reports",
    "policy": "Policies",
}


@dataclass(frozen=True)
class ActivityFilter:
    """`subject`: a verb's noun; `actor`, `q`: parts of who did it and of its target; UTC days, inclusive."""

    subject: str = ""
    actor: str = ""
    q: str = ""
    since: date | None = None
    until: date | None = None


def audit_events(wanted: ActivityFilter) -> OwnedQuerySet:
    """The events wanted, unordered: the caller pages through them by (-happened_at, -id)."""
    condition = Q()
    if wanted.subject:
        condition &= Q(verb__startswith=f"{wanted.subject}.")
    if wanted.actor:
        condition &= Q(actor_label__icontains=wanted.actor)
    if wanted.q:
        condition &= Q(target__icontains=wanted.q) | Q(verb__icontains=wanted.q)
    if wanted.since:
        condition &= Q(happened_at__gte=datetime.combine(wanted.since, time(), UTC))
    if wanted.until:
        condition &= Q(happened_at__lt=datetime.combine(wanted.until, time(), UTC) + timedelta(days=1))
    return AuditEvent.objects.filter(condition)
