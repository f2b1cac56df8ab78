"""Manifests and patches as numbered lines: `{% load code %}`."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

KEY = re.compile(r"^(\s*(?:- )*)([\w./$-]+|\"[^\"]*\")(:)(?=\s|$)(.*)$")
HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@register.inclusion_tag("components/_manifest.html")
def manifest(
    text: str,
    marked: int | None = None,
    last_marked: int | None = None,
    start: int = 1,
    also: Collection[int] = (),
) -> dict[str, Any]:
    """A manifest with line numbers from `start`; marked is one line, or the stretch up to `last_marked`.

    `also` are further lines to mark; `marked` is the one that is scrolled to.
    """
    last = last_marked or marked or 0
    first = marked or last + 1
    lines = [
        {
            "number": number,
            "text": highlighted(line),
            "is_marked": first <= number <= last or number in also,
            "is_first": number == first,
        }
        for number, line in enumerate(text.splitlines(), start)
    ]
    return {"lines": lines}


@register.filter
def breakable(path: str) -> SafeString:
    """A path that may break before its dots and brackets, and only there when there is room for a part."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in re.split(r"(?=[.\[])", path)))


@register.inclusion_tag("components/_diff.html")
def diff(text: str) -> dict[str, Any]:
    """A unified diff with both sides' line numbers; the file headers are left out."""
    return {"lines": list(diff_lines(text))}


def diff_lines(text: str) -> Iterator[dict[str, Any]]:
    """Rows of a diff: {kind: added|removed|hunk|'', old, new, sign, text}."""
    old = new = 0
    for line in text.splitlines():
        if line.startswith(("--- ", "+++ ")) and not old and not new:
            continue
        if hunk := HUNK.match(line):
            old, new = int(hunk[1]), int(hunk[2])
            yield {"kind": "hunk", "old": "", "new": "", "sign": "", "text": line}
            continue
        sign, rest = line[:1], highlighted(line[1:])
        if sign == "+":
            yield {"kind": "added", "old": "", "new": new, "sign": "+", "text": rest}
            new += 1
        elif sign == "-":
            yield {"kind": "removed", "old": old, "new": "", "sign": "−", "text": rest}
            old += 1
        else:
            yield {"kind": "", "old": old, "new": new, "sign": "", "text": rest}
            old, new = old + 1, new + 1


def highlighted(line: str) -> SafeString:
    """One line of YAML with its key or comment set apart."""
    if line.lstrip().startswith("#"):
        return format_html('<span class="comment">{}</span>', line)
    if found := KEY.match(line):
        return format_html('{}<span class="key">{}</span>{}{}', *found.groups())
    return format_html("{}", line)
