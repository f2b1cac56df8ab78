"""Expressions evaluated on a small object, for tables of cases."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.engines.cel import CompileError, ExpressionError, activate, compile_expression

OBJECT: dict[str, Any] = {
    "name": "web",
    "empty": None,
    "replicas": 3,
    "ratio": 1.5,
    "memory": "1500m",
    "ports": [80, 443],
    "teams": ["b", "a"],
    "mixed": [1, "a"],
    "labels": {"app": "web", "tier": "front"},
    "counts": {"a": 2, "b": 1},
}


def value_of(source: str) -> Any:
    """What `source` yields."""
    return compile_expression(source).evaluate(activate({"object": OBJECT}))


def error_of(source: str) -> str:
    """Why `source`, which compiles, cannot be evaluated."""
    program = compile_expression(source)
    with pytest.raises(ExpressionError) as caught:
        program.evaluate(activate({"object": OBJECT}))
    return str(caught.value)


def refusal_of(source: str) -> CompileError:
    """Why `source` does not compile."""
    with pytest.raises(CompileError) as caught:
        compile_expression(source)
    return caught.value
