"""What the engine does not bound by itself: values that double at each step, and optionals that would end the process.

Only sources that look like it are looked into: the others, nearly all, cost a search for a few words.
"""

from __future__ import annotations

import re

from plumbline.engines.trees import Node, tree

MAX_GROWTH = 10_000
"""How many times over an expression may contain the values that it is given."""

MAX_OPTIONAL_MACROS = 10
"""Each of them in a chain doubles the tree that the engine checks."""

_DOUBLING = re.compile(r"\.\s*opt(?:Flat)?Map\s*\(")
_STEPS = re.compile(r"\+|\.\s*(?:map|filter|transform\w*|optMap|optFlatMap|sortBy)\s*\(|\bcel\s*\.\s*bind")
_MANY_STEPS = 12  # as many as it takes to double something 4,096 times
_MAP = re.compile(r"\{\s*[^\s}]|transformMap")
_OPTIONAL = re.compile(
    r"\.\s*\?|[\[{,]\s*\?|\boptional\s*\.|\.\s*(?:opt(?:Flat)?Map|first|last|validat\w|name[d_])\s*\("
)
_UNTYPED = "_[?_]"  # yields an optional that the engine does not know as one, when it selects from an object
_ENDS = frozenset(("orValue", "value", "hasValue", "or", "_?._", _UNTYPED))
_SCALARS = {bytes((0x18, primitive)) for primitive in range(1, 5)}  # bool, int, uint, double


def doubled_macros(source: str) -> str | None:
    """Why `source` must not even be compiled."""
    if len(_DOUBLING.findall(source)) > MAX_OPTIONAL_MACROS:
        return f"optMap and optFlatMap are there more than {MAX_OPTIONAL_MACROS} times"
    return None


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
    growth = _Growth()
    growth.of(root, {})
    if growth.peak > MAX_GROWTH:
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


class _Growth:
    """How many of the values that it is given a value can contain: at most, and at the `peak` of an expression."""

    def __init__(self) -> None:
        self.peak = 1

    def of(self, node: Node, bound: dict[str, int]) -> int:
        """For the value of `node`; `bound`: the same for variables."""
        growth = self._comprehension(node, bound) if node.kind == "comprehension" else self._other(node, bound)
        self.peak = max(self.peak, growth)
        return growth

    def _other(self, node: Node, bound: dict[str, int]) -> int:
        if node.kind == "identifier":
            return bound.get(node.name, 1)
        below = [self.of(child, bound) for child in node.children]
        if node.kind in ("list", "map") or node.name in ("_+_", "cel.@mapInsert"):
            return 1 if node.type in _SCALARS else max(1, sum(below))
        return 1 if node.type in _SCALARS else max(below, default=1)

    def _comprehension(self, node: Node, bound: dict[str, int]) -> int:
        over, start, condition, step, result = node.children
        one, other, accumulator = node.bound
        ranged = self.of(over, bound)
        inside = {**bound, one: ranged, other: ranged, accumulator: self.of(start, bound)}
        self.of(condition, inside)
        return self.of(result, {**inside, accumulator: self.of(step, inside)})
