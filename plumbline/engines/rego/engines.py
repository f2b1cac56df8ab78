"""What every Rego engine does: compile the modules of a policy, and answer for inputs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, Protocol

from plumbline.engines.rego.errors import EngineError
from plumbline.engines.rego.linking import Linked

QUERY_SECONDS: Final = 5.0
"""How long one rule may take for one input."""

MAX_STOPS: Final = 3

Answer = Any
"""The value of a rule as JSON, or an EngineError that says why there is none."""

_keys = itertools.count(1)


class Input:
    """What a policy is asked about, without `parameters`. Engines may remember it by its key."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value
        self.key = str(next(_keys))

    @cached_property
    def text(self) -> str:
        """As JSON."""
        return json.dumps(self.value, ensure_ascii=False)


class Query(Protocol):
    """A compiled policy: one rule, with its parameters."""

    def answers(self, inputs: Sequence[Input], inventory: Inventory | None = None) -> list[Answer]:
        """The rule's value for each input, or an EngineError in its place. Never raises."""


class Inventory:
    """`data.inventory`: other objects. Engines take it in once for each that they have not seen."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value
        self.key = str(next(_keys))


class RegoEngine(Protocol):
    """Evaluates programs. `name` is for people: `OPA 1.4.0`, `regopy 1.5.2`."""

    @property
    def name(self) -> str: ...

    def compile(self, linked: Linked, rule: str, parameters: Any) -> Query:
        """A query for `rule` of the first module's package. Raises RegoError for what is wrong with the modules, and
        EngineError when the engine cannot be reached.
        """

    def close(self) -> None:
        """Give back what the engine holds. It must not be used any more."""


class Patience:
    """How often a policy may stop its engine before it is not asked any more."""

    def __init__(self) -> None:
        self._last: EngineError | None = None
        self._stops = 0

    def note(self, error: EngineError) -> EngineError:
        """Count one stop; the error, for the answer."""
        self._last = error
        self._stops += 1
        return error

    @property
    def exhausted(self) -> EngineError | None:
        """The answer to all further inputs, once there is no patience left."""
        if self._stops < MAX_STOPS or self._last is None:
            return None
        return EngineError(f"{self._last}; after {MAX_STOPS} times the policy is not asked again")


def undefined(rule: str) -> EngineError:
    """The answer for a rule that has no value."""
    return EngineError(f"{rule} is undefined: the policy has no verdict")
