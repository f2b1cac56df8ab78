"""The Rego engines of this machine: the built-in one, and an `opa` where there is one."""

from collections.abc import Callable
from typing import Any

from plumbline.engines.rego.engines import Input, Inventory, RegoEngine
from plumbline.engines.rego.linking import Module, link
from plumbline.engines.rego.regopy_engine import RegopyEngine
from plumbline.engines.rego.servers import OwnOpaEngine, find_binary

Start = Callable[[float], RegoEngine]


def _regopy(seconds: float) -> RegoEngine:
    return RegopyEngine(seconds)


def _opa(seconds: float) -> RegoEngine:
    binary = find_binary()
    assert binary is not None
    return OwnOpaEngine(binary, seconds=seconds)


STARTS: dict[str, Start] = {"regopy": _regopy, **({"opa": _opa} if find_binary() else {})}


def asked(
    engine: RegoEngine,
    source: str,
    *values: dict[str, Any],
    rule: str = "p",
    parameters: Any = None,
    inventory: dict[str, Any] | None = None,
    libs: tuple[str, ...] = (),
) -> list[Any]:
    """The rule's value for each input."""
    modules = [Module("main", source), *(Module(f"lib {index}", text) for index, text in enumerate(libs))]
    query = engine.compile(link(modules), rule, {} if parameters is None else parameters)
    facts = Inventory(inventory) if inventory is not None else None
    return query.answers([Input(value) for value in values or ({},)], facts)
