"""What a policy is: whom it judges, by which rules, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from plumbline.kinds import CORE_KINDS
from plumbline.resources import pod_spec_path
from plumbline.results import Severity
from plumbline.schemas import compiled, first_problem

if TYPE_CHECKING:
    from plumbline.judges import Judge

Elements = Literal["containers", "mainContainers", "volumes"]
ELEMENT_NAMES: dict[str, str] = {
    "containers": "container",
    "mainContainers": "container",
    "volumes": "volume",
}


class PolicyError(ValueError):
    """A policy that cannot be used; `str()` names the file, the field, the column and what is wrong."""

    def __init__(
        self, message: str, *, file: str | None = None, field: str | None = None, column: int | None = None
    ) -> None:
        where = [part for part in (file, field, f"column {column}" if column else None) if part]
        super().__init__(": ".join((*where, message)))
        self.message, self.file, self.field, self.column = message, file, field, column


@dataclass(frozen=True, slots=True)
class Each:
    """What a rule is evaluated for: `inside` names containers or volumes, `over` a list in each of them or
    in the object.
    """

    inside: Elements | None = None
    over: str | None = None
    variable: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names bound in the rule's expressions, the innermost last."""
        outer = (ELEMENT_NAMES[self.inside],) if self.inside else ()
        return (*outer, self.variable) if self.variable else outer


@dataclass(frozen=True, slots=True)
class FixStep:
    """One operation of a fix: `set` a value (or what an expression yields) or `remove` what is at `path`."""

    op: Literal["set", "remove"]
    path: str
    value: Any = None
    value_expression: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    expression: str
    path: str
    each: Each | None = None
    message: str | None = None
    message_expression: str | None = None
    is_sensitive: bool = False
    fix: tuple[FixStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Related:
    """Other objects of the set that a policy's expressions see as `related.<name>`.

    Those of `kinds` in the judged object's namespace (or anywhere, when `is_anywhere`), narrowed by at most one
    of: the selector at `selecting` in them selects the judged workload's pods; the selector at `selected_by` in the
    judged object selects theirs; one of their `key`s is one of the judged object's `lookup`s. `is_required`: a
    lookup that finds nothing makes the result a skip.
    """

    name: str
    kinds: tuple[str, ...]
    is_anywhere: bool = False
    selecting: str | None = None
    selected_by: str | None = None
    key: str | None = None
    lookup: str | None = None
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """Which objects a policy judges."""

    kinds: tuple[str, ...]
    excluded_namespaces: tuple[str, ...] = ()

    def covers(self, group: str, kind: str) -> bool:
        """Whether the policy judges objects of this kind, wherever it does not exclude their namespace."""
        return any(matches_kind(pattern, group, kind) for pattern in self.kinds)


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """`format` names the kind of document that it was read from; one that is not ours brings the `judge` that evaluates
    it, and has no rules of its own.
    """

    id: str
    title: str
    category: str
    severity: Severity
    why: str
    guidance: str
    match: Match
    rules: tuple[Rule, ...]
    severity_reason: str = ""
    references: tuple[str, ...] = ()
    controls: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parameters_schema: dict[str, Any] | None = None
    parameter_defaults: dict[str, Any] = field(default_factory=dict)
    variables: tuple[tuple[str, str], ...] = ()
    related: tuple[Related, ...] = ()
    file: str | None = None
    is_proven: bool = False
    format: str = "Policy"
    judge: Judge | None = None

    def parameters(self, given: dict[str, Any] | None) -> dict[str, Any]:
        """The defaults with `given` laid over them. PolicyError names the parameter that does not fit the
        schema.
        """
        if self.parameters_schema is None:
            if given:
                raise PolicyError("takes no parameters", field=self.id)
            return {}
        merged = {**self.parameter_defaults, **(given or {})}
        if not given and self.is_proven:
            return merged
        problem = first_problem(compiled(self.parameters_schema), merged)
        if problem is not None:
            path, message = problem
            raise PolicyError(message, field=".".join(("parameters of", self.id)).replace("of.", "of ") + dotted(path))
        return merged


def is_excluded(namespace: str, pattern: str) -> bool:
    """Whether a namespace, `""` for none, is excluded by a name, which may hold `*`."""
    return bool(namespace) and fnmatchcase(namespace, pattern)


def matches_kind(pattern: str, group: str, kind: str) -> bool:
    """Whether a pattern means objects of this group and kind: `*`, `workloads`, `group/Kind`, or `Kind` of any group,
    where the name of a core kind means that one alone (a Knative Service is no Service).
    """
    if pattern == "*":
        return True
    if pattern == "workloads":
        return pod_spec_path(kind, group) is not None
    wanted, slash, name = pattern.rpartition("/")
    if name != kind:
        return False
    return wanted == group if slash else not group or kind not in CORE_KINDS


def dotted(path: list[str | int]) -> str:
    """Steps of a document as text that follows a name: `.spec.rules[0]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
