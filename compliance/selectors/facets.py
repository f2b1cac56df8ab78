"""How many violations each choice of the filter bar holds.

What is open is read from rollups; what no rollup knows is counted from the violations while they are few, and left
out (None) when they are many: a page must not take longer the more there is.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any
from uuid import UUID

from compliance.models import Severity, ViolationStatus

from .counts import MOST_ROWS, counts_by_policy, counts_in_view, is_countable, narrowed, rollup_now
from .directory import Directory
from .filters import Filters
from .grouping import sums_of_few
from .standing import DIMENSIONS, OpenCounts, open_by
from .violations import named_resources, violations

MOST_COUNTED = 5_000
PLACES = tuple(DIMENSIONS)
Numbers = dict[Any, int] | None


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts over the violations in view; each dimension is counted as if it were not filtered itself.

    None stands for too many to count.
    """

    violation_count: int | None = 0
    clusters: dict[UUID, int] | None = field(default_factory=dict)
    environments: dict[str, int] | None = field(default_factory=dict)
    namespaces: dict[str, int] | None = field(default_factory=dict)
    teams: dict[UUID | None, int] | None = field(default_factory=dict)
    severities: dict[int, int] | None = field(default_factory=dict)
    policies: dict[int, int] | None = field(default_factory=dict)


def violation_facets(filters: Filters, directory: Directory) -> Facets:
    """From the rollups of places while no policy is chosen, from those of policies when one is; else counted."""
    if filters.q or filters.status != ViolationStatus.OPEN:
        return _counted(filters)
    policies = _policies(filters.without("policy"), directory)
    if filters.policy_ids is not None:
        return _of_policies(filters, directory, policies)
    found = _places(filters)
    total, chosen = found[""][None], filters.severities
    return Facets(
        violation_count=_chosen(total, chosen),
        clusters=_numbers(found["cluster"], chosen),
        environments=_numbers(found["environment"], chosen),
        namespaces=_numbers(found["namespace"], chosen),
        teams=_numbers(found["team"], chosen),
        severities=_by_severity(total),
        policies=policies,
    )


def _places(filters: Filters) -> dict[str, dict[Any, OpenCounts]]:
    """Open violations by place; a dimension that is filtered is read once more without it."""
    found = open_by(filters, PLACES)
    for name in _filtered(filters, PLACES):
        found[name] = open_by(_without(filters, name), (name,))[name]
    return found


def _without(filters: Filters, name: str) -> Filters:
    """Clusters and environments narrow each other: neither is counted within the other."""
    return filters.without("cluster" if name == "environment" else name)


def namespace_names(filters: Filters) -> list[str]:
    """Namespaces with anything open in the clusters in view, the hottest first. One query."""
    found = open_by(replace(filters.without("namespace"), severities=()), ("namespace",))["namespace"]
    return sorted(found, key=lambda name: (-found[name].weighted, name))


def _filtered(filters: Filters, names: Iterable[str]) -> list[str]:
    narrowed_by = {
        "cluster": filters.cluster_ids is not None or bool(filters.environment),
        "environment": filters.cluster_ids is not None or bool(filters.environment),
        "namespace": filters.namespace is not None,
        "team": filters.team_ids is not None,
    }
    return [name for name in names if narrowed_by[name]]


def _chosen(counts: OpenCounts, severities: tuple[Severity, ...]) -> int:
    words = counts.by_word()
    return sum(words[severity.label.lower()] for severity in severities) if severities else counts.all


def _numbers(found: dict[Any, OpenCounts], severities: tuple[Severity, ...]) -> dict[Any, int]:
    return {key: number for key, counts in found.items() if (number := _chosen(counts, severities))}


def _by_severity(counts: OpenCounts) -> dict[int, int]:
    words = counts.by_word()
    return {severity: number for severity in Severity if (number := words[severity.label.lower()])}


