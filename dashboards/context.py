"""What the frame of every page needs: navigation, scope, theme. Queries run only if the frame is rendered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from clusters.models import Cluster, Environment
from common.clock import today
from compliance.selectors.fleet import some_clusters
from dashboards.access import OrganizationRequest
from organizations.permissions import Capability, can
from organizations.selectors.memberships import organizations_of

THEMES = {"light", "dark"}
SCOPE_KEYS = ("cluster", "environment", "as_of")
MOST_CHOICES, MOST_CHOSEN = 30, 100

# URL name, label, icon, key after `g`, names of the pages within, on a phone's bar?, apart from the above?
PAGES = [
    ("fix", "Fix", "fix", "f", {"fix", "violation"}, True, False),
    ("posture", "Posture", "posture", "p", {"posture"}, True, False),
    ("workloads", "Workloads", "workloads", "w", {"workloads", "workload"}, True, True),
    ("policies", "Policies", "policies", "", {"policies", "policy", "policy_import"}, False, False),
    ("standards", "Standards", "standards", "", {"standards", "standard"}, False, False),
    ("clusters", "Clusters", "clusters", "c", {"clusters", "cluster", "cluster_new", "ingestion"}, True, True),
    ("activity", "Activity", "activity", "", {"activity"}, False, False),
    ("settings", "Settings", "settings", "", {"settings", "settings_teams", "settings_tokens"}, False, False),
]


@dataclass(frozen=True)
class NavigationItem:
    label: str
    url: str
    icon: str
    key: str
    is_current: bool
    is_on_phone: bool
    is_apart: bool


@dataclass(frozen=True)
class OrganizationChoice:
    name: str
    url: str
    is_current: bool


class Scope:
    """Which clusters, environment and day the pages speak of, as the URL says it."""

    def __init__(self, request: HttpRequest) -> None:
        self._query = request.GET
        self._path = request.path
        self.environments = Environment.choices
        self.environment = self._query.get("environment", "")
        self.chosen = [name for name in self._query.getlist("cluster") if name.strip()]
        self.as_of = self._query.get("as_of", "")
        self.today = today().isoformat()
        self.is_narrowed = bool(self.environment or self.chosen or self.as_of)

    @property
    def choices(self) -> "ClusterChoices":
        return cluster_choices(self.chosen)

    @property
    def label(self) -> str:
        """The scope in a few words, for the button that opens it."""
        place = self.environment.capitalize()
        if len(self.chosen) == 1:
            place = self.chosen[0]
        elif self.chosen:
            place = f"{len(self.chosen)} clusters"
        return f"{place or 'All clusters'}{f' on {self.as_of}' if self.as_of else ''}"

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The pairs of the query that follow one from page to page."""
        return [pair for pair in self._pairs() if pair[0] in SCOPE_KEYS]

    @property
    def others(self) -> list[tuple[str, str]]:
        """The rest of the page's query, which a change of scope keeps; the place in a list is lost."""
        return [pair for pair in self._pairs() if pair[0] not in {*SCOPE_KEYS, "cursor"}]

    @property
    def clear_url(self) -> str:
        return f"{self._path}?{urlencode(self.others)}" if self.others else self._path

    def _pairs(self) -> Iterator[tuple[str, str]]:
        return ((name, value) for name, values in self._query.lists() for value in values if value)


@dataclass(frozen=True)
class ClusterChoices:
    """Clusters to choose from: those chosen, and some others by name; `has_more` tells that there are still others."""

    chosen: list[Cluster]
    others: list[Cluster]
    has_more: bool


def cluster_choices(names: Sequence[str], text: str = "") -> ClusterChoices:
    """Those chosen, and at most 30 whose name holds the text. Two queries, one when none is chosen."""
    names = [name for name in names if "\x00" not in name][:MOST_CHOSEN]
    chosen = list(Cluster.objects.filter(name__in=names).order_by("name")) if names else []
    found = some_clusters(text, limit=MOST_CHOICES + len(chosen) + 1)
    taken = {cluster.id for cluster in chosen}
    others = [cluster for cluster in found if cluster.id not in taken]
    return ClusterChoices(chosen, others[:MOST_CHOICES], len(others) > MOST_CHOICES)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor. Outside an organization only the theme is given."""
    theme = request.COOKIES.get("theme", "")
    context: dict[str, Any] = {"theme": theme if theme in THEMES else ""}
    if not hasattr(request, "organization"):
        return context
    return context | _organization_frame(cast(OrganizationRequest, request))


def _organization_frame(request: OrganizationRequest) -> dict[str, Any]:
    scope = Scope(request)
    return {
        "organization": request.organization,
        "membership": request.membership,
        "scope": scope,
        "navigation": SimpleLazyObject(lambda: navigation(request, scope)),
        "organizations": SimpleLazyObject(lambda: organization_choices(request)),
        "search_url": reverse("search", args=[request.organization.slug]),
        "account_url": reverse("account"),
        "may_manage_organization": can(request.membership.role, Capability.MANAGE_ORGANIZATION),
        "sign_out_url": reverse("sign_out"),
        "initials": initials(request.user.name or request.user.email),
    }


def navigation(request: OrganizationRequest, scope: Scope) -> list[NavigationItem]:
    """The rail, each link carrying the scope on, without the pages that the member may not see."""
    here = request.resolver_match.url_name if request.resolver_match else None
    query = f"?{urlencode(scope.kept)}" if scope.kept else ""
    return [
        NavigationItem(
            label=label,
            url=reverse(name, args=[request.organization.slug]) + query,
            icon=icon,
            key=key,
            is_current=here in members or (name == "settings" and (here or "").startswith("settings_")),
            is_on_phone=is_on_phone,
            is_apart=is_apart,
        )
        for name, label, icon, key, members, is_on_phone, is_apart in PAGES
        if name != "activity" or can(request.membership.role, Capability.VIEW_ACTIVITY)
    ]


def organization_choices(request: OrganizationRequest) -> list[OrganizationChoice]:
    """The organizations that the user is a member of, by name."""
    return [
        OrganizationChoice(choice.name, reverse("fix", args=[choice.slug]), choice == request.organization)
        for choice in organizations_of(request.user)
    ]


def initials(name: str) -> str:
    """Two letters for a face: of the first and last word, or the first two of one word."""
    words = name.split("@")[0].replace(".", " ").split()
    letters = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return letters.upper()
