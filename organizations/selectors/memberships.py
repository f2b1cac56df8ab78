"""Who belongs where. The only place that reads memberships before an organization is in scope."""

from organizations.models import Membership, Organization, OwnedQuerySet, User
from organizations.scope import user_scope


def memberships_of(user: User) -> list[Membership]:
    """A user's memberships in all organizations, each with its organization, by the organizations' names.

    Goes past the manager, which asks for one organization; row-level security shows a user his own rows.
    """
    with user_scope(user.pk):
        return list(
            OwnedQuerySet(Membership)
            .filter(user_id=user.pk)
            .select_related("organization")
            .order_by("organization__name", "organization__slug")
        )


def organizations_of(user: User) -> list[Organization]:
    """The organizations that a user is a member of, by name."""
    return [membership.organization for membership in memberships_of(user)]


def membership_in(user: User, slug: str) -> Membership | None:
    """A user's membership of the organization with this slug, with the organization; None for strangers."""
    with user_scope(user.pk):
        membership = (
            OwnedQuerySet(Membership)
            .filter(user_id=user.pk, organization__slug=slug)
            .select_related("organization")
            .first()
        )
    if membership is not None:
        membership.user = user
    return membership
