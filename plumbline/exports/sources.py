"""Sources of library expressions rewritten for engines that evaluate one expression for a whole object."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from plumbline import paths
from plumbline.engines.expressions import LITERAL
from plumbline.messages import UNNAMED, Template

_ROOT = re.compile(
    rf"{LITERAL}"
    r"|(?<![\w.])(?<!\.\?)variables\s*\.\s*(?P<variable>[A-Za-z_]\w*)"
    r"|(?<![\w.])(?<!\.\?)(?P<root>object|params)\b",
    re.DOTALL,
)
_PLAIN_FIELD = re.compile(r"[A-Za-z_]\w*")


def rewrite(source: str, roots: Mapping[str, str], variable: Callable[[str], str]) -> str:
    """`source` with the names in `roots` replaced, and each `variables.X` by what `variable(X)` says."""

    def replace(found: re.Match[str]) -> str:
        if found["variable"]:
            return variable(found["variable"])
        if found["root"]:
            return roots.get(found["root"], found["root"])
        return found[0]

    return _ROOT.sub(replace, source)


def chain(root: str, path: paths.Path) -> str:
    """`root` with each step of the path selected as an optional: absent anywhere makes an absent whole."""
    text = root
    for step in path:
        if isinstance(step, int):
            text += f"[?{step}]"
        elif _PLAIN_FIELD.fullmatch(step):
            text += f".?{step}"
        else:
            text += f"[?{json.dumps(step)}]"
    return text


def message(text: str, root_of: Callable[[paths.Path], tuple[str, paths.Path]]) -> str:
    """A message with fields in it as an expression that yields the same text.

    `root_of` resolves what a field names into an expression and the path below it. Where nothing is there, the text
    says `(unnamed)`, and `null` of what was found.
    """
    parts = []
    for piece, path in Template(text).parts:
        if path is None:
            parts.append(quoted(piece))
            continue
        root, below = root_of(path)
        absent = "null" if path[0] == "found" else UNNAMED
        # Without a path the value is there; `string` fails for what is neither text, number nor boolean.
        parts.append(f"string({chain(root, below)}.orValue({quoted(absent)}))" if below else f"string({root})")
    return " + ".join(parts) or "''"


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def literal(value: Any) -> str:
    """JSON data as an expression. Values of maps and lists are dynamic: the API server wants them of one type."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(str(key))}: dyn({literal(item)})" for key, item in value.items()) + "}"
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return "[" + ", ".join(map(literal, value)) + "]"
        return "[" + ", ".join(f"dyn({literal(item)})" for item in value) + "]"
    if isinstance(value, str):
        return quoted(value)
    return json.dumps(value)
