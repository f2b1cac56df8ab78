"""The form in which an accepted report is kept until it is merged: lines, compressed, so that nobody holds it whole.

A first line of FORM, then the head (the report without its resources), then a line for each resource. A line is
a letter for what it is, the key as `COPY` reads it, a separator, and the resource's JSON. Frames of zstd follow one
another, so the parts of a snapshot are put together by putting their bytes together.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import orjson
import zstandard
from django.db import connection

from common.database import copy_line
from plumbline.reports.identities import resource_key

FORM = b"plumbline.lines/1\n"
RESOURCE, KNOWN, DELETED = b"r", b"k", b"d"
LETTERS = {"resources": RESOURCE, "known": KNOWN, "deleted": DELETED}  # of the lists, in the order kept
SEPARATOR = b"\t"  # as between the columns of the key; JSON holds none unescaped
LEVEL = 3
SLICE_BYTES = 1 << 20
_LEFT_OUT = {*LETTERS, "part"}

Line = tuple[bytes, bytes, bytes]


def keep_report(document: dict[str, Any]) -> bytes:
    """A whole report as kept."""
    return keep_head(document) + keep_lines(document)


def keep_head(document: dict[str, Any]) -> bytes:
    """What stands before the lines."""
    return pack_head(head_of(document))


def head_of(document: dict[str, Any]) -> dict[str, Any]:
    """The report without what becomes lines."""
    return {name: value for name, value in document.items() if name not in _LEFT_OUT}


def pack_head(head: dict[str, Any]) -> bytes:
    """A head as kept."""
    return zstandard.compress(FORM + orjson.dumps(head) + b"\n", LEVEL)


def keep_lines(document: dict[str, Any]) -> bytes:
    """The resources, known ones and deletions of a report or of one part of it, in this order."""
    packer = LinePacker(document["policies"])
    for name in LETTERS:
        if values := document.get(name):
            packer.take(name, values, [orjson.dumps(value) for value in values])
    return b"".join(packer.finish())


class LinePacker:
    """Makes the lines of a report whose lists come in batches, and in any order."""

    def __init__(self, policies: list[str]) -> None:
        self._policies = policies_digest(policies)
        self._lists: dict[str, _Frame] = {}

    def take(self, name: str, values: list[dict[str, Any]], renderings: list[bytes]) -> None:
        """The next elements of the list of that name, and the compact JSON of each."""
        if name not in self._lists:
            self._lists[name] = _Frame()
        self._lists[name].add(b"".join(_lines_of(name, values, renderings, self._policies)))

    def finish(self) -> list[bytes]:
        """All of them, in pieces: resources, known ones, deletions."""
        return [piece for name in LETTERS if name in self._lists for piece in self._lists[name].finish()]


class _Frame:
    """A frame of zstd in the making."""

    def __init__(self) -> None:
        self._packer = zstandard.ZstdCompressor(level=LEVEL).compressobj()
        self._pieces: list[bytes] = []

    def add(self, content: bytes) -> None:
        self._pieces.append(self._packer.compress(content))

    def finish(self) -> list[bytes]:
        return [*self._pieces, self._packer.flush()]


def policies_digest(policies: list[str]) -> bytes:
    """Indexes into another list of policies are other verdicts, so the list is part of every digest."""
    return hashlib.sha256(orjson.dumps(policies)).digest()


def resource_digest(policies: bytes, rendering: bytes) -> str:
    """SHA-256 of the policies' digest and the resource's compact JSON, hexadecimal."""
    return hashlib.sha256(policies + rendering).hexdigest()


def _lines(document: dict[str, Any]) -> Iterator[bytes]:
    policies = policies_digest(document["policies"])
    for name in LETTERS:
        values = document.get(name) or []
        yield from _lines_of(name, values, map(orjson.dumps, values), policies)


def _lines_of(
    name: str, values: Iterable[dict[str, Any]], renderings: Iterable[bytes], policies: bytes
) -> Iterator[bytes]:
    letter = LETTERS[name]
    for value, rendering in zip(values, renderings, strict=True):
        digest = resource_digest(policies, rendering) if letter == RESOURCE else value.get("digest", "")
        yield _line(letter, value, digest, rendering)


def _line(letter: bytes, resource: dict[str, Any], digest: str, rendering: bytes) -> bytes:
    key = copy_line((*resource_key(resource), digest)).encode()[:-1]
    return b"".join((letter, key, SEPARATOR, rendering, b"\n"))


class KeptReport:
    """A report's lines, read as often as needed from slices of the kept body, never all at once."""

    def __init__(self, report_id: UUID) -> None:
        self._report_id = report_id
        self.head: dict[str, Any] = {}
        self._lines()  # the head is read at once

    def __iter__(self) -> Iterator[Line]:
        """(letter, key as `COPY` reads it, JSON) of each line, from the first."""
        for line in self._lines():
            key, _, rendering = line[1:-1].rpartition(SEPARATOR)
            yield line[:1], key, rendering

    def _lines(self) -> Iterable[bytes]:
        reader = zstandard.ZstdDecompressor().stream_reader(_Body(self._report_id), read_across_frames=True)
        stream = io.BufferedReader(reader, SLICE_BYTES)
        form = stream.readline()
        if form == FORM:
            self.head = orjson.loads(stream.readline())
            return stream
        # Accepted by a release that kept reports as they came.
        document = orjson.loads(form + stream.read())
        self.head = head_of(document)
        return _lines(document)


class _Body:
    """The kept body as a file. Must not be read in the middle of a COPY, which has the connection to itself."""

    def __init__(self, report_id: UUID) -> None:
        self._report_id = report_id
        self._position = 1

    def read(self, _size: int = -1, /) -> bytes:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT substring(body FROM %s FOR %s) FROM clusters_report WHERE id = %s",
                [self._position, SLICE_BYTES, self._report_id],
            )
            row = cursor.fetchone()
        piece = bytes(row[0]) if row and row[0] is not None else b""
        self._position += len(piece)
        return piece
