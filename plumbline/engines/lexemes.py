"""What is text and what is code in a CEL source."""

from __future__ import annotations

import re

TEXT = (
    r'''(?:[bB]?[rR][bB]?(?:"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"[^"\n]*"|'[^'\n]*')'''
    r'''|[bB]?(?:"""(?:\\[\s\S]|[^\\])*?"""|\'\'\'(?:\\[\s\S]|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')'''
    r"|`[^`\n]*`|//[^\n]*)"
)
"""A string, a name in backticks or a comment: what is in it is no code."""

_LEXEME = re.compile(rf"(?P<text>(?<!\w){TEXT}|{TEXT})|(?P<bracket>[()\[\]{{}}])")


def closing(source: str, opening: int) -> int:
    """Where the bracket that opens at `opening` is closed; the end of `source` when it is not."""
    depth = 0
    for found in _LEXEME.finditer(source, opening):
        if found["bracket"]:
            depth += 1 if found["bracket"] in "([{" else -1
            if depth == 0:
                return found.start()
    return len(source)
