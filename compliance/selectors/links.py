"""Policies that check the same as another one."""

from django.db.models import Q

from compliance.models import Policy, PolicyLink


def linked_policies(policy: Policy) -> list[Policy]:
    """By title, without what is long; retired ones are left out. One query."""
    mine = PolicyLink.objects.filter(policy=policy).values("other_id")
    theirs = PolicyLink.objects.filter(other=policy).values("policy_id")
    linked = Q(pk__in=mine) | Q(pk__in=theirs)
    return list(Policy.objects.filter(linked, retired_at=None).in_brief().order_by("title"))
