"""How policies that are not written as rules judge: whole objects, each in a way of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from plumbline import paths
from plumbline.inventories import Inventory
from plumbline.resources import Resource
from plumbline.results import Status


class Verdict(NamedTuple):
    """What one rule says of an object; `path` leads to the field that it is about, () to the object."""

    rule: str
    status: Status
    message: str
    path: paths.Path = ()


class Judge(Protocol):
    """The evaluation of one policy in its own format.

    `engine` names what evaluates it, for people: `CEL`, `OPA 1.4`. `needs_inventory` says whether verdicts depend on
    other objects of the set.
    """

    @property
    def engine(self) -> str: ...

    @property
    def needs_inventory(self) -> bool: ...

    def judge(
        self, resource: Resource, inventory: Inventory, params: dict[str, Any]
    ) -> Sequence[Verdict] | None:
        """A verdict for each rule; None when the policy does not apply to this object. Never raises: what cannot be
        evaluated is a verdict with status `error`.
        """
