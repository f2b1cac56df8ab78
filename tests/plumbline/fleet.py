"""The demo fleet's objects, and small changes to them, as what real manifests look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from plumbline.manifests import load
from plumbline.resources import Resource

_DIRECTORY = Path(__file__).resolve().parents[2] / "examples" / "fleet"
FLEET = [item for item in load([str(_DIRECTORY)]) if isinstance(item, Resource)]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.sampled_from(["", "web", "100Mi", "a:1"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["name", "app", "image", "spec", "matchLabels", "type"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def with_value_at(data: st.DataObject, obj: dict[str, Any]) -> dict[str, Any]:
    """`obj` with any value in the place of one of its own."""
    holder: Any = obj
    keys = list(holder)
    while True:
        key = data.draw(st.sampled_from(keys))
        below = holder[key]
        keys = list(below) if isinstance(below, dict) else list(range(len(below))) if isinstance(below, list) else []
        if not keys or data.draw(st.booleans()):
            break
        holder = below
    holder[key] = data.draw(VALUES)
    return obj
