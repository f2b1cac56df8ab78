"""The place in the text that a path of a patch means."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline import paths
from plumbline.edits.nodes import MERGE, Entry, Node, Tree
from plumbline.edits.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Place:
    """`step` below `parent`, with its entry when it is written there.

    `shared` is the anchored node (or the alias, or merge key) on the way that makes the text serve other places too.
    """

    parent: Node
    step: paths.Step
    entry: Entry | None
    shared: Node | None = None
    is_merged: bool = False

    @property
    def identity(self) -> tuple[int, paths.Step]:
        """Equal for two paths that lead to the same piece of text."""
        return id(self.parent), self.step


def locate(tree: Tree, path: paths.Path) -> Place:
    """Where `path` is, or would be. Raises Refusal when its parent is not written as a map or a list."""
    if not path:
        raise Refusal("a whole document cannot be replaced", tree.root.start)
    node, shared = tree.root, None
    for step in path[:-1]:
        shared = shared or _sharing(tree, node)
        entry, merged = _child(node, step)
        if entry is None:
            raise Refusal(f"{paths.render(path)} leads through a field that is not written here", node.start)
        shared = shared or merged or (entry.value if entry.value.kind == "alias" else None)
        node = entry.value.content
    shared = shared or _sharing(tree, node)
    if node.kind not in ("map", "list"):
        raise Refusal(f"{paths.render(path[:-1])} is neither a map nor a list", node.start)
    entry, merged = _child(node, path[-1])
    if entry is not None and merged is None:
        shared = shared or _sharing(tree, entry.value)
    return Place(node, path[-1], None if merged else entry, shared, merged is not None)


def steps_of(pointer: str, value: object) -> paths.Path:
    """The steps of an RFC 6901 pointer into `value`, whose lists tell which of them are indexes."""
    steps: list[paths.Step] = []
    for token in pointer.split("/")[1:]:
        step: paths.Step = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and token.isdecimal():
            step = int(token)
        steps.append(step)
        value = paths.lookup(value, (step,))
    return tuple(steps)


def _sharing(tree: Tree, node: Node) -> Node | None:
    return node if node.anchor in tree.aliases else None


def _child(node: Node, step: paths.Step) -> tuple[Entry | None, Node | None]:
    """The entry, and the merge key's value through which it was reached."""
    if node.kind == "list":
        is_there = isinstance(step, int) and step < len(node.entries)
        return (node.entries[int(step)] if is_there else None), None
    if node.kind != "map":
        return None, None
    for entry in node.entries:
        if entry.key is not None and entry.key.content.value == step and not _is_merge(entry):
            return entry, None
    for entry in filter(_is_merge, node.entries):
        value = entry.value.content
        for source in [value] if value.kind == "map" else [item.value.content for item in value.entries]:
            found, _ = _child(source, step)
            if found is not None:
                return found, entry.value
    return None, None


def _is_merge(entry: Entry) -> bool:
    return entry.key is not None and entry.key.value == MERGE and entry.key.style == ""
