"""A body's bytes, of which only a window is in memory, and the extent of the JSON value that begins in it."""

import re
from collections.abc import Iterator

CHUNK = 128 * 1024
MOST_MARKS = 2_000_000  # brackets and commas in one value: time and memory go by these more than by bytes
TOO_DENSE = -1

_SPACES = b" \t\n\r"
_SPACE = re.compile(rb"[ \t\n\r]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
# A bracket, with all before it that is none and the strings in which none counts; or a string that does not end.
_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+(?:([{}\[\]])|"|\Z)', re.DOTALL)
_SCALAR = re.compile(rb'[^\s,:"{}\[\]]*+')


class Window:
    """`data` from `at` on is what comes next. What is before it is let go when more is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._passed = 0  # bytes before `data`
        self._is_ended = False
        self.data = b""
        self.at = 0

    @property
    def offset(self) -> int:
        """Of what comes next, in the whole body."""
        return self._passed + self.at

    def hold(self, size: int) -> bool:
        """Read until `size` bytes are there; whether the body has so many left."""
        missing = size - (len(self.data) - self.at)
        if missing <= 0 or self._is_ended:
            return missing <= 0
        held = [self.data[self.at :]]
        ahead = -CHUNK  # what is held is copied, so never for a few bytes
        for piece in self._pieces:
            held.append(piece)
            missing -= len(piece)
            ahead += len(piece)
            if missing <= 0 and ahead >= 0:
                break
        else:
            self._is_ended = True
        self._passed += self.at
        self.data, self.at = b"".join(held), 0
        return missing <= 0

    def peek(self) -> bytes:
        """The next byte that is no white space, which is where the window begins then; b"" at the end."""
        following = self.data[self.at : self.at + 1]
        if following and following not in _SPACES:
            return following
        while True:
            self.at = _SPACE.match(self.data, self.at).end()  # type: ignore[union-attr] # matches nothing, too
            if self.at < len(self.data):
                return self.data[self.at : self.at + 1]
            if not self.hold(1):
                return b""

    def take(self, size: int) -> bytes:
        """The next bytes, which are in memory."""
        self.at += size
        return self.data[self.at - size : self.at]

    def measure(self, most: int) -> int:
        """The length of the JSON value that comes next, as far as brackets and quotes tell: 0 when it has no end
        within the body, above `most` when it has none within `most` bytes, TOO_DENSE when there are too many marks.
        """
        size = CHUNK
        while True:
            is_more = self.hold(size)
            end = _end_of_value(self.data, self.at)
            if end == TOO_DENSE:
                return end
            if end and (end < len(self.data) or not is_more):
                return end - self.at
            if not is_more:
                return 0
            if size > most:
                return size
            # Looking from the start again costs as much as has been read, so twice as much is read each time.
            size = min(size * 2, most + 1)


def _end_of_value(data: bytes, start: int) -> int:
    """Where the value ends that begins at `start`; 0 when its end is not in `data`."""
    first = data[start : start + 1]
    if first == b'"':
        string = _STRING.match(data, start)
        return string.end() if string else 0
    if first not in (b"{", b"["):
        return _SCALAR.match(data, start).end()  # type: ignore[union-attr] # matches nothing, too
    depth = 0
    for count, bracket in enumerate(_BRACKET.finditer(data, start), 1):
        if not bracket.lastindex:
            return 0
        end = bracket.end()
        depth += 1 if data[end - 1] in b"{[" else -1
        if depth == 0:
            return TOO_DENSE if count + data.count(b",", start, end) > MOST_MARKS else end
        if count == MOST_MARKS:
            return TOO_DENSE
    return 0
