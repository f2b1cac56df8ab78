"""The JSON schemas of what Plumbline reads and posts."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


def load_schema(name: str) -> dict[str, Any]:
    """The schema `report-v1` or `policy-v1` as a fresh dict."""
    schema: dict[str, Any] = json.loads(text_of(name))
    return schema


def text_of(name: str) -> str:
    """The schema as it is published."""
    return Path(__file__).with_name(f"{name}.json").read_text("utf-8")


@cache
def validator(name: str) -> Any:
    """A compiled validator of the named schema."""
    return compiled(load_schema(name))


def compiled(schema: dict[str, Any]) -> Any:
    """A validator of `schema`. Raises ValueError or jsonschema_rs.ValidationError when it is no schema."""
    import jsonschema_rs  # here, because a scan with the library's own policies validates nothing

    return jsonschema_rs.validator_for(schema)


def first_problem(check: Any, instance: Any) -> tuple[list[str | int], str] | None:
    """The path and message of the deepest problem that `check` finds in `instance`, or None."""
    problems = [(list(error.instance_path), str(error.message)) for error in check.iter_errors(instance)]
    if not problems:
        return None
    path, message = max(problems, key=lambda problem: len(problem[0]))
    return path, message if len(message) <= 300 else f"{message[:60]} … {message[-230:]}"
