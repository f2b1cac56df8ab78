"""Things by name: for the search field of every page."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, When

from clusters.models import Cluster, Resource
from compliance.models import Policy
from organizations.models import Team

from .filters import Filters
from .violations import among, holds, named_resources
from .workloads import WORST

MOST_OF_A_KIND = 8
_WORST = [name for name, _ in WORST.fields]


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
    """Up to eight of each sort whose name holds `text`, whatever its case. Five queries, none for no text.

    Of a name that more than 1,000 resources bear, the eight worst of them.
    """
    text = text.strip().replace("\x00", "")[:253]
    if not text:
        return Found()
    named = Q(slug__icontains=text) | Q(title__icontains=text)
    return Found(
        resources=_resources(text),
        policies=_best(Policy.objects.filter(named, retired_at=None).in_brief(), "slug", text, "slug"),
        clusters=_best(Cluster.objects.filter(name__icontains=text), "name", text, "name"),
        teams=_best(Team.objects.filter(name__icontains=text), "name", text, "name"),
    )


def _resources(text: str) -> tuple[Resource, ...]:
    """Their ids are found in an index of names, which is a small part of what is known of them."""
    shown = Resource.objects.select_related("cluster").defer("manifest", "labels")
    ids = named_resources(Filters(q=text))
    if ids is not None:
        return _best(shown.filter(id__in=among(ids)), "name", text, *_WORST)
    worst = shown.filter(holds("name", text), deleted_at=None).order_by(*_WORST)[:MOST_OF_A_KIND]
    return tuple(sorted(worst, key=lambda resource: not resource.name.lower().startswith(text.lower())))


def _best(found: QuerySet[Any], name: str, text: str, *then: str) -> tuple[Any, ...]:
    begins = Case(When(**{f"{name}__istartswith": text}, then=0), default=1, output_field=IntegerField())
    return tuple(found.order_by(begins, *then)[:MOST_OF_A_KIND])
