"""One operation on a document as replacements of text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from plumbline.edits import renderings
from plumbline.edits.layouts import Layout, column, dash_of
from plumbline.edits.nodes import Entry, Node, Tree
from plumbline.edits.places import Place
from plumbline.edits.refusals import Refusal

_GAP = re.compile(r"(?:\s+|#[^\n]*)*")
_COMMENT = re.compile(r"^[ \t]*#", re.MULTILINE)
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?\r?(?=\n|\Z)")


class Splice(NamedTuple):
    """`text` takes the place of what lies between `start` and `end`."""

    start: int
    end: int
    text: str


class Page:
    """A document that is written on. The methods say what to change; nothing is changed."""

    def __init__(self, tree: Tree, layout: Layout) -> None:
        self.tree, self.layout, self.text = tree, layout, tree.text

    def set(self, place: Place, value: Any) -> list[Splice]:
        """The value at `place`, in the stead of another or as a new key or the next item."""
        parent, entry = place.parent, place.entry
        if entry is not None:
            if parent.is_flow or not self._is_on_lines(value, entry):
                return self._replace(entry, value)
            return self._replace_by_lines(parent, entry, value)
        if parent.kind == "list" and place.step != len(parent.entries):
            raise Refusal("an item can be added at the end of a list only", parent.start)
        key = str(place.step) if parent.kind == "map" else None
        if parent.is_flow:
            return self._extend_flow(parent, key, value)
        if key is not None:
            lines = renderings.pair(key, value, self.layout)
            margin = column(self.text, parent.start)
        else:
            lines = renderings.element(value, self.layout)
            margin = column(self.text, dash_of(self.text, parent, parent.entries[0]))
        at = self._line_end(parent.end)
        return [Splice(at, at, self._joined(lines, margin))]

    def remove(self, place: Place) -> list[Splice]:
        """Nothing at `place`. The last entry of a collection cannot be removed; the collection is emptied instead."""
        parent, entry = place.parent, place.entry
        if entry is None:
            why = "comes from a merge key, which others share" if place.is_merged else "is not written here"
            raise Refusal(f"{place.step} {why}", parent.start)
        index = parent.entries.index(entry)
        following = parent.entries[index + 1] if index + 1 < len(parent.entries) else None
        if parent.is_flow:
            return self._remove_from_flow(parent, entry, index, following)
        start = entry.start if parent.kind == "map" else dash_of(self.text, parent, entry)
        if self._is_first_on_line(start):
            return [self._lines(start, self._line_end(entry.end))]
        if following is None:
            raise Refusal("the entry shares its line with what is around it", start)
        after = following.start if parent.kind == "map" else dash_of(self.text, parent, following)
        comment = _COMMENT.search(self.text, self._line_end(entry.end), after)
        return [Splice(start, comment.end() - 1 if comment else after, "")]

    def _is_on_lines(self, value: Any, entry: Entry) -> bool:
        """Whether the value goes below its key: collections do, unless they take the place of a flow collection."""
        old = entry.value
        if entry.key is None and isinstance(value, str):
            return False
        return not renderings.is_inline(value, self.layout) and not (old.is_flow and old.entries)

    def _replace(self, entry: Entry, value: Any) -> list[Splice]:
        old = entry.value
        style = old.style if old.kind == "scalar" else ""
        text = renderings.spread(value, self.layout, self._margin(entry.start))
        if isinstance(value, str):
            text = renderings.inline(value, self.layout, style)
        if old.kind == "scalar" and old.is_empty and not style:
            missing = ":" if entry.key is not None and entry.colon is None else ""
            return [Splice(old.start, old.start, f"{missing} {text}")]
        head = entry.colon if entry.colon is not None else old.start
        first_end = self._line_end(head)
        if old.start <= first_end:
            return [Splice(old.start, self._line_end(old.end) if style in ("|", ">") and style else old.end, text)]
        return [Splice(head, head, f" {text}"), self._lines(old.start, self._line_end(old.end))]

    def _replace_by_lines(self, parent: Node, entry: Entry, value: Any) -> list[Splice]:
        old = entry.value
        if entry.key is None:
            lines = renderings.lines_of(value, replace(self.layout, has_literals=False))
            margin = column(self.text, dash_of(self.text, parent, entry)) + self.layout.gap
            if old.is_empty:
                gap = " " * (self.layout.gap - 1)
                return [Splice(old.start, old.start, gap + self._joined(lines, margin).lstrip())]
            text = self._joined(lines, column(self.text, old.start)).lstrip()
            return [Splice(old.start, old.end, text)]
        if entry.colon is None:
            raise Refusal("the key is written without a value", entry.start)
        margin = column(self.text, parent.start)
        first, *lines = renderings.pair(str(entry.key.value), value, self.layout)
        indicator = first.partition(": ")[2] if isinstance(value, str) else ""
        joined = self._joined(lines, margin)
        first_end = self._line_end(entry.colon)
        if old.is_empty or old.start > first_end:
            added = [
                Splice(entry.colon, entry.colon, f" {indicator}".rstrip()),
                Splice(first_end, first_end, joined),
            ]
            return added if old.is_empty else [*added, self._lines(old.start, self._line_end(old.end))]
        end = self._line_end(old.end)
        gone = old.start - (len(self.text[entry.colon : old.start]) - len(self.text[entry.colon : old.start].rstrip()))
        tail = self.text[old.end : end]
        return [Splice(gone, end, f" {indicator}".rstrip() + tail.rstrip() + joined)]

    def _extend_flow(self, parent: Node, key: str | None, value: Any) -> list[Splice]:
        layout = self.layout
        closing = parent.end - 1
        if not parent.entries:
            whole = renderings.spread({key: value} if key is not None else [value], layout, self._margin(parent.start))
            return [Splice(parent.start, parent.end, whole)]
        last = parent.entries[-1]
        margin = self._margin(last.start) if self._is_first_on_line(last.start) else None
        quoted = key is not None and all(entry.key is not None and entry.key.style == '"' for entry in parent.entries)
        text = renderings.spread(value, layout, margin or self._margin(parent.start))
        if key is not None:
            name = f'"{key}"' if quoted and key.isidentifier() else renderings.inline(key, layout)
            text = f"{name}{layout.colon}{text}"
        gap = _GAP.match(self.text, last.end)
        after = gap.end() if gap else last.end
        has_comma = self.text[after] == ","
        at = after + 1 if has_comma else last.end
        rest = _REST.match(self.text, at)
        if margin is None or rest is None or closing < rest.end():
            return [Splice(at, at, ("" if has_comma else layout.comma.rstrip()) + layout.comma[1:] + text)]
        line = Splice(self._line_end(at), self._line_end(at), f"{layout.newline}{margin}{text}")
        return [line] if has_comma else [Splice(at, at, ","), line]

    def _remove_from_flow(self, parent: Node, entry: Entry, index: int, following: Entry | None) -> list[Splice]:
        if following is not None:
            if not self._is_first_on_line(entry.start):
                return [Splice(entry.start, following.start, "")]
            gap = _GAP.match(self.text, entry.end)
            comma = gap.end() + 1 if gap else entry.end
            rest = _REST.match(self.text, comma)
            return [self._lines(entry.start, self._line_end(comma))] if rest else [
                Splice(entry.start, following.start, "")
            ]
        if not index:
            raise Refusal("the only entry cannot be removed", entry.start)
        before = parent.entries[index - 1]
        gap = _GAP.match(self.text, before.end)
        comma = gap.end() if gap else before.end
        rest = _REST.match(self.text, entry.end)
        if self._is_first_on_line(entry.start) and rest:
            return [Splice(comma, comma + 1, ""), self._lines(entry.start, self._line_end(entry.end))]
        return [Splice(before.end, entry.end, "")]

    def _lines(self, start: int, end: int) -> Splice:
        """Whole lines, with the line end; of the last line of a text without one, the line end before."""
        begin = self.text.rfind("\n", 0, start) + 1
        after = self.text.find("\n", end)
        if after >= 0:
            return Splice(begin, after + 1, "")
        return Splice(self._line_end(begin - 1) if begin else 0, len(self.text), "")

    def _joined(self, lines: Iterable[str], margin: int) -> str:
        return "".join(self.layout.newline + (" " * margin + line if line else "") for line in lines)

    def _line_end(self, at: int) -> int:
        """Where the line that holds what ends at `at` ends, before its line end."""
        if at and self.text[at - 1] == "\n":
            end = at - 1
        else:
            found = self.text.find("\n", at)
            end = found if found >= 0 else len(self.text)
        return end - 1 if end and end < len(self.text) and self.text[end - 1] == "\r" else end

    def _is_first_on_line(self, at: int) -> bool:
        return not self.text[self.text.rfind("\n", 0, at) + 1 : at].strip()

    def _margin(self, at: int) -> str:
        """The white space at the start of the line."""
        line = self.text[self.text.rfind("\n", 0, at) + 1 : at]
        return line[: len(line) - len(line.lstrip())]


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text with all replacements made. They must not overlap; those at one place keep their order."""
    parts: list[str] = []
    at = 0
    for splice in sorted(splices, key=lambda splice: splice[:2]):
        parts.extend((text[at : splice.start], splice.text))
        at = splice.end
    return "".join((*parts, text[at:]))
