"""Things by name: for the search field of every page."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, When

from clusters.models import Cluster, Resource
from compliance.models import Policy
from organizations.models import Team

MOST_OF_A_KIND = 8


@dataclass(frozen=True, slots=True)
class Found:
    """What bears a name like the one looked for; those that begin with it come first."""

    resources: tuple[Resource, ...] = ()
    policies: tuple[Policy, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    teams: tuple[Team, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.resources or self.policies or self.clusters or self.teams)


def search(text: str) -> Found:
    """Up to eight of each sort whose name holds `text`, whatever its case. Four queries, none for no text."""
    text = text.strip().replace("\x00", "")[:253]
    if not text:
        return Found()
    resources = Resource.objects.filter(name__icontains=text, deleted_at=None)
    resources = resources.select_related("cluster", "team").defer("manifest", "labels")
    named = Q(slug__icontains=text) | Q(title__icontains=text)
    return Found(
        resources=_best(resources, "name", text, "-worst_severity", "-open_count", "id"),
        policies=_best(Policy.objects.filter(named, retired_at=None).in_brief(), "slug", text, "slug"),
        clusters=_best(Cluster.objects.filter(name__icontains=text), "name", text, "name"),
        teams=_best(Team.objects.filter(name__icontains=text), "name", text, "name"),
    )


def _best(found: QuerySet[Any], name: str, text: str, *then: str) -> tuple[Any, ...]:
    begins = Case(When(**{f"{name}__istartswith": text}, then=0), default=1, output_field=IntegerField())
    return tuple(found.order_by(begins, *then)[:MOST_OF_A_KIND])
