"""Violations that somebody answers for: they become skips that name their exception, until it expires."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from plumbline.policies import Policy
from plumbline.resources import Resource
from plumbline.results import Outcome, Result
from plumbline.scopes import Scope, ScopeMatch, Scopes

Clock = Callable[[], datetime]
State = Literal["used", "unused", "expired", "requested", "elsewhere", "ignored"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PolicyException:
    """`policies` are ids or patterns of them; without `rules`, every rule is meant. `until` is the expiry as it was
    written. Without `approved_by` it is only requested, and excepts nothing.
    """

    name: str
    policies: tuple[str, ...]
    match: ScopeMatch
    reason: str
    owner: str
    expires_at: datetime
    until: str
    rules: tuple[str, ...] = ()
    approved_by: str | None = None
    file: str | None = None
    line: int | None = None

    def concerns(self, policy: str) -> bool:
        return any(policy == pattern or fnmatchcase(policy, pattern) for pattern in self.policies)


class Standing(NamedTuple):
    """What became of an exception.

    `state`: *used*; *unused* when it excepted nothing; *expired* or *requested* (nobody approved it), so that it was
    not applied; *elsewhere* when it could not concern what was evaluated; *ignored* when it stood among the manifests.
    `results` counts what it excepted, `detail` says why it did nothing.
    """

    name: str
    policies: tuple[str, ...]
    state: State
    results: int = 0
    owner: str | None = None
    until: str | None = None
    detail: str = ""
    file: str | None = None
    line: int | None = None


@dataclass(slots=True)
class ExceptionSet:
    """Exceptions as they apply to an evaluation of `policies`."""

    exceptions: tuple[PolicyException, ...]
    policies: tuple[Policy, ...]
    scopes: Scopes
    clock: Clock = _now
    _by_policy: dict[str, tuple[PolicyException, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        approved = [item for item in self.exceptions if item.approved_by is not None]
        # Several may hold for one result: the most specific one is named, of equals the one that lasts longest.
        approved.sort(key=lambda item: item.name)
        approved.sort(key=lambda item: (item.match.rank, item.expires_at), reverse=True)
        by_policy = {
            policy.id: tuple(item for item in approved if item.concerns(policy.id)) for policy in self.policies
        }
        self._by_policy = {name: items for name, items in by_policy.items() if items}

    def apply(self, resource: Resource, outcome: Outcome) -> None:
        """Turn violations that are excepted into skips. Passes and errors stay what they are: nobody knows what an
        error would have said.
        """
        if not outcome.failed or not self._by_policy:
            return
        scope: Scope | None = None
        for index, result in enumerate(outcome.results):
            candidates = self._by_policy.get(result.policy) if result.status == "fail" else None
            if candidates is None:
                continue
            scope = scope or self.scopes.of(resource)
            exception = self._exception_of(result, candidates, scope)
            if exception is not None:
                outcome.results[index] = _excepted(result, exception)
                outcome.failed -= 1
                outcome.skipped += 1

    def _exception_of(
        self, result: Result, candidates: Iterable[PolicyException], scope: Scope
    ) -> PolicyException | None:
        holding = (
            item for item in candidates if (not item.rules or result.rule in item.rules) and item.match.holds(scope)
        )
        return next((item for item in holding if item.expires_at > self.clock()), None)

    def standings(self, counts: Mapping[str | None, int]) -> list[Standing]:
        """What became of each exception, given how many results name it, in the order in which they were given."""
        return [self._standing(item, counts.get(item.name, 0)) for item in self.exceptions]

    def _standing(self, item: PolicyException, count: int) -> Standing:
        state, detail = self._state(item, count)
        return Standing(item.name, item.policies, state, count, item.owner, item.until, detail, item.file, item.line)

    def _state(self, item: PolicyException, count: int) -> tuple[State, str]:
        if count:
            return "used", ""
        if item.expires_at <= self.clock():
            return "expired", "was not applied: it has expired"
        if item.approved_by is None:
            return "requested", "was not applied: nobody has approved it (approvedBy)"
        elsewhere = self._elsewhere(item)
        if elsewhere:
            return "elsewhere", elsewhere
        return "unused", "excepts nothing: remove it, or mend its match"

    def _elsewhere(self, item: PolicyException) -> str:
        match, scopes = item.match, self.scopes
        if not any(item.concerns(policy.id) for policy in self.policies):
            return "its policies were not evaluated"
        for name, wanted, here in (
            ("cluster", ScopeMatch(clusters=match.clusters), scopes.cluster),
            ("environment", ScopeMatch(environments=match.environments), scopes.environment),
        ):
            if not wanted.is_here(scopes.cluster, scopes.environment):
                meant = ", ".join(wanted.clusters or wanted.environments)
                return f"is for the {name} {meant}, " + (f"not {here}" if here else "and none was named")
        if match.teams and not scopes.has_team(match.teams):
            return f"no team {', '.join(match.teams)} is known to own namespaces"
        if match.namespace_selector and not scopes.namespaces:
            return "selects by labels of Namespaces, and no Namespaces were given"
        return ""


def _excepted(result: Result, exception: PolicyException) -> Result:
    message = f"excepted by {exception.name} until {exception.until}: {' '.join(exception.reason.split())}"
    violation = f" ({result.message})" if result.message else ""
    return result._replace(status="skip", message=message + violation, fix=None, exception=exception.name)
