"""Policies that check the same, said so by people or known beforehand."""

from collections.abc import Iterable, Mapping

from django.db import transaction

from common.errors import Conflict, NotFound
from compliance.models import Policy, PolicyLink
from organizations.models import User
from organizations.scope import current_organization_id
from organizations.services.audit import record

MAX_LINKS = 20


def link_policies(*, slug: str, other: str, actor: User | None) -> PolicyLink:
    """Note that two policies check the same; doing so twice changes nothing.

    Raises NotFound, and Conflict for a policy with itself (same_policy) or with more than 20 others (too_many_links).
    """
    with transaction.atomic():
        one, two = _policy(slug), _policy(other)
        if one == two:
            raise Conflict("A policy checks what it checks anyway: name another one.", code="same_policy")
        if max(len(linked_ids(policy)) for policy in (one, two)) >= MAX_LINKS:
            raise Conflict(f"A policy is linked with at most {MAX_LINKS} others.", code="too_many_links")
        pair = _pair(one.pk, two.pk)
        link, is_new = PolicyLink.objects.get_or_create(organization_id=current_organization_id(), **pair)
        if is_new:
            record(verb="policy.linked", target=one.slug, actor=actor, data={"with": two.slug})
    return link


def unlink_policies(*, slug: str, other: str, actor: User | None) -> None:
    """Note that two policies do not check the same after all. Raises NotFound for policies that are not there."""
    with transaction.atomic():
        one, two = _policy(slug), _policy(other)
        count, _ = PolicyLink.objects.filter(**_pair(one.pk, two.pk)).delete()
        if count:
            record(verb="policy.unlinked", target=one.slug, actor=actor, data={"with": two.slug})


def link_known(policies: Mapping[int, Iterable[str]]) -> int:
    """Link policies, by id, with the library's of these slugs, in two queries; how many links these are."""
    wanted = {slug for slugs in policies.values() for slug in slugs}
    ids = dict(Policy.library.filter(slug__in=wanted, retired_at=None).values_list("slug", "pk"))
    organization_id = current_organization_id()
    links = [
        PolicyLink(organization_id=organization_id, **_pair(policy_id, ids[slug]))
        for policy_id, slugs in policies.items()
        for slug in slugs
        if slug in ids
    ]
    PolicyLink.objects.bulk_create(links, ignore_conflicts=True)
    return len(links)


def linked_ids(policy: Policy) -> list[int]:
    """The ids of the policies that check what this one does. One query."""
    mine = PolicyLink.objects.filter(policy=policy).values_list("other_id", flat=True)
    theirs = PolicyLink.objects.filter(other=policy).values_list("policy_id", flat=True)
    return sorted(mine.union(theirs))


def _policy(slug: str) -> Policy:
    policy = Policy.objects.filter(slug=slug).in_order_of_precedence().in_brief().last()
    if policy is None:
        raise NotFound(f"There is no policy “{slug[:63]}”.")
    return policy


def _pair(one: int, two: int) -> dict[str, int]:
    return {"policy_id": min(one, two), "other_id": max(one, two)}
