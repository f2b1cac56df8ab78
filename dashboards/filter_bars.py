"""The filter bar of the tactical pages: choices with their counts, and a chip for each filter that is on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clusters.models import Cluster, Environment
from compliance.models import Severity
from compliance.selectors.directory import Directory
from compliance.selectors.facets import Facets, namespace_names
from compliance.selectors.filters import ALL_TEAMS, CLUSTER_SCOPED, MY_TEAMS, OWN, SEVERITY_WORDS, Filters
from compliance.selectors.fleet import some_clusters

CHIP_LABELS = {
    "cluster": "Cluster",
    "environment": "Environment",
    "namespace": "Namespace",
    "team": "Team",
    "severity": "Severity",
    "policy": "Policy",
    "standard": "Standard",
    "category": "Category",
    "origin": "Origin",
    "q": "Contains",
    "as_of": "As of",
}
MOST_CHOICES, MOST_CLUSTERS = 100, 50


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    count: int | None = None
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """One parameter: `name` in the URL, `label` in the page; `any_label` stands for no restriction. `more`: how many
    choices it does not show, in words; '' when it shows all.
    """

    name: str
    label: str
    any_label: str
    choices: tuple[Choice, ...]
    any_value: str = ""
    more: str = ""

    @property
    def chosen(self) -> tuple[Choice, ...]:
        return tuple(choice for choice in self.choices if choice.is_chosen)

    @property
    def chosen_label(self) -> str:
        """What the closed menu says: the one choice, how many, or that nothing is narrowed."""
        if not self.chosen:
            return self.any_label
        return self.chosen[0].label if len(self.chosen) == 1 else f"{self.label}: {len(self.chosen)}"


@dataclass(frozen=True, slots=True)
class FilterBar:
    selects: tuple[Select, ...]
    menus: tuple[Select, ...]
    chips: tuple[dict[str, str], ...]
    clear_url: str
    problems: tuple[str, ...]
    searches: str = "Workload or policy"

    @property
    def offers_category(self) -> bool:
        """Whether the category can be chosen here; where it cannot, the form keeps what the URL says."""
        return any(select.name == "category" for select in self.selects)


def chips(filters: Filters, *, extra: str = "") -> tuple[dict[str, str], ...]:
    """A chip per filter that is on; `extra` is kept in the URLs (a grouping, a sort)."""
    found = []
    if filters.is_mine and ("team", MY_TEAMS) not in filters.values:
        query = filters.query(team=ALL_TEAMS)
        found.append({"label": "Team", "value": "my teams", "url": _url(query, extra)})
    for name, value in filters.values:
        if name in CHIP_LABELS and (name, value) != ("team", ALL_TEAMS):
            query = filters.query_without_value(name, value)
            if (name, value) == ("team", MY_TEAMS):
                query = filters.query(team=ALL_TEAMS)
            found.append({"label": CHIP_LABELS[name], "value": _words(filters, name, value), "url": _url(query, extra)})
    return tuple(found)


def _words(filters: Filters, name: str, value: str) -> str:
    if name == "team":
        return filters.team.name if filters.team else "my teams"
    if name == "namespace" and value == CLUSTER_SCOPED:
        return "none (cluster-scoped)"
    if name == "standard" and filters.standard:
        return filters.standard.title
    if name == "origin":
        return "your own" if value == OWN else value
    return value


def _url(*queries: str) -> str:
    return "?" + "&".join(query for query in queries if query)


def problem_sentences(filters: Filters) -> tuple[str, ...]:
    """What of the URL was not understood and is left out of the view."""
    return tuple(f"{CHIP_LABELS.get(n, n)} was ignored. {text}" for n, text in filters.problems.items())


def violation_bar(filters: Filters, facets: Facets, directory: Directory, *, extra: str = "") -> FilterBar:
    """The whole bar of the fix page, with how many violations each choice holds, where that is counted."""
    namespaces: Mapping[str, int | None] = facets.namespaces or {}
    if facets.namespaces is None:
        namespaces = dict.fromkeys(namespace_names(filters))
    return FilterBar(
        menus=(severity_menu(filters, facets.severities), cluster_menu(filters, facets.clusters)),
        selects=(
            environment_select(filters, directory, facets.environments),
            namespace_select(filters, namespaces),
            team_select(filters, directory, facets.teams),
            policy_select(filters, directory, facets.policies),
            standard_select(filters, directory, facets.policies),
        ),
        chips=chips(filters, extra=extra),
        clear_url=_url("team=all" if filters.is_mine else "", extra),
        problems=problem_sentences(filters),
    )


def severity_menu(filters: Filters, counts: Mapping[int, int] | None = None) -> Select:
    choices = tuple(
        Choice(
            word,
            severity.label,
            None if counts is None else counts.get(severity, 0),
            severity in filters.severities,
        )
        for word, severity in SEVERITY_WORDS.items()
    )
    return Select("severity", "Severity", "Any severity", choices)


def cluster_menu(filters: Filters, counts: Mapping[Any, int] | None = None) -> Select:
    """Those chosen, then the most first; without numbers by name."""
    chosen = {cluster.id: cluster for cluster in filters.clusters}
    if counts is None:
        found = {cluster.id: cluster for cluster in some_clusters(limit=MOST_CLUSTERS + len(chosen) + 1)}
        ids = [cluster_id for cluster_id in found if cluster_id not in chosen]
        more = "more" if len(ids) > MOST_CLUSTERS else ""
    else:
        others = {cluster_id: n for cluster_id, n in counts.items() if cluster_id not in chosen}
        pairs, more = _shown(others, most=MOST_CLUSTERS)
        ids = [cluster_id for cluster_id, _ in pairs]
        found = Cluster.objects.in_bulk(ids) if ids else {}
    shown = [*chosen.values(), *(found[cluster_id] for cluster_id in ids[:MOST_CLUSTERS])]
    choices = tuple(
        Choice(c.name, c.name, None if counts is None else counts.get(c.id, 0), c.id in chosen) for c in shown
    )
    return Select("cluster", "Cluster", "All clusters", choices, more=more)


def environment_select(filters: Filters, directory: Directory, counts: Mapping[str, int] | None = None) -> Select:
    present = directory.environments | {filters.environment}
    choices = []
    for value, label in Environment.choices:
        if value in present:
            count = None if counts is None else counts.get(value, 0)
            choices.append(Choice(value, label, count, value == filters.environment))
    return Select("environment", "Environment", "All environments", tuple(choices))


def namespace_select(filters: Filters, counts: Mapping[str, int | None]) -> Select:
    """The most first; without numbers (None) in the order given."""
    shown, more = _shown(counts, filters.namespace)
    choices = [
        Choice(name or CLUSTER_SCOPED, name or "none (cluster-scoped)", count, name == filters.namespace)
        for name, count in shown
    ]
    by_label = tuple(sorted(choices, key=lambda c: c.label))
    return Select("namespace", "Namespace", "All namespaces", by_label, more=more)


def team_select(filters: Filters, directory: Directory, counts: Mapping[Any, int] | None = None) -> Select:
    """One's own teams as one choice; then those with the most, by name."""

    def counted(ids: Iterable[Any]) -> int | None:
        return None if counts is None else sum(counts.get(i, 0) for i in ids)

    choices = []
    if directory.my_teams:
        choices.append(Choice(MY_TEAMS, "My teams", counted(team.id for team in directory.my_teams), filters.is_mine))
    chosen = filters.team.id if filters.team else None
    shown, more = _shown({team_id: counted([team_id]) for team_id in directory.teams_by_id}, chosen)
    numbers = dict(shown)
    choices += [
        Choice(t.slug, t.name, numbers[t.id], t.id == chosen) for t in directory.teams.values() if t.id in numbers
    ]
    # Whoever has teams may be shown theirs by default, and must be able to ask for everyone's.
    any_value = ALL_TEAMS if directory.my_teams else ""
    return Select("team", "Team", "All teams", tuple(choices), any_value=any_value, more=more)


