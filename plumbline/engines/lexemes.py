"""What is text and what is code in a CEL source."""

from __future__ import annotations

import re

TEXT = (
    r'''(?:[bB]?[rR][bB]?(?:"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"[^"\n]*"|'[^'\n]*')'''
    r'''|[bB]?(?:"""(?:\\[\s\S]|[^\\])*?"""|\'\'\'(?:\\[\s\S]|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')'''
    r"|`[^`\n]*`|//[^\n]*)"
)
"""A string, a name in backticks or a comment: what is in it is no code."""

_LEXEME = re.compile(rf"(?P<text>(?<!\w){TEXT}|{TEXT})|(?P<bracket>[()\[\]{{}}])|(?P<comma>,)")


def closing(source: str, opening: int) -> int:
    """Where the bracket that opens at `opening` is closed; the end of `source` when it is not."""
    return _bracketed(source, opening)[0]


def commas(source: str, opening: int) -> int:
    """How many commas are between the bracket that opens at `opening` and its end, outside of inner brackets."""
    return _bracketed(source, opening)[1]


def _bracketed(source: str, opening: int) -> tuple[int, int]:
    depth = commas = 0
    for found in _LEXEME.finditer(source, opening):
        if found["comma"]:
            commas += depth == 1
        elif found["bracket"]:
            depth += 1 if found["bracket"] in "([{" else -1
            if depth == 0:
                return found.start(), commas
    return len(source), commas
