"""Standards, control by control: what the policies behind each control found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from common.errors import NotFound
from compliance.models import Policy, Standard
from compliance.posture import Posture, total

from .counts import NOTHING, Counts, counts_by_policy, sum_of_counts
from .directory import Directory
from .filters import Filters


@dataclass(frozen=True, slots=True)
class PolicyCounts:
    policy: Policy
    counts: Counts


@dataclass(frozen=True, slots=True)
class ControlRow:
    """A control with the verdicts of its policies, and the evidence that its manual part wants.

    One that no policy speaks for is manual: it has no verdict and counts in no score.
    """

    id: str
    title: str
    policies: tuple[PolicyCounts, ...]
    counts: Counts = NOTHING
    manual: str = ""
    is_automated: bool = True
    state: str = "manual"

    @property
    def worst_first(self) -> list[PolicyCounts]:
        """Its policies by the number of failing resources: some controls have dozens."""
        return sorted(self.policies, key=lambda p: (-p.counts.failed, p.policy.slug))

    @property
    def policy_slugs(self) -> list[str]:
        return [p.policy.slug for p in self.policies]


def control_row(control: dict[str, Any], policies: tuple[PolicyCounts, ...]) -> ControlRow:
    """A control out of its standard's document."""
    counts = sum_of_counts(policy.counts for policy in policies)
    manual, is_automated = control.get("manual") or "", bool(control.get("policies"))
    state = _state(counts, manual) if is_automated else "manual"
    return ControlRow(control["id"], control["title"], policies, counts, manual, is_automated, state)


def _state(counts: Counts, manual: str) -> str:
    """no_data, failing, incomplete (nothing fails, but not all was evaluated), partial (what policies see passes, the
    rest wants evidence) or passing.
    """
    if not counts.applicable:
        return "no_data"
    if counts.failed:
        return "failing"
    if counts.posture.coverage != 1:
        return "incomplete"
    return "partial" if manual else "passing"


@dataclass(frozen=True, slots=True)
class StandardRow:
    """A standard with its controls; `posture` weighs each check by its policy's severity and knows nothing of
    manual controls.
    """

    standard: Standard
    controls: tuple[ControlRow, ...]
    posture: Posture

    def count_of(self, *states: str) -> int:
        return sum(control.state in states for control in self.controls)

    @property
    def failing_count(self) -> int:
        return self.count_of("failing")

    @property
    def passing_count(self) -> int:
        return self.count_of("passing")

    @property
    def partial_count(self) -> int:
        return self.count_of("partial")

    @property
    def control_count(self) -> int:
        return len(self.controls)

    @property
    def manual_count(self) -> int:
        return self.count_of("manual")

    @property
    def automated_count(self) -> int:
        return len(self.controls) - self.manual_count


def standard_rows(filters: Filters, directory: Directory) -> list[StandardRow]:
    """All standards, by title. Four queries, however many controls they have."""
    counts = counts_by_policy(filters)
    standards = list(Standard.objects.order_by("title"))
    documents = {standard.slug: standard.document for standard in standards}
    return [_row(standard, documents, counts, directory) for standard in standards]


def standard_row(slug: str, filters: Filters, directory: Directory) -> StandardRow:
    """One standard with its controls. Raises NotFound."""
    for row in standard_rows(filters, directory):
        if row.standard.slug == slug:
            return row
    raise NotFound("No such standard.")


def _row(
    standard: Standard, documents: dict[str, Any], counts: dict[int, Counts], directory: Directory
) -> StandardRow:
    controls = tuple(
        control_row(control, tuple(_with_counts(control.get("policies") or (), counts, directory)))
        for control in _controls(standard.slug, documents, seen=set())
    )
    ids = directory.standard_policy_ids.get(standard.slug, set())
    posture = total(counts[i].weighted(directory.policies_by_id[i].weight) for i in ids if i in counts)
    return StandardRow(standard=standard, controls=controls, posture=posture)


def _with_counts(
    slugs: Iterable[str], counts: dict[int, Counts], directory: Directory
) -> Iterable[PolicyCounts]:
    for slug in slugs:
        policy = directory.library.get(slug)
        if policy is not None:
            yield PolicyCounts(policy, counts.get(policy.id, NOTHING))


def _controls(slug: str, documents: dict[str, Any], seen: set[str]) -> list[dict[str, Any]]:
    """The controls of a standard after those of the one that it extends; each id once, its own word last."""
    if slug in seen or slug not in documents:
        return []
    seen.add(slug)
    spec = documents[slug].get("spec", documents[slug])
    inherited = _controls(spec["extends"], documents, seen) if spec.get("extends") else []
    own = spec.get("controls") or []
    own_ids = {control["id"] for control in own}
    return [control for control in inherited if control["id"] not in own_ids] + own
