"""Paths into Kubernetes objects: `spec.containers[0].image` as text, `("spec", "containers", 0, "image")` as
steps.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

Step = str | int
Path = tuple[Step, ...]

_STEP = re.compile(r"""\.?([^.\[\]"']+)|\[(\d+)\]|\[(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\]""")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_$][A-Za-z0-9_$/-]*")
_ESCAPE = re.compile(r"\\(.)")
_MAX_NAME: Final = 128


class Missing:
    """The type of `MISSING`, which stands for a field that is not there (null is a value of its own)."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


@lru_cache(maxsize=16_384)
def parse(text: str) -> Path:
    """Steps of a dotted path. Keys with dots are quoted: `labels["app.kubernetes.io/name"]`. ValueError if
    malformed.
    """
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or (at == 0 and text[0] == "."):
            raise ValueError(f"{text!r} is not a path: unexpected {text[at]!r} at column {at + 1}")
        key, index, double, single = found.groups()
        if index is not None:
            steps.append(int(index))
        elif key is not None:
            if at and text[at] != ".":
                raise ValueError(f"{text!r} is not a path: a dot is missing at column {at + 1}")
            steps.append(key)
        else:
            steps.append(_ESCAPE.sub(r"\1", double if double is not None else single))
        at = found.end()
    return tuple(steps)


def render(path: Path) -> str:
    """The text of a path; the inverse of `parse`."""
    parts: list[str] = []
    for step in path:
        if step.__class__ is int:
            parts.append(f"[{step}]")
        elif _is_plain(step):
            parts.append(f".{step}" if parts else str(step))
        else:
            quoted = str(step).replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'["{quoted}"]')
    return "".join(parts)


@lru_cache(maxsize=4096)
def _is_plain(key: str) -> bool:
    return _PLAIN_KEY.fullmatch(key) is not None


def lookup(value: Any, path: Path) -> Any:
    """The value at `path`, or `MISSING`."""
    for step in path:
        if value.__class__ is dict:
            value = value.get(step, MISSING)
            if value is MISSING:
                return MISSING
        elif value.__class__ is list and step.__class__ is int and step < len(value):
            value = value[step]
        else:
            return MISSING
    return value


def place(value: Any, path: Path) -> str:
    """The path with list indexes replaced by names (`containers[web]`), so that reordering a list changes
    nothing.

    An element is named by its `name`, a scalar by itself; what has no name, or shares it with a sibling,
    keeps its index.
    """
    parts: list[str] = []
    for step in path:
        if step.__class__ is int:
            parts.append(f"[{_element_name(value, step)}]")
        else:
            parts.append(f".{step}" if parts else str(step))
        value = lookup(value, (step,))
    return "".join(parts)


def _element_name(siblings: Any, index: int) -> str:
    if siblings.__class__ is not list or index >= len(siblings):
        return str(index)
    name = _name_of(siblings[index])
    if name is None or any(i != index and _name_of(other) == name for i, other in enumerate(siblings)):
        return str(index)
    return name[:_MAX_NAME]


def _name_of(element: Any) -> str | None:
    if isinstance(element, dict):
        element = element.get("name")
    if isinstance(element, str) and element:
        return element
    return None if element is None or isinstance(element, dict | list | bool | str) else str(element)
