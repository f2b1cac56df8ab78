"""The JSON schemas of what Plumbline reads and posts."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs


def load_schema(name: str) -> dict[str, Any]:
    """The schema `report-v1` or `policy-v1` as a fresh dict."""
    schema: dict[str, Any] = json.loads(files(__name__).joinpath(f"{name}.json").read_text("utf-8"))
    return schema


@cache
def validator(name: str) -> Any:
    """A compiled validator of the named schema."""
    return jsonschema_rs.validator_for(load_schema(name))


def first_problem(check: Any, instance: Any) -> tuple[list[str | int], str] | None:
    """The path and message of the deepest problem that `check` finds in `instance`, or None."""
    problems = [(list(error.instance_path), str(error.message)) for error in check.iter_errors(instance)]
    if not problems:
        return None
    path, message = max(problems, key=lambda problem: len(problem[0]))
    return path, message if len(message) <= 300 else message[:297] + "..."
