"""Pieces of Markdown that GitHub and mkdocs read alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_<\[\]|])")


def plain(text: str) -> str:
    """Text as it is, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Text as code within a line."""
    flat = " ".join(text.split())
    ticks = "``" if "`" in flat else "`"
    space = " " if "`" in flat else ""
    return f"{ticks}{space}{flat}{space}{ticks}"


def cell(text: str) -> str:
    """Markdown as a cell of a table."""
    return text.replace("|", r"\|") if "`" in text else text


def block(text: str, language: str = "") -> str:
    """Text as a block of code."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; every cell is Markdown."""
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def bullets(items: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {item}" for item in items)


def sections(parts: Iterable[tuple[str, str]]) -> str:
    """Headings of the second level with what is below them; an empty section is left out."""
    return "\n\n".join(f"## {heading}\n\n{body}" for heading, body in parts if body)
