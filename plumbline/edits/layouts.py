"""How a document is laid out: what new lines must look like to belong there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.edits.nodes import Entry, Node, Tree

_DEFAULT_STEP = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """`step`: columns from a key to the keys below it; `dash`: from a key to the dashes below it; `gap`: from a dash to
    its item. `is_json` asks for quoted keys, `indent` is a level of a JSON document on several lines, None on one.
    `has_literals` permits block scalars for text of several lines: not where the last line goes on or has no end.
    """

    newline: str = "\n"
    step: int = _DEFAULT_STEP
    dash: int = _DEFAULT_STEP
    gap: int = 2
    has_literals: bool = True
    is_json: bool = False
    indent: str | None = None
    comma: str = ", "
    colon: str = ": "


def layout_of(tree: Tree) -> Layout:
    """What most of the document does, and what is customary where it does not say."""
    text = tree.text
    at = text.find("\n")
    newline = "\r\n" if at > 0 and text[at - 1] == "\r" else "\n"
    if tree.root.is_flow and text[tree.root.start] == "{":
        return _json(tree, newline)
    steps: Counter[int] = Counter()
    dashes: Counter[int] = Counter()
    gaps: Counter[int] = Counter()
    for node in _blocks(tree.root):
        for entry in node.entries:
            value = entry.value
            if value.kind == "scalar" or value.is_flow or value.kind == "alias" or not value.entries:
                continue
            if node.kind == "list":
                gaps[column(text, value.start) - column(text, dash_of(text, node, entry))] += 1
            elif value.kind == "map":
                steps[column(text, value.start) - column(text, entry.start)] += 1
            else:
                dashes[column(text, list_start(text, value)) - column(text, entry.start)] += 1
    step = _usual(steps, _DEFAULT_STEP)
    has_literals = text.endswith("\n")
    return Layout(newline, step, _usual(dashes, step, least=0), _usual(gaps, 2, least=2), has_literals)


def column(text: str, at: int) -> int:
    return at - (text.rfind("\n", 0, at) + 1)


def list_start(text: str, node: Node) -> int:
    """The offset of a block list's first dash."""
    return node.start if text[node.start : node.start + 1] == "-" else dash_of(text, node, node.entries[0])


def dash_of(text: str, node: Node, entry: Entry) -> int:
    """The dash of an item of a block list: in the list's column, on the item's line or on one above it."""
    at = node.start
    if entry is node.entries[0] and text[at : at + 1] == "-":
        return at
    where = column(text, at)
    start = text.rfind("\n", 0, entry.start) + 1
    while start >= 0:
        if text[start + where : start + where + 1] == "-" and start + where < max(entry.start, 1):
            return start + where
        if start == 0:
            break
        start = text.rfind("\n", 0, start - 1) + 1
    return entry.start


def _json(tree: Tree, newline: str) -> Layout:
    text, root = tree.text, tree.root
    is_json = all(entry.key is not None and entry.key.style == '"' for entry in root.entries)
    first = root.entries[0].start if root.entries else root.start
    before = text[text.rfind("\n", 0, first) + 1 : first]
    indent = before if "\n" in text[root.start : first] and before.strip() == "" else None
    is_tight = is_json and indent is None and not any(mark in text for mark in ('": ', '", "', ", "))
    comma, colon = (",", ":") if is_tight else (", ", ": ")
    return Layout(newline, is_json=is_json, indent=indent if is_json else None, comma=comma, colon=colon)


def _blocks(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if at.kind in ("map", "list") and not at.is_flow:
            yield at
            waiting.extend(entry.value for entry in at.entries)


def _usual(found: Counter[int], default: int, least: int = 1) -> int:
    fitting = [(count, -width) for width, count in found.items() if width >= least]
    return -max(fitting)[1] if fitting else default
