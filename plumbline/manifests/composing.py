"""Nodes of a document with their positions, as the parser sees them."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from plumbline import paths


class _Composer(CParser):
    """Composes nodes without asking what their values mean: only their positions matter here."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        return "position"

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        """Tags by path are not used."""

    def ascend_resolver(self) -> None:
        """Tags by path are not used."""


def compose(text: str) -> Any:
    """The root node of the document, None when there is none."""
    try:
        return _Composer(text).get_single_node()
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def child(node: Any, step: paths.Step) -> tuple[int, Any] | None:
    """Line, from 0, and node of a key or an item."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line, node.value[step]
    return None
