"""One policy of Weave's, asked about one object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from plumbline import paths
from plumbline.dialects.questions import Question, with_namespace
from plumbline.engines.rego.engines import Answer, RegoEngine
from plumbline.engines.rego.errors import EngineError, RegoError
from plumbline.engines.rego.linking import Linked, uses_inventory
from plumbline.inventories import Inventory
from plumbline.judges import Verdict
from plumbline.nulls import without_nulls
from plumbline.resources import Resource

RULE: Final = "violation"
_FORM: Final = "weave"
_MAX_VIOLATIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class Targets:
    """Which objects a policy is about; what is empty narrows nothing."""

    kinds: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    labels: tuple[Mapping[str, str], ...] = ()
    excluded_namespaces: tuple[str, ...] = ()
    excluded_resources: tuple[str, ...] = ()
    excluded_labels: tuple[Mapping[str, str], ...] = ()

    def covers(self, resource: Resource) -> bool:
        """Whether the policy is about the object."""
        namespace = _namespace(resource)
        if self.kinds and resource.kind not in self.kinds:
            return False
        if self.namespaces and namespace not in self.namespaces:
            return False
        if self.labels and not _has_any(self.labels, resource.labels):
            return False
        return not (
            namespace in self.excluded_namespaces
            or f"{namespace}/{resource.name}" in self.excluded_resources
            or _has_any(self.excluded_labels, resource.labels)
        )


class WeaveJudge:
    """The `violation` rule of a policy's code, with parameters that may be given otherwise."""

    needs_inventory = True

    def __init__(self, engine: RegoEngine, linked: Linked, targets: Targets, parameters: dict[str, Any]) -> None:
        """Raises RegoError and EngineError, as compiling does."""
        self.targets = targets
        self._engine, self._linked = engine, linked
        self._uses_inventory = uses_inventory(linked)
        self._questions: dict[str, Question] = {}
        self._question(parameters)

    @property
    def engine(self) -> str:
        return self._engine.name

    def judge(
        self, resource: Resource, inventory: Inventory, params: dict[str, Any]
    ) -> Sequence[Verdict] | None:
        """As `Judge.judge`."""
        if not self.targets.covers(resource):
            return None
        try:
            answer = self._question(params).ask(resource, inventory)
        except (RegoError, EngineError) as error:
            answer = EngineError(str(error))
        return verdicts_of(answer, resource.object)

    def _question(self, parameters: dict[str, Any]) -> Question:
        key = json.dumps(parameters, sort_keys=True, default=str)
        if key not in self._questions:
            self._questions[key] = Question(
                self._engine.compile(self._linked, RULE, parameters),
                _FORM,
                lambda resource, _: input_of(resource),
                lambda resource, _: self.targets.covers(resource),
                uses_inventory=self._uses_inventory,
            )
        return self._questions[key]


def input_of(resource: Resource) -> dict[str, Any]:
    """`input` without parameters."""
    return {"review": {"object": with_namespace(without_nulls(resource.object), resource)}}


def verdicts_of(answer: Answer, obj: dict[str, Any]) -> Sequence[Verdict]:
    """Verdicts of what a `violation` rule yields: a set of objects with `msg`, and `violating_key` where it has one."""
    if isinstance(answer, EngineError):
        return [Verdict(RULE, "error", str(answer))]
    if not isinstance(answer, list):
        return [Verdict(RULE, "error", f"{RULE} must be a set, and yields {answer!r:.80}")]
    found = dict.fromkeys(_violation(item, obj) for item in answer[:_MAX_VIOLATIONS])
    if len(answer) > _MAX_VIOLATIONS:
        rest = len(answer) - _MAX_VIOLATIONS
        found[Verdict(RULE, "fail", f"and {rest} more violations, which are not listed")] = None
    return list(found) or [Verdict(RULE, "pass", "")]


def _violation(item: Any, obj: dict[str, Any]) -> Verdict:
    if not isinstance(item, dict) or not isinstance(item.get("msg"), str):
        return Verdict(RULE, "error", f"a violation must have a msg that is text, and this has none: {item!r:.200}")
    key = item.get("violating_key")
    return Verdict(RULE, "fail", item["msg"], _place(key, obj) if isinstance(key, str) else ())


def _place(text: str, obj: dict[str, Any]) -> paths.Path:
    """The path that `violating_key` writes, when the object has it or at least what it would be in."""
    try:
        path = paths.parse(text)
    except ValueError:
        return ()
    return path if path and paths.lookup(obj, path[:-1]) is not paths.MISSING else ()


def _namespace(resource: Resource) -> str:
    metadata = with_namespace(resource.object, resource).get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    return namespace if isinstance(namespace, str) else ""


def _has_any(wanted: Sequence[Mapping[str, str]], labels: Mapping[str, str]) -> bool:
    """Whether one of the entries has a label that the object has; `*` is any value."""
    return any(
        key in labels and value in ("*", labels[key]) for entry in wanted for key, value in entry.items()
    )
