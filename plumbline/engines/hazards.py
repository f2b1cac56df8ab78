"""What the engine does not bound by itself: values that double at each step, and optionals that would end the process.

Only sources that look like it are looked into: the others, nearly all, cost a search for a few words.
"""

from __future__ import annotations

import re

from plumbline.engines.trees import Node, tree

MAX_GROWTH = 10_000
"""How many times over an expression may contain the values that it is given."""

_STEPS = re.compile(r"\+|\.\s*(?:map|filter|transform\w*|optMap|optFlatMap|sortBy)\s*\(|\bcel\s*\.\s*bind")
_MANY_STEPS = 12  # as many as it takes to double something 4,096 times
_MAP = re.compile(r"\{\s*[^\s}]|transformMap")
_OPTIONAL = re.compile(
    r"\.\s*\?|[\[{,]\s*\?|\boptional\s*\.|\.\s*(?:opt(?:Flat)?Map|first|last|validat\w|name[d_])\s*\("
)
_UNTYPED = "_[?_]"  # yields an optional that the engine does not know as one, when it selects from an object
_ENDS = frozenset(("orValue", "value", "hasValue", "or", "_?._", _UNTYPED))
_SCALARS = {bytes((0x18, primitive)) for primitive in range(1, 5)}  # bool, int, uint, double


def is_suspect(source: str) -> bool:
    """Whether `source` may do what `problem` looks for."""
    if _MAP.search(source) and _OPTIONAL.search(source):
        return True
    return len(_STEPS.findall(source)) >= _MANY_STEPS


def problem(serialized: bytes) -> str | None:
    """What is wrong with a checked expression, as the engine serializes it."""
    root = tree(serialized)
    if any(_hides_optional(node) for node in root.walk()):
        return "an optional cannot be kept in a map, nor be of unknown type: end it with orValue(...) or value()"
    if _growth(root, {}) > MAX_GROWTH:
        return f"the expression repeats what it is given more than {MAX_GROWTH} times over"
    return None


def _hides_optional(node: Node) -> bool:
    """Whether an optional goes where its type is lost, or into a map: the binding cannot hand such a map over."""
    children = node.children
    if any(child.name == _UNTYPED and not child.is_optional for child in children) and node.name not in _ENDS:
        return True
    match node.kind, node.name:
        case "map", _:
            values = [child for at, child in enumerate(children) if at % 2 and at not in node.optional_entries]
            return any(value.is_optional for value in values)
        case "list", _:
            lost = b"optional_type" not in node.type
            return lost and any(
                child.is_optional for at, child in enumerate(children) if at not in node.optional_entries
            )
        case "call", "dyn" | "cel.@mapInsert":
            return any(child.is_optional for child in children)
        case "call", "_?_:_":
            return not node.is_optional and any(child.is_optional for child in children[1:])
    return False


def _growth(node: Node, bound: dict[str, int]) -> int:
    """How many of the values that it is given the value of `node` can contain; `bound`: the same for variables."""
    if node.kind == "comprehension":
        return _growth_of_comprehension(node, bound)
    if node.kind == "identifier":
        return bound.get(node.name, 1)
    below = [_growth(child, bound) for child in node.children]
    if node.kind in ("list", "map"):
        return max(1, sum(below))
    if node.kind != "call" or not below or node.type in _SCALARS:
        return below[0] if node.kind == "select" else 1
    if node.name in ("_+_", "cel.@mapInsert"):
        return sum(below)
    return max(below)


def _growth_of_comprehension(node: Node, bound: dict[str, int]) -> int:
    over, start, condition, step, result = node.children
    one, other, accumulator = node.bound
    ranged = _growth(over, bound)
    inside = {**bound, one: ranged, other: ranged, accumulator: _growth(start, bound)}
    _growth(condition, inside)
    return _growth(result, {**inside, accumulator: _growth(step, inside)})