def policy_select(filters: Filters, directory: Directory, counts: Mapping[int, int] | None = None) -> Select:
    """With counts, only policies that have any, most first; without, all by name."""
    chosen = filters.policy.id if filters.policy else None
    if counts is None:
        choices = tuple(Choice(slug, slug, None, p.id == chosen) for slug, p in sorted(directory.policies.items()))
        return Select("policy", "Policy", "All policies", choices)
    known = {policy_id: number for policy_id, number in counts.items() if policy_id in directory.policies_by_id}
    shown, more = _shown(known, chosen)
    slugs = {policy_id: directory.policies_by_id[policy_id].slug for policy_id, _ in shown}
    choices = tuple(Choice(slugs[key], slugs[key], number, key == chosen) for key, number in shown)
    return Select("policy", "Policy", "All policies", choices, more=more)


def standard_select(filters: Filters, directory: Directory, counts: Mapping[int, int] | None) -> Select:
    choices = []
    for slug, standard in directory.standards.items():
        ids = directory.standard_policy_ids[slug]
        count = None if counts is None else sum(counts.get(i, 0) for i in ids)
        is_chosen = filters.standard is not None and slug == filters.standard.slug
        choices.append(Choice(slug, standard.title, count, is_chosen))
    return Select("standard", "Standard", "All standards", tuple(choices))


def by_word(counts: Mapping[int, int]) -> dict[str, int]:
    """Counts per severity, keyed by its word."""
    return {Severity(value).label.lower(): count for value, count in counts.items()}


def _shown(
    counts: Mapping[Any, Any], chosen: Any = None, *, most: int | None = None
) -> tuple[list[tuple[Any, Any]], str]:
    """Of these the 100 (or `most`) with the most, or without numbers (None) the first, and what is chosen whatever it
    has; and how many others there are, in words.
    """
    most = MOST_CHOICES if most is None else most
    known, is_counted = dict(counts), None not in counts.values()
    if chosen is not None:
        known.setdefault(chosen, 0 if is_counted else None)
    ordered = list(known.items())
    if is_counted:
        ordered.sort(key=lambda pair: (-pair[1], pair[0]))
    shown = [pair for at, pair in enumerate(ordered) if at < most or pair[0] == chosen]
    left_count = len(ordered) - len(shown)
    return shown, f"{left_count:,} more" if left_count else ""
