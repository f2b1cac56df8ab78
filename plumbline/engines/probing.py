"""Running trees that tell which way they go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cel_expr_python import cel

from plumbline.engines import environments, references

PROBE: Final = "plumblineProbe"
"""A function of no environment in which sources are compiled, so that no source can call it."""


def serialized(source: str, names: tuple[str, ...]) -> bytes:
    """The checked tree of `source`, in the engine's envelope. Raises what the engine raises."""
    expression, _ = environments.compile(source, names)
    return environments.bound_at_once(bytes(expression.serialize()))


def probing_environment(report: Callable[[int, bool], bool]) -> Any:
    """An environment for trees in which a call of PROBE gives `report` a number and a truth value, and yields it."""
    implementation = references.builtin(PROBE, report, takes_containers=False)
    probe = cel.Overload("plumbline_probe", cel.Type.BOOL, [cel.Type.INT, cel.Type.BOOL], impl=implementation)
    return environments.run_environment(cel.CelExtension("plumbline.probes", [cel.FunctionDecl(PROBE, [probe])]))
