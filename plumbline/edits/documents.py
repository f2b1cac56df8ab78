"""Patches applied to the text of one document, each proven: the text is parsed again, and must say what the patches say
and nothing else.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from plumbline import fixes, paths
from plumbline.edits.layouts import layout_of
from plumbline.edits.nodes import Node, Tree, compose
from plumbline.edits.places import Place, locate, steps_of
from plumbline.edits.refusals import Refusal
from plumbline.edits.splices import Page, Splice, spliced
from plumbline.manifests.limits import StrictError
from plumbline.manifests.parsing import parse_document


class Proposal(NamedTuple):
    """A patch of the whole document. Proposals of one `origin` (a rule) ask for the same thing in several places."""

    key: Hashable
    origin: Hashable
    patch: fixes.Patch


class Operation(NamedTuple):
    """`value` is set at `path`, or what is there removed."""

    path: paths.Path
    value: Any
    is_removal: bool


@dataclass(slots=True)
class Edition:
    """The document after as many proposals as go together; those in neither list are to be asked for again."""

    text: str
    value: Any
    applied: list[Proposal] = field(default_factory=list)
    refused: list[tuple[Proposal, Refusal]] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """Proposals that one change of the text fulfils: more than one where an alias makes places share it."""

    proposals: list[Proposal]
    operations: list[Operation]
    splices: list[Splice]
    identities: list[Any]
    shared: Node | None
    thinned: list[Node]
    """The maps and lists that lose an entry each."""


def edit(text: str, value: Any, proposals: Sequence[Proposal]) -> Edition:
    """Apply proposals to the document `text`, of which `value` is what the parser makes."""
    edition = Edition(text, value)
    try:
        tree = compose(text)
    except Refusal as refusal:
        edition.refused.extend((proposal, refusal) for proposal in proposals)
        return edition
    page = Page(tree, layout_of(tree))
    batch = _Batch()
    for proposal in proposals:
        try:
            group = _planned(page, value, proposal)
        except Refusal as refusal:
            edition.refused.append((proposal, refusal))
            continue
        if group is not None:
            batch.offer(group)
        elif not batch.groups:
            _apply_alone(edition, proposal)
            return edition
    for group in _provable(edition, page, value, batch.groups):
        edition.applied.extend(group.proposals)
    return edition


class _Batch:
    """Groups whose changes do not touch each other."""

    def __init__(self) -> None:
        self.groups: list[_Group] = []
        self._by_identity: dict[Any, _Group] = {}
        self._spans: list[tuple[int, int, int]] = []
        self._thinned: Counter[int] = Counter()

    def offer(self, group: _Group) -> None:
        """Take the group unless it has to wait."""
        known = self._by_identity.get(group.identities[0])
        if known is not None:
            if _asks_for_the_same(known, group):
                known.proposals.extend(group.proposals)
                known.operations.extend(group.operations)
            return
        if any(identity in self._by_identity for identity in group.identities):
            return
        spans = [(splice.start, splice.end, group.identities[0][0]) for splice in group.splices]
        if any(self._is_taken(span) for span in spans) or any(map(self._is_emptied, group.thinned)):
            return
        self._thinned.update(id(node) for node in group.thinned)
        for span in spans:
            insort(self._spans, span)
        self._by_identity.update(dict.fromkeys(group.identities, group))
        self.groups.append(group)

    def _is_emptied(self, node: Node) -> bool:
        return self._thinned[id(node)] + 1 >= len(node.entries)

    def _is_taken(self, span: tuple[int, int, int]) -> bool:
        at = bisect_left(self._spans, span)
        return any(_touch(span, other) for other in self._spans[max(at - 1, 0) : at + 1])


def _touch(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    if one[0] == one[1] or other[0] == other[1]:
        same_place = one == other
        return not same_place and one[0] <= other[1] and other[0] <= one[1]
    return one[0] < other[1] and other[0] < one[1]


def _asks_for_the_same(one: _Group, other: _Group) -> bool:
    return (
        one.identities == other.identities
        and one.proposals[0].origin == other.proposals[0].origin
        and [operation[1:] for operation in one.operations[: len(other.operations)]]
        == [operation[1:] for operation in other.operations]
    )


def _planned(page: Page, value: Any, proposal: Proposal) -> _Group | None:
    """What to change; None when the operations must be carried out one after another. Raises Refusal."""
    operations = [_operation(op, value) for op in proposal.patch]
    if len(operations) > 1:
        if not _are_independent(operations):
            return None
        parents = [operation.path[:-1] for operation in operations]
        if len(set(parents)) < len(parents) and any(operation.is_removal for operation in operations):
            return None
    places = [locate(page.tree, operation.path) for operation in operations]
    splices: list[Splice] = []
    identities: list[Any] = []
    thinned: list[Node] = []
    for operation, place in zip(operations, places, strict=True):
        made, at = _splices(page, operation, place)
        splices.extend(made)
        identities.append(at.identity)
        if operation.is_removal and at is place:
            thinned.append(place.parent)
    shared = next((place.shared for place in places if place.shared is not None), None)
    return _Group([proposal], operations, splices, identities, shared, thinned)


def _splices(page: Page, operation: Operation, place: Place) -> tuple[list[Splice], Place]:
    if not operation.is_removal:
        return _setting(page, operation, place)
    if place.entry is None or len(place.parent.entries) > 1:
        return page.remove(place), place
    holder = locate(page.tree, operation.path[:-1])
    return page.set(holder, {} if place.parent.kind == "map" else []), holder


def _setting(page: Page, operation: Operation, place: Place) -> tuple[list[Splice], Place]:
    parent = place.parent
    if place.entry is None and parent.is_flow and not parent.entries and len(operation.path) > 1:
        holder = locate(page.tree, operation.path[:-1])  # `{}` among lines becomes lines
        if not holder.parent.is_flow and holder.entry is not None and holder.entry.value is parent:
            step = operation.path[-1]
            return page.set(holder, {step: operation.value} if parent.kind == "map" else [operation.value]), holder
    return page.set(place, operation.value), place


def _operation(op: dict[str, Any], value: Any) -> Operation:
    return Operation(steps_of(op["path"], value), op.get("value"), op["op"] == "remove")


def _are_independent(operations: list[Operation]) -> bool:
    """Whether none of them moves or makes what another one is about."""
    for index, one in enumerate(operations):
        moved = one.path[:-1] if one.is_removal and isinstance(one.path[-1], int) else one.path
        for place, other in enumerate(operations):
            if place != index and other.path[: len(moved)] == moved:
                return False
    return True


def _apply_alone(edition: Edition, proposal: Proposal) -> None:
    """One operation after another, proven at the end."""
    text, value = edition.text, edition.value
    patch = proposal.patch
    if _are_independent([_operation(op, value) for op in patch]):  # adding first leaves no emptied map behind
        patch = sorted(patch, key=lambda op: bool(op["op"] == "remove"))
    try:
        for op in patch:
            operation = _operation(op, value)
            tree = compose(text)
            page = Page(tree, layout_of(tree))
            made, _ = _splices(page, operation, locate(tree, operation.path))
            text = spliced(text, made)
            value = _patched(value, [operation])
        if _says(text, value):
            edition.text, edition.value = text, value
            edition.applied.append(proposal)
        else:
            edition.refused.append((proposal, _unproven(tree, None)))
    except Refusal as refusal:
        edition.refused.append((proposal, refusal))


def _provable(edition: Edition, page: Page, value: Any, groups: list[_Group]) -> list[_Group]:
    """The groups whose changes are in the edition now; where all together cannot be proven, halves are tried."""
    if not groups:
        return []
    if _prove(edition, page, value, groups):
        return groups
    if len(groups) == 1:
        refusal = _unproven(page.tree, groups[0].shared)
        edition.refused.extend((proposal, refusal) for proposal in groups[0].proposals)
        return []
    middle = len(groups) // 2
    left = _provable(edition, page, value, groups[:middle])
    right = _provable(edition, page, value, groups[middle:])
    if left and right and not _prove(edition, page, value, left + right):
        _prove(edition, page, value, left)
        return left
    return left + right


def _prove(edition: Edition, page: Page, value: Any, groups: list[_Group]) -> bool:
    text = spliced(page.text, (splice for group in groups for splice in group.splices))
    operations = [operation for group in groups for operation in group.operations]
    try:
        value = _patched(value, operations)
    except Refusal:
        return False
    if not _says(text, value):
        return False
    edition.text, edition.value = text, value
    return True


def _patched(value: Any, operations: list[Operation]) -> Any:
    """The value after the operations, removals last and from the end of lists, so that no index moves under another."""
    removals = sorted((o.path for o in operations if o.is_removal), key=_order, reverse=True)
    patch = [_set(value, operation) for operation in operations if not operation.is_removal]
    patch.extend({"op": "remove", "path": fixes.pointer(path)} for path in removals)
    try:
        return fixes.apply_patch(value, patch)
    except fixes.FixError as error:
        raise Refusal(str(error)) from error


def _set(value: Any, operation: Operation) -> dict[str, Any]:
    is_item = isinstance(operation.path[-1], int) and paths.lookup(value, operation.path) is not paths.MISSING
    op = "replace" if is_item else "add"  # `add` to a map replaces, too: a null that the patch knows nothing of
    return {"op": op, "path": fixes.pointer(operation.path), "value": operation.value}


def _order(path: paths.Path) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in path]


def _says(text: str, value: Any) -> bool:
    try:
        return _canonical(parse_document(text)) == _canonical(value)
    except StrictError:
        return False


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _unproven(tree: Tree, shared: Node | None) -> Refusal:
    if shared is None:
        return Refusal("the document is written in a way that a change of this place alone would not survive")
    name = f"alias *{shared.value}" if shared.kind == "alias" else f"anchor &{shared.anchor}"
    uses = tree.aliases.get(shared.anchor or "", [])
    reason = f"the field is shared through the {name} with others that do not need this fix"
    return Refusal(reason, uses[0] if uses else None)
