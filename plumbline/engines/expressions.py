"""Sources of CEL programs: many policies share one activation, so their variables and parameters get names
of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from plumbline.engines.cel import CompileError

COMPOSED = ("podSpec", "podMetadata")

LITERAL = (
    r'''(?P<text>[bB]?[rR][bB]?(?:"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"[^"\n]*"|'[^'\n]*')'''
    r'''|[bB]?(?:"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')'''
    r"|//[^\n]*)"
)
_TOKEN = re.compile(
    rf"{LITERAL}"
    r"|(?<![\w.])variables\b(?:\s*\.\s*(?P<variable>[A-Za-z_]\w*))?"
    r"|(?<![\w.])(?P<params>params)\b",
    re.DOTALL,
)
_HAS_BOUND = re.compile(r"\bhas\s*\(\s*v_\w+\s*\)")
_RELATED = re.compile(rf"{LITERAL}|(?<![\w.])related\s*\.\s*\??(?P<related>[A-Za-z_]\w*)", re.DOTALL)


def variables_of(source: str) -> list[str]:
    """The names X of every `variables.X` in `source`, in order, composed ones included."""
    return [found["variable"] for found in _TOKEN.finditer(source) if found["variable"]]


def related_of(source: str) -> list[str]:
    """The names X of every `related.X` in `source`, in order."""
    return [found["related"] for found in _RELATED.finditer(source) if found["related"]]


def names_params(source: str) -> bool:
    """Whether `source` reads `params`."""
    return any(found["params"] for found in _TOKEN.finditer(source))


def check_variables(source: str, known: Iterable[str], composed: Iterable[str] = COMPOSED) -> None:
    """Raises CompileError when `source` names a variable that is neither in `composed` nor in `known`."""
    names = {*composed, *known}
    for found in _TOKEN.finditer(source):
        if found["text"] or found["params"]:
            continue
        line = source.count("\n", 0, found.start()) + 1
        column = found.start() - source.rfind("\n", 0, found.start())
        if found["variable"] is None:
            raise CompileError("`variables` must be followed by a dot and a name", line, column)
        if found["variable"] not in names:
            raise CompileError(f"unknown variable {found['variable']}", line, column)


def scoped(source: str, policy: str, variables: Sequence[tuple[str, str]]) -> str:
    """`source` with the variables it needs bound around it, and `params` read from this policy's entry.

    A binding is lazy in the engine: a variable that the expression's path does not reach costs nothing.
    """
    definitions = dict(variables)
    if "params" not in source and not any(name in source for name in definitions):
        return source
    needed = _closure(source, definitions)
    prefix = re.sub(r"\W", "_", policy)
    body = _rename(source, policy, prefix, definitions)
    for name, definition in reversed([item for item in variables if item[0] in needed]):
        bound = _rename(definition, policy, prefix, definitions)
        body = f"cel.bind(v_{prefix}_{name}, {bound}\n, {body}\n)"
    return body


def _closure(source: str, definitions: dict[str, str]) -> set[str]:
    needed: set[str] = set()
    waiting = [source]
    while waiting:
        for name in variables_of(waiting.pop()):
            if name in definitions and name not in needed:
                needed.add(name)
                waiting.append(definitions[name])
    return needed


def _rename(source: str, policy: str, prefix: str, definitions: dict[str, str]) -> str:
    def replace(found: re.Match[str]) -> str:
        if found["variable"] in definitions:
            return f"v_{prefix}_{found['variable']}"
        if found["params"]:
            return f"params[{json.dumps(policy)}]"
        return found[0]

    # A variable is there whenever it is defined, even as null; bound by its name it is no field that `has` could test.
    return _HAS_BOUND.sub("true", _TOKEN.sub(replace, source))
