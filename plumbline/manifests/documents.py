"""The text of a file into resources: documents one by one, so that a broken one does not hide its
neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from plumbline import paths
from plumbline.manifests.limits import StrictError
from plumbline.manifests.lines import Lines
from plumbline.manifests.parsing import LoadError, parse_document
from plumbline.resources import Resource

_SEPARATOR = re.compile(r"^(?:---(?=[ \t\r\n]|$)|\.\.\.[ \t]*\r?$)", re.MULTILINE)
_BLANK = re.compile(r"(?:\s*(?:#[^\n]*)?(?:\n|$))*")
_LEAD = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?\n)*")
_MAX_LIST_DEPTH = 5


class NotAManifest:
    """The document is sound, and is no Kubernetes object: it names neither `apiVersion` nor `kind`."""

    def __init__(self, line: int, what: str) -> None:
        self.line, self.what = line, what


def resources_in(text: str, file: str | None) -> Iterator[Resource | LoadError | NotAManifest]:
    """Every object in `text`, what could not be read, and what is no object at all."""
    for document, line in split_documents(text):
        try:
            value = parse_document(document, line)
        except StrictError as error:
            yield LoadError(file, error.line, error.message)
            continue
        if value is not None:
            lead = _LEAD.match(document)
            first = line + document.count("\n", 0, lead.end()) if lead else line
            yield from objects_in(value, Lines(document, line), file, first)


def split_documents(text: str) -> Iterator[tuple[str, int]]:
    """The documents of a stream with the line, from 1, where each begins. Blank ones are left out."""
    start, line, from_marker = 0, 1, 0
    for separator in _SEPARATOR.finditer(text):
        piece = text[start : separator.start()]
        if not _is_blank(piece):
            yield piece, line
        line += text.count("\n", from_marker, separator.start())
        from_marker = separator.start()
        start = separator.end()
    piece = text[start:]
    if not _is_blank(piece):
        yield piece, line


def _is_blank(piece: str) -> bool:
    matched = _BLANK.match(piece)
    return matched is not None and matched.end() == len(piece)


def objects_in(
    value: Any, lines: Lines, file: str | None, line: int, prefix: paths.Path = ()
) -> Iterator[Resource | LoadError | NotAManifest]:
    """The object that a document holds, or those of a List, each with the path that leads to it."""
    at = line if not prefix else lines(prefix) or line
    if not isinstance(value, dict):
        what = "a list" if isinstance(value, list) else "null" if value is None else "a single value"
        problem = f"the document is {what}, not a Kubernetes object"
        yield LoadError(file, at, problem) if prefix else NotAManifest(at, problem)
        return
    api_version: Any = value.get("apiVersion")
    kind: Any = value.get("kind")
    if api_version is None and kind is None and not prefix:
        yield NotAManifest(at, "the object has neither apiVersion nor kind")
        return
    for name, given in (("apiVersion", api_version), ("kind", kind)):
        if not isinstance(given, str) or not given:
            problem = f"the object has no {name}" if given in (None, "") else f"{name} must be text"
            yield LoadError(file, at, problem)
            return
    items = value.get("items")
    if kind == "List" and not isinstance(items, list):
        if items is not None:
            yield LoadError(file, at, "the items of a List must be a list")
        return
    if kind.endswith("List") and isinstance(items, list):
        if len(prefix) >= 2 * _MAX_LIST_DEPTH:
            yield LoadError(file, at, f"Lists are nested deeper than {_MAX_LIST_DEPTH} levels")
            return
        for index, item in enumerate(items):
            if kind != "List" and isinstance(item, dict):
                item = {"apiVersion": api_version, "kind": kind[: -len("List")], **item}
            yield from objects_in(item, lines, file, line, (*prefix, "items", index))
        return
    yield Resource(value, file, at, lines.below(prefix), prefix)
