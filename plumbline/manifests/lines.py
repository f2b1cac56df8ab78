"""Lines of fields, found only for the documents of which somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plumbline import paths
from plumbline.manifests.blocks import Blocks, IntricateError

Locate = Callable[[paths.Path], int | None]


class Lines:
    """Finds lines in one document that begins at line `first` of its file."""

    __slots__ = ("_blocks", "_first", "_node", "_text")

    def __init__(self, text: str, first: int) -> None:
        self._text: str | None = text
        self._first = first
        self._node: Any = None
        self._blocks: Blocks | None = None

    def __call__(self, path: paths.Path) -> int | None:
        """The line of the field at `path`, or of its nearest existing parent."""
        try:
            if self._blocks is None and self._text is not None:
                self._blocks = Blocks(self._text)
            if self._blocks is not None:
                return self._blocks.line(path) + self._first
        except IntricateError:
            self._blocks = None
        node, line = self._root(), None
        if node is None:
            return self._first
        line = node.start_mark.line
        from plumbline.manifests.composing import child

        for step in path:
            found = child(node, step)
            if found is None:
                break
            line, node = found
        return int(line) + self._first

    def below(self, prefix: paths.Path) -> Locate:
        """The same for an object that lies at `prefix` of the document."""
        return (lambda path: self(prefix + path)) if prefix else self

    def _root(self) -> Any:
        if self._text is not None:
            from plumbline.manifests.composing import compose  # here, because most scans do without

            self._node = compose(self._text)
            self._text = None
        return self._node
