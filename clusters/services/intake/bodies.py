"""Bodies as they come over the wire: compressed or not, of any length, possibly cut short or hostile."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import zstandard

from common.errors import PlumblineError, TooLarge

_CHUNK = 64 * 1024
_STEP = 256
_ZSTD_WINDOW_LOG = 27  # 128 MB, what the format's own tools accept without being asked
ENCODINGS = ("identity", "gzip", "zstd")


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class UnsupportedEncoding(PlumblineError):
    status = 415
    code = "unsupported_encoding"


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes: what may come over the wire, and what it may expand to."""

    compressed: int
    expanded: int


class Body:
    """A body that is in: kept as it was sent, and expanded a piece at a time as often as it is read."""

    def __init__(self, wire: Sequence[bytes], *, encoding: str, limits: Limits) -> None:
        self._wire = wire
        self._expand = _expander(encoding)
        self._limits = limits
        self.expanded = 0  # bytes, so far as it has been read

    @classmethod
    def plain(cls, content: bytes) -> "Body":
        """One that was never on the wire."""
        return cls([content], encoding="", limits=Limits(len(content), len(content)))

    def pieces(self) -> Iterator[bytes]:
        """The expanded body, from its beginning. Stops at the first byte over the limit.

        Raises TooLarge, and PlumblineError: corrupt_body (it is not what its encoding says).
        """
        passed = 0
        for piece in self._expand(iter(self._wire)):
            passed += len(piece)
            self.expanded = max(self.expanded, passed)
            if passed > self._limits.expanded:
                raise TooLarge(
                    f"The report expands to more than {self._limits.expanded} bytes. Split it, or leave manifests out.",
                    code="expanded_too_large",
                )
            yield piece


def receive_body(stream: Readable, *, encoding: str, content_length: int | None, limits: Limits) -> Body:
    """The body once it is in. Stops reading at the first byte over the limit, whatever the headers promise.

    `content_length` is None for a body sent in chunks. Raises TooLarge, UnsupportedEncoding, and
    PlumblineError: incomplete_body (the client went away).
    """
    if content_length is not None and content_length > limits.compressed:
        raise _over_compressed(limits)
    _expander(encoding)
    return Body(list(_wire(stream, content_length, limits)), encoding=encoding, limits=limits)


def read_body(stream: Readable, *, encoding: str, content_length: int | None, limits: Limits) -> bytes:
    """The body, received and expanded. Raises what both raise."""
    body = receive_body(stream, encoding=encoding, content_length=content_length, limits=limits)
    return b"".join(body.pieces())


def _expander(encoding: str) -> Callable[[Iterator[bytes]], Iterator[bytes]]:
    match encoding.strip().lower():
        case "" | "identity":
            return iter
        case "gzip" | "x-gzip":
            return _gunzip
        case "zstd":
            return _unzstd
        case other:
            raise UnsupportedEncoding(
                f"Content-Encoding “{other[:40]}” is not understood; send {', '.join(ENCODINGS)}."
            )


def _wire(stream: Readable, content_length: int | None, limits: Limits) -> Iterator[bytes]:
    """The bytes as sent, counted; a body shorter than its Content-Length means that the client died."""
    received = 0
    while content_length is None or received < content_length:
        wanted = _CHUNK if content_length is None else min(_CHUNK, content_length - received)
        try:
            piece = stream.read(wanted)
        except Exception as error:
            # Each WSGI server has exceptions of its own for a connection that ends in mid-body.
            raise _incomplete() from error
        if not piece:
            break
        received += len(piece)
        if received > limits.compressed:
            raise _over_compressed(limits)
        yield piece
    if content_length is not None and received < content_length:
        raise _incomplete()


def _gunzip(wire: Iterator[bytes]) -> Iterator[bytes]:
    """One gzip member, expanded in small steps, so that a bomb is stopped as it grows."""
    inflater = zlib.decompressobj(wbits=31)
    for piece in wire:
        data = piece
        while data and not inflater.eof:
            try:
                expanded = inflater.decompress(data, _CHUNK * 4)
            except zlib.error as error:
                raise _corrupt("gzip") from error
            yield expanded
            data = inflater.unconsumed_tail
        if inflater.unused_data:
            raise _trailing("gzip")
    while not inflater.eof:
        # Output may still be held back although all input has been taken.
        held = inflater.decompress(b"", _CHUNK * 4)
        if not held:
            raise _corrupt("gzip")
        yield held


def _unzstd(wire: Iterator[bytes]) -> Iterator[bytes]:
    """One zstd frame. Input goes in by small steps, for each is expanded whole: 256 bytes give 8 MB at most."""
    inflater = zstandard.ZstdDecompressor(max_window_size=1 << _ZSTD_WINDOW_LOG).decompressobj()
    for piece in wire:
        for start in range(0, len(piece), _STEP):
            if inflater.eof:
                raise _trailing("zstd")
            try:
                yield inflater.decompress(piece[start : start + _STEP])
            except zstandard.ZstdError as error:
                raise _corrupt("zstd") from error
        if inflater.unused_data:
            raise _trailing("zstd")
    if not inflater.eof:
        raise _corrupt("zstd")


def _over_compressed(limits: Limits) -> TooLarge:
    return TooLarge(
        f"The body is over {limits.compressed} bytes. Compress it with zstd or gzip, or split the report.",
        code="body_too_large",
    )


def _incomplete() -> PlumblineError:
    return PlumblineError("The body ended before it was complete. Send it again.", code="incomplete_body")


def _corrupt(encoding: str) -> PlumblineError:
    return PlumblineError(
        f"The body is not a complete {encoding} stream: it is cut short or damaged. Send it again.",
        code="corrupt_body",
    )


def _trailing(encoding: str) -> PlumblineError:
    return PlumblineError(
        f"There are bytes after the end of the {encoding} stream; send exactly one.", code="corrupt_body"
    )
