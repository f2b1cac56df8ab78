"""Files whose text is fixed: read with their encoding, written back whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Original:
    """`raw` as it was read; `text` is without the byte order mark, which `mark` holds."""

    name: str
    raw: bytes
    text: str
    mark: str
    encoding: str

    def encoded(self, text: str) -> bytes:
        return (self.mark + text).encode(self.encoding)


def read(name: str, raw: bytes | None = None) -> Original:
    """The file, or `raw` for standard input. Raises OSError, or ValueError for what is no text."""
    if raw is None:
        with open(name, "rb") as stream:
            raw = stream.read()
    encoding, mark = next(((known, "\ufeff") for bom, known in _BOMS if raw.startswith(bom)), ("utf-8", ""))
    return Original(name, raw, raw.decode(encoding).removeprefix(mark), mark, encoding)


def write(original: Original, text: str, sources: Iterable[str]) -> None:
    """Put `text` in place of the original, at once, with its mode and owner.

    Raises ValueError where that would change more than the file: one reached through a link that leads out of the
    `sources` that were named, one with several names, or one that has changed since it was read.
    """
    target = os.path.realpath(original.name)
    if not _is_within(original.name, target, sources):
        raise ValueError(f"is a link to {target}, outside what was named; name that file to fix it")
    state = os.stat(target)
    if not stat.S_ISREG(state.st_mode):
        raise ValueError("is not a regular file")
    if state.st_nlink > 1:
        raise ValueError(f"has {state.st_nlink} names (hard links), which replacing it would part")
    with open(target, "rb") as stream:
        if stream.read() != original.raw:
            raise ValueError("has changed while it was being fixed")
    _replace(target, original.encoded(text), state)


def _is_within(name: str, target: str, sources: Iterable[str]) -> bool:
    roots = [os.path.realpath(source) for source in sources]
    return name in sources or any(os.path.commonpath((root, target)) == root for root in roots)


def _replace(target: str, raw: bytes, state: os.stat_result) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=".plumbline-", dir=os.path.dirname(target))
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(raw)
            stream.flush()
            if (state.st_uid, state.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(stream.fileno(), state.st_uid, state.st_gid)
            os.fchmod(stream.fileno(), stat.S_IMODE(state.st_mode))
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
