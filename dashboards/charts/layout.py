"""What all charts have in common. Colours are names of tokens (`@series-1`): the browser fills them in."""

from collections.abc import Sequence
from typing import Any

Figure = dict[str, Any]
Table = dict[str, Any]


def chart(
    title: str, figure: Figure, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    """A chart as the browser takes it: the figure and its table twin."""
    return {
        "title": title,
        "figure": figure,
        "table": {"columns": list(columns), "rows": [list(r) for r in rows]},
    }


def figure(data: list[dict[str, Any]], **layout: Any) -> Figure:
    """A figure on the house's paper; `layout` adds to it or replaces what it says."""
    return {
        "data": data,
        "layout": {
            "margin": {"l": 44, "r": 48, "t": 20, "b": 40},
            "showlegend": False,
            "hovermode": "x unified",
            "dragmode": False,
            "bargap": 0.3,
        }
        | layout,
    }


def time_axis(**more: Any) -> dict[str, Any]:
    return {"type": "date", "showgrid": False, "fixedrange": True, "hoverformat": "%a %d %b %Y"} | more


def value_axis(**more: Any) -> dict[str, Any]:
    return {"fixedrange": True, "zeroline": False, "nticks": 5} | more


def note(text: str, *, x: Any, y: Any, **more: Any) -> dict[str, Any]:
    """A direct label: text at a point, without an arrow."""
    return {
        "text": text,
        "x": x,
        "y": y,
        "showarrow": False,
        "font": {"color": "@text-soft", "size": 12},
    } | more