def _policies(filters: Filters, directory: Directory) -> dict[int, int] | None:
    """Open violations per policy of the severities in view. The fleet's sums know no teams within a namespace: where
    those of clusters are many, nothing is counted.
    """
    is_of_both = filters.namespace is not None and filters.team_ids is not None
    is_wide = is_of_both and filters.cluster_ids is None and filters.as_of is None
    if is_wide and not is_countable(counts_in_view(filters)):
        return None
    severity_of = {policy.id: policy.severity for policy in directory.policies_by_id.values()}
    found = {policy_id: counts.open for policy_id, counts in counts_by_policy(filters).items() if counts.open}
    if not filters.severities:
        return found
    return {key: number for key, number in found.items() if severity_of.get(key) in filters.severities}


def _of_policies(filters: Filters, directory: Directory, policies: dict[int, int] | None) -> Facets:
    """Of the policies chosen. By place only today, where the fleet's counts know it or the rows to add up are few."""
    wanted = set(filters.policy_ids or ())
    if policies is None:
        return Facets(*(None for _ in fields(Facets)))
    by_place = {name: _of_place(filters, name) if filters.as_of is None else None for name in PLACES}
    return Facets(
        violation_count=sum(number for key, number in policies.items() if key in wanted),
        clusters=by_place["cluster"],
        environments=by_place["environment"],
        namespaces=by_place["namespace"],
        teams=by_place["team"],
        severities=_severities_of(filters, directory, wanted),
        policies=policies,
    )


def _of_place(filters: Filters, name: str) -> Numbers:
    """Open violations of the policies in view by one dimension of places; None where they are too many to add up."""
    view = _without(filters, name) if _filtered(filters, (name,)) else filters
    rows = narrowed(rollup_now(view, by=name), view).filter(open_count__gt=0)
    summed = sums_of_few(rows, {name: DIMENSIONS[name]}, ["open_count"], most=MOST_ROWS)
    return None if summed is None else {key: number for key, (number,) in summed[name].items()}


def _severities_of(filters: Filters, directory: Directory, wanted: set[int]) -> dict[int, int]:
    numbers: dict[int, int] = {}
    for key, number in (_policies(replace(filters, severities=()), directory) or {}).items():
        if key in wanted:
            severity = directory.policies_by_id[key].severity
            numbers[severity] = numbers.get(severity, 0) + number
    return numbers


def _counted(filters: Filters) -> Facets:
    """From the violations themselves, of up to 5,000: in one query, and one more per dimension that is filtered.

    Those of a text that more than 1,000 resources bear in their names are not counted.
    """
    is_common = bool(filters.q) and named_resources(filters) is None
    found = None if is_common else _few(filters, _COLUMNS)
    if found is None:
        return Facets(*(None for _ in fields(Facets)))
    counted: dict[str, Numbers] = {name: dict(Counter(found[name])) for name in _COLUMNS}
    is_filtered = {"severity": bool(filters.severities), "policy": filters.policy_ids is not None}
    for name in (*_filtered(filters, PLACES), *(name for name, so in is_filtered.items() if so)):
        wider = _few(_without(filters, name), (name,))
        counted[name] = None if wider is None else dict(Counter(wider[name]))
    return Facets(
        violation_count=len(found["severity"]),
        clusters=counted["cluster"],
        environments=counted["environment"],
        namespaces=counted["namespace"],
        teams=counted["team"],
        severities=counted["severity"],
        policies=counted["policy"],
    )


_COLUMNS = {**DIMENSIONS, "environment": "cluster__environment", "severity": "severity", "policy": "policy_id"}


def _few(filters: Filters, names: Iterable[str]) -> dict[str, list[Any]] | None:
    """Columns of the violations in view, by dimension; None when there are more than 5,000."""
    columns = {name: _COLUMNS[name] for name in names}
    found = violations().matching(filters).order_by().values(*columns.values())
    rows = list(found[: MOST_COUNTED + 1])
    if len(rows) > MOST_COUNTED:
        return None
    return {name: [row[column] for row in rows] for name, column in columns.items()}
