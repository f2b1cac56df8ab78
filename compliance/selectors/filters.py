"""What a person or a program wants to look at: parsed once from a query string, shared by pages and API."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.http import QueryDict

from clusters.models import Cluster, Environment
from common.clock import today
from common.errors import PlumblineError
from compliance.models import Policy, Severity, Standard, ViolationStatus
from compliance.posture import end_of_day
from organizations.models import Team

from .directory import Directory

CLUSTER_SCOPED = "-"
ANY_STATUS = "all"
MY_TEAMS, ALL_TEAMS = "mine", "all"
MAX_TEXT = 253

Found = TypeVar("Found")

SEVERITY_WORDS = {severity.label.lower(): severity for severity in reversed(Severity)}
STATUSES = [*ViolationStatus.values, ANY_STATUS]

SCOPE_PARAMETERS = ("cluster", "environment", "namespace", "team")
PARAMETERS = (*SCOPE_PARAMETERS, "severity", "policy", "standard", "category", "origin", "q", "status", "as_of")
LIBRARY, OWN = "library", "own"


@dataclass(frozen=True, slots=True)
class Filters:
    """A parsed query. Ids that are None do not restrict; an empty tuple matches nothing.

    `values` keeps what was understood, as (parameter, text) pairs in order, for links and chips;
    `problems` maps each parameter that was not understood to a sentence; `known` keeps what was found on the way, for
    all views that are made of this one (`once`).
    """

    clusters: tuple[Cluster, ...] = ()
    environment: str = ""
    namespace: str | None = None
    team: Team | None = None
    is_mine: bool = False
    team_ids: tuple[UUID, ...] | None = None
    severities: tuple[Severity, ...] = ()
    policy: Policy | None = None
    standard: Standard | None = None
    category: str = ""
    origin: str = ""
    q: str = ""
    status: str = ViolationStatus.OPEN.value
    as_of: date | None = None
    cluster_ids: tuple[UUID, ...] | None = None
    policy_ids: tuple[int, ...] | None = None
    q_policy_ids: tuple[int, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    problems: dict[str, str] = field(default_factory=dict)
    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def as_of_end(self) -> datetime | None:
        """The instant at which the day `as_of` is over."""
        return end_of_day(self.as_of) if self.as_of else None

    @property
    def is_scoped(self) -> bool:
        """Whether anything but the day and the status narrows the view."""
        return any(name not in ("status", "as_of") and value != ALL_TEAMS for name, value in self.values)

    def once(self, what: str, find: Callable[[], Found]) -> Found:
        """What `find` finds for this view, found once however often it is asked for."""
        narrowing = (self.environment, self.cluster_ids, self.namespace, self.team_ids, self.severities)
        key = (what, *narrowing, self.policy_ids, self.q, self.q_policy_ids, self.status, self.as_of)
        if key not in self.known:
            self.known[key] = find()
        return self.known[key]

    def query(self, *, without: Iterable[str] = (), **changes: str | None) -> str:
        """This view as a query string, some parameters dropped or changed."""
        dropped = {*without, *changes}
        pairs = [(n, v) for n, v in self.values if n not in dropped]
        pairs += [(n, v) for n, v in changes.items() if v]
        return urlencode(pairs)

    def query_without_value(self, name: str, value: str) -> str:
        """This view less one value of one parameter: what removing its chip leads to."""
        return urlencode([pair for pair in self.values if pair != (name, value)])

    def without(self, name: str) -> "Filters":
        """The same view with one dimension left open, to count what else it could hold."""
        cleared: dict[str, Any] = {
            "cluster": {"clusters": (), "cluster_ids": None, "environment": ""},
            "namespace": {"namespace": None},
            "team": {"team": None, "is_mine": False, "team_ids": None},
            "severity": {"severities": ()},
            "policy": {"policy": None, "standard": None, "category": "", "origin": "", "policy_ids": None},
        }[name]
        return replace(self, **cleared)


def within(filters: Filters, *, prefix: str = "cluster__") -> Q:
    """The clusters in view, as a condition on rows that refer to one (or with prefix '' on clusters themselves)."""
    condition = Q()
    if filters.environment:
        condition &= Q(**{f"{prefix}environment": filters.environment})
    if filters.cluster_ids is not None:
        condition &= Q(**{f"{prefix}id__in": filters.cluster_ids})
    return condition


def parse_filters(params: QueryDict, directory: Directory, *, default_team: str = "") -> Filters:
    """Read the scope and the filters out of a query string; what cannot be read is named in `problems`.

    `default_team` stands in when the query says nothing about teams; `team=all` asks for everyone's.
    """
    return _Parser(params, directory, default_team).parse()


def strict_filters(params: QueryDict, directory: Directory) -> Filters:
    """The same for programs. Raises PlumblineError (400) that names every field it could not read."""
    filters = parse_filters(params, directory)
    if filters.problems:
        raise PlumblineError(
            "Some filters could not be read.", code="invalid_filter", fields=filters.problems
        )
    return filters


class _Parser:
    def __init__(self, params: QueryDict, directory: Directory, default_team: str) -> None:
        self.params, self.directory, self.default_team = params, directory, default_team
        self.values: list[tuple[str, str]] = []
        self.problems: dict[str, str] = {}

    def parse(self) -> Filters:
        self.directory.clusters_named([name for name in _given(self.params, "cluster") if "\x00" not in name])
        clusters = tuple(self._each("cluster", self.directory.cluster))
        environment = self._one("environment", _among(Environment.values)) or ""
        policy = self._one("policy", self.directory.policy)
        standard = self._one("standard", self.directory.standard)
        category = self._one("category", self.directory.category) or ""
        origin = self._one("origin", _among((LIBRARY, OWN))) or ""
        q = self._one("q", str) or ""
        team, is_mine, team_ids = self._team()
        as_of = self._one("as_of", _day)
        status = self._one("status", _among(STATUSES)) or ViolationStatus.OPEN.value
        if as_of and status != ViolationStatus.OPEN.value:
            self.problems["status"] = "A past day knows only what was open: leave status out, or as_of."
            status = ViolationStatus.OPEN.value
        return Filters(
            clusters=clusters,
            environment=environment,
            namespace=self._one("namespace", lambda text: "" if text == CLUSTER_SCOPED else text),
            team=team,
            is_mine=is_mine,
            team_ids=team_ids,
            severities=tuple(self._each("severity", _severity)),
            policy=policy,
            standard=standard,
            category=category,
            origin=origin,
            q=q,
            status=status,
            as_of=as_of,
            cluster_ids=tuple(cluster.id for cluster in clusters) if "cluster" in dict(self.values) else None,
            policy_ids=self._policy_ids(policy, standard, category, origin),
            q_policy_ids=self._policies_like(q),
            values=tuple(self.values),
            problems=self.problems,
        )

    def _each(self, name: str, read: Callable[[str], Any]) -> list[Any]:
        """Every value of a repeatable parameter that can be read, once."""
        found: dict[str, Any] = {}
        for text in _given(self.params, name):
            try:
                found[text] = read(_clean(text))
            except (ValueError, LookupError) as error:
                self.problems[name] = _sentence(error, name)
        self.values += [(name, text) for text in found]
        return list(found.values())

    def _one(self, name: str, read: Callable[[str], Any]) -> Any:
        """The last value of a parameter, as Django reads it; None when absent or unreadable."""
        text = (self.params.get(name) or "").strip()
        if not text:
            return None
        try:
            value = read(_clean(text))
        except (ValueError, LookupError) as error:
            self.problems[name] = _sentence(error, name)
            return None
        self.values.append((name, text))
        return value

    def _team(self) -> tuple[Team | None, bool, tuple[UUID, ...] | None]:
        if "team" not in self.params and self.default_team and self.directory.my_teams:
            found: Any = MY_TEAMS
        else:
            found = self._one("team", self._read_team)
        if found is None or found == ALL_TEAMS:
            return None, False, None
        if found == MY_TEAMS:
            return None, True, tuple(team.id for team in self.directory.my_teams)
        return found, False, (found.id,)

    def _read_team(self, slug: str) -> Any:
        return slug if slug in (MY_TEAMS, ALL_TEAMS) else self.directory.team(slug)

    def _policy_ids(
        self, policy: Policy | None, standard: Standard | None, category: str, origin: str
    ) -> tuple[int, ...] | None:
        if policy is None and standard is None and not category and not origin:
            return None
        ids = {
            p.id
            for p in self.directory.policies.values()
            if (not category or p.category == category) and (not origin or p.is_own == (origin == OWN))
        }
        if policy is not None:
            ids &= {policy.id}
        if standard is not None:
            ids &= self.directory.standard_policy_ids[standard.slug]
        return tuple(sorted(ids))

    def _policies_like(self, q: str) -> tuple[int, ...]:
        if not q:
            return ()
        return tuple(p.id for p in self.directory.policies.values() if q.lower() in p.slug)


def _given(params: QueryDict, name: str) -> list[str]:
    """The values of a repeatable parameter, each once, empty ones left out."""
    return list(dict.fromkeys(text for value in params.getlist(name) if (text := value.strip())))


def _clean(text: str) -> str:
    if "\x00" in text:
        raise ValueError("A NUL character cannot be searched for.")
    if len(text) > MAX_TEXT:
        raise ValueError(f"At most {MAX_TEXT} characters, please.")
    return text


def _sentence(error: Exception, name: str) -> str:
    return str(error.args[0]) if error.args else f"Not a known {name}."


def _among(allowed: Iterable[str]) -> Callable[[str], str]:
    words = list(allowed)

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"One of {', '.join(words)}.")
        return text

    return read


def _severity(word: str) -> Severity:
    if word not in SEVERITY_WORDS:
        raise ValueError(f"One of {', '.join(SEVERITY_WORDS)}.")
    return SEVERITY_WORDS[word]


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("A day as YYYY-MM-DD, please.") from None
    if day > today():
        raise ValueError("That day is yet to come.")
    if day.year < 2000:
        raise ValueError("Nothing is known from before the year 2000.")
    return day
