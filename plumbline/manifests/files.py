"""Where manifests come from: named files, walked directories, standard input."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from plumbline.manifests.documents import NotAManifest, resources_in
from plumbline.manifests.parsing import LoadError
from plumbline.resources import Resource

MAX_FILE_BYTES = 64 * 1024 * 1024
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class LoadStatistics:
    """What was read: `files` opened, and `ignored` documents that are no Kubernetes objects."""

    files: int = 0
    ignored: int = 0


def load(
    sources: Iterable[Path | str], stdin: BinaryIO | None = None, statistics: LoadStatistics | None = None
) -> Iterator[Resource | LoadError]:
    """Every resource in the files, directories and (for `-`) standard input named by `sources`, as they are
    read.

    What cannot be read is yielded as a LoadError and does not stop the rest; so is a source that holds no
    manifest. A file reached twice is read
    once.
    """
    statistics = statistics if statistics is not None else LoadStatistics()
    seen: set[str] = set()
    for source in sources:
        name = str(source)
        if name != "-" and os.path.realpath(name) in seen:
            continue
        is_empty = True
        for item in _source(name, stdin, seen, statistics):
            is_empty = False
            yield item
        if is_empty:
            yield LoadError(name, None, "holds no Kubernetes manifest")


def _source(
    name: str, stdin: BinaryIO | None, seen: set[str], statistics: LoadStatistics
) -> Iterator[Resource | LoadError]:
    if name == "-":
        yield from _stream(stdin, statistics)
    elif os.path.isdir(name):
        yield from _directory(name, seen, statistics)
    else:
        seen.add(os.path.realpath(name))
        yield from _file(name, statistics, was_named=True)


def _stream(stdin: BinaryIO | None, statistics: LoadStatistics) -> Iterator[Resource | LoadError]:
    if stdin is None:
        yield LoadError("-", None, "there is no standard input")
        return
    try:
        raw = stdin.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        yield LoadError("-", None, f"standard input cannot be read: {error}")
        return
    yield from _text("-", raw, statistics, was_named=True)


def _directory(root: str, seen: set[str], statistics: LoadStatistics) -> Iterator[Resource | LoadError]:
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        real = os.path.realpath(directory)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError as error:
            yield LoadError(directory, None, f"the directory cannot be read: {error.strerror or error}")
            continue
        below: list[str] = []
        for entry in entries:
            if _is_directory(entry):
                if not entry.name.startswith("."):
                    below.append(entry.path)
            elif entry.name.lower().endswith(_SUFFIXES):
                path = os.path.realpath(entry.path) if entry.is_symlink() else f"{real}{os.sep}{entry.name}"
                if path not in seen and (os.path.isfile(path) or not os.path.exists(path)):
                    seen.add(path)
                    yield from _file(entry.path, statistics, was_named=False)
        waiting.extend(reversed(below))


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _file(name: str, statistics: LoadStatistics, *, was_named: bool) -> Iterator[Resource | LoadError]:
    try:
        with open(name, "rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        yield LoadError(name, None, f"cannot be read: {reason}")
        return
    yield from _text(name, raw, statistics, was_named=was_named)


def _text(name: str, raw: bytes, statistics: LoadStatistics, *, was_named: bool) -> Iterator[Resource | LoadError]:
    statistics.files += 1
    if len(raw) > MAX_FILE_BYTES:
        yield LoadError(name, None, f"is larger than {MAX_FILE_BYTES // 2**20} MiB")
        return
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        yield LoadError(name, line, f"is not UTF-8 text: {error.reason} at byte {error.start}")
        return
    for found in resources_in(text, name):
        if not isinstance(found, NotAManifest):
            yield found
        elif was_named:
            yield LoadError(name, found.line, found.what)
        else:
            statistics.ignored += 1
