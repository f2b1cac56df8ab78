"""Names that filters speak of: the organization's clusters, teams and own policies, and the library."""

from collections.abc import Collection
from functools import cached_property
from typing import Any, TypeVar

from clusters.models import Cluster
from compliance.models import Policy, Standard
from organizations.models import Team, TeamMembership, User

Named = TypeVar("Named")


class Directory:
    """Looks names up within the organization in scope; each list is read at most once, and only when asked. Clusters,
    of which there may be thousands, are read by name.

    The lookups raise LookupError with a sentence; a name of another organization is as unknown as any other.
    """

    def __init__(self, user: User | None = None) -> None:
        self.user = user
        self._clusters: dict[str, Cluster | None] = {}

    @cached_property
    def has_clusters(self) -> bool:
        return Cluster.objects.exists()

    @cached_property
    def environments(self) -> set[str]:
        """Those in which there is a cluster."""
        return set(Cluster.objects.order_by().values_list("environment", flat=True).distinct())

    def clusters_named(self, names: Collection[str]) -> dict[str, Cluster]:
        """The clusters of these names that there are; those asked for before are not read again."""
        if unknown := set(names) - set(self._clusters):
            self._clusters |= dict.fromkeys(unknown)
            self._clusters |= {c.name: c for c in Cluster.objects.filter(name__in=unknown)}
        return {name: found for name in names if (found := self._clusters[name]) is not None}

    @cached_property
    def teams(self) -> dict[str, Team]:
        return {t.slug: t for t in Team.objects.order_by("name")}

    @cached_property
    def teams_by_id(self) -> dict[Any, Team]:
        return {t.id: t for t in self.teams.values()}

    @cached_property
    def my_teams(self) -> tuple[Team, ...]:
        if self.user is None:
            return ()
        mine = TeamMembership.objects.filter(user=self.user).select_related("team").order_by("team__name")
        return tuple(membership.team for membership in mine)

    @cached_property
    def policies(self) -> dict[str, Policy]:
        """By slug, without their documents; retired ones too, for their violations may still be open.

        A slug that both the library and the organization use means the organization's.
        """
        return {p.slug: p for p in self._all_policies}

    @cached_property
    def policies_by_id(self) -> dict[int, Policy]:
        return {p.id: p for p in self._all_policies}

    @cached_property
    def library(self) -> dict[str, Policy]:
        """The library's policies by slug: what standards speak of."""
        return {p.slug: p for p in self._all_policies if not p.is_own}

    @cached_property
    def _all_policies(self) -> list[Policy]:
        return list(Policy.objects.in_brief().in_order_of_precedence())

    @cached_property
    def categories(self) -> list[str]:
        return sorted({p.category for p in self.policies.values()})

    @cached_property
    def standards(self) -> dict[str, Standard]:
        return {s.slug: s for s in Standard.objects.defer("document").order_by("title")}

    @cached_property
    def standard_policy_ids(self) -> dict[str, set[int]]:
        """Ids of the policies that each standard selects."""
        found: dict[str, set[int]] = {slug: set() for slug in self.standards}
        for slug, policy_id in Standard.policies.through.objects.values_list("standard_id", "policy_id"):
            found[slug].add(policy_id)
        return found

    def cluster(self, name: str) -> Cluster:
        return _find(self.clusters_named([name]), name, "No cluster of that name.")

    def team(self, slug: str) -> Team:
        return _find(self.teams, slug, "No team of that name.")

    def policy(self, slug: str) -> Policy:
        return _find(self.policies, slug, "No policy of that name.")

    def standard(self, slug: str) -> Standard:
        return _find(self.standards, slug, "No standard of that name.")

    def category(self, word: str) -> str:
        if word not in self.categories:
            raise LookupError("No category of that name.")
        return word


def _find(named: dict[str, Named], name: str, otherwise: str) -> Named:
    if name not in named:
        raise LookupError(otherwise)
    return named[name]
