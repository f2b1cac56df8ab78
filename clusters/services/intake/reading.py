"""From a body to a report that can be merged, in the form in which it is kept, without holding it whole.

The body is read once from its beginning to its end. It is read once more where the policies, by which resources are
judged, come after them, and to say where it is not JSON.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .bodies import Body
from .documents import Strictness, collector_paused, malformed, not_an_object
from .keeping import LinePacker
from .members import Crowded, Elements, Malformed, Member, MemberReader, NotAnObject
from .validation import LISTS, Judging, ReportHead, most_of, too_many

# One resource, or all that is beside the lists: of no more than this are there objects at once. It is what may be sent
# without being compressed, and ten times what Kubernetes takes for an object.
MOST_AT_ONCE = 32 << 20


@dataclass(frozen=True)
class ReadReport:
    """`document` is all of the report but the elements of its lists, which are in `lines`, in pieces; `digest` and
    `size` are those of the expanded body.
    """

    head: ReportHead
    document: dict[str, Any]
    lines: list[bytes]
    digest: str
    size: int


def read_report(body: Body) -> ReadReport:
    """Raises PlumblineError: BadDocument, TooLarge, Unprocessable and what reading the body raises."""
    with collector_paused():
        try:
            return _Reading(body).read()
        except Malformed as fault:
            raise malformed(body.pieces, fault.offset, fault.reason) from fault
        except NotAnObject:
            raise not_an_object() from None
        except Crowded as fault:
            raise too_many(fault.name, fault.most) from fault


class _Reading:
    def __init__(self, body: Body) -> None:
        self._body = body
        self._hash = hashlib.sha256()
        self._document: dict[str, Any] = {}
        self._strictness = Strictness()
        self._judging: Judging | None = None
        self._packer: LinePacker | None = None

    def read(self) -> ReadReport:
        for found in _members_of(self._hashed()):
            if isinstance(found, Member):
                self._take_member(found)
            else:
                self._take_elements(found)
        self._strictness.require(self._body.pieces)
        judging, packer = self._judges()
        head = judging.conclude(self._document)
        return ReadReport(head, self._document, packer.finish(), self._hash.hexdigest(), self._body.expanded)

    def _hashed(self) -> Iterator[bytes]:
        for piece in self._body.pieces():
            self._hash.update(piece)
            yield piece

    def _take_member(self, member: Member) -> None:
        self._strictness.look(member.key, member.key_offset)
        self._strictness.render([member.value], member.raw, member.offset, depth=1)
        if member.name in self._document:
            self._strictness.note_twice(member.name)
        self._document[member.name] = member.value

    def _take_elements(self, elements: Elements) -> None:
        renderings = self._strictness.render(elements.values, elements.raw, elements.offset, depth=2)
        if not renderings:
            return
        judging, packer = self._judges()
        judging.take(elements.name, elements.values)
        if not judging.is_in_vain:
            packer.take(elements.name, elements.values, renderings)

    def _judges(self) -> tuple[Judging, LinePacker]:
        """Made when the first is needed, for which the policies must be known."""
        if self._judging is None or self._packer is None:
            policies = self._document["policies"] if "policies" in self._document else self._policies_ahead()
            self._judging = Judging(policies)
            self._packer = LinePacker(policies if _are_names(policies) else [])
        return self._judging, self._packer

    def _policies_ahead(self) -> Any:
        members = (found for found in _members_of(self._body.pieces()) if isinstance(found, Member))
        return next((member.value for member in members if member.name == "policies"), None)


def _members_of(pieces: Iterator[bytes]) -> MemberReader:
    return MemberReader(pieces, lists={name: most_of(name) for name in LISTS}, most=MOST_AT_ONCE)


def _are_names(policies: Any) -> bool:
    return isinstance(policies, list) and all(isinstance(policy, str) for policy in policies)
