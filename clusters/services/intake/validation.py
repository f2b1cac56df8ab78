"""Whether a document is a report that can be merged: its schema, then what a schema cannot say."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from common.clock import now
from common.errors import Unprocessable
from plumbline.library import library_policies
from plumbline.reports.identities import resource_key
from plumbline.schemas import compiled, load_schema

from .contradictions import contradiction, too_long, verdict_count

SPOKEN = ("plumbline.report/v1",)
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)  # Kubernetes 1.0 came in July 2015
MOST_AHEAD = timedelta(days=1)
MAX_FIELDS = 20
LISTS = ("resources", "known", "deleted")  # of the members, those that may be long
_PRESENT_TWICE = {
    "deleted": "Also among the resources: is it there or gone?",
    "known": "Also among the resources: in full or by digest?",
}
_KEY_BYTES = 16


@dataclass(frozen=True)
class ReportHead:
    """What is kept of a report, or of a part of one, beside its body.

    `resource_count` counts what is in full, `known_count` what is named by its digest; `result_count` counts verdicts
    of a policy on a resource. `closing` is what the part that closes a snapshot says of all of them.
    """

    report_id: UUID
    kind: str
    scanned_at: datetime
    resource_count: int
    result_count: int
    known_count: int = 0
    is_complete: bool = True
    session_id: UUID | None = None
    sequence: int | None = None
    policy_set: str = ""
    part_number: int | None = None
    closing: dict[str, Any] | None = None


class Judging:
    """Judges a report whose lists are taken in batches, each of which may be let go; `conclude` on the rest of it.

    `policies` is what the report has under that name. A batch is told whether or not those before it were right.
    """

    def __init__(self, policies: object) -> None:
        self._known = frozenset(range(len(policies))) if isinstance(policies, list) else frozenset()
        self._counts = dict.fromkeys(LISTS, 0)
        self._result_count = 0
        self._misfits: dict[str, str] = {}  # what does not follow the schema
        self._contradictions: dict[str, dict[int, tuple[str, str]]] = {name: {} for name in LISTS}
        self._keys = {name: bytearray() for name in LISTS}
        self._first_deleted: list[Any] = []

    @property
    def is_in_vain(self) -> bool:
        """Whether the report will be refused for what has been taken so far."""
        return bool(self._misfits) or any(self._contradictions.values())

    def take(self, name: str, values: list[Any]) -> None:
        """Judge the next elements of the list of that name. Raises Unprocessable when they are too many."""
        start = self._counts[name]
        self._counts[name] += len(values)
        if self._counts[name] > most_of(name):
            raise too_many(name, most_of(name))
        if name == "deleted" and not start:
            self._first_deleted = values[:1]
        if len(self._misfits) < MAX_FIELDS and not _list_check(name).is_valid(values):
            self._note_misfits(name, start, values)
        if self._misfits:
            return
        for index, value in enumerate(values, start):
            self._keys[name] += _key_digest(value)
            self._note(name, index, contradiction(value, self._known) if name == "resources" else too_long(value))
        if name == "resources":
            self._result_count += sum(map(verdict_count, values))

    def conclude(self, document: dict[str, Any]) -> ReportHead:
        """The head of a report that can be merged; `document` is all of it, the elements of its lists left out.

        Raises Unprocessable with `fields` naming paths.
        """
        version = document.get("schema")
        if version not in SPOKEN:
            raise Unprocessable(
                f"This server speaks {', '.join(SPOKEN)}, and the report's schema is {_shown(version)}.",
                code="unknown_schema",
                fields={"schema": f"One of {', '.join(SPOKEN)}."},
            )
        self._require_schema(document)
        scanned_at = _scanned_at(document["scanned_at"])
        _require_known_policies(document["policies"])
        fields = self._contradicting()
        _judge_part(document, fields)
        if fields:
            raise Unprocessable("The report contradicts itself: see fields.", code="inconsistent", fields=fields)
        session, part = document.get("session"), document.get("part")
        return ReportHead(
            report_id=UUID(document["id"]),
            kind=document["kind"],
            scanned_at=scanned_at,
            resource_count=self._counts["resources"],
            result_count=self._result_count,
            known_count=self._counts["known"],
            is_complete=document["kind"] == "snapshot" and not document["truncated"] and not document["unreadable"],
            session_id=UUID(session["id"]) if session else None,
            sequence=session["sequence"] if session else None,
            policy_set=document.get("policy_set", ""),
            part_number=part["number"] if part else None,
            closing=part.get("closing") if part else None,
        )

    def _note_misfits(self, name: str, start: int, values: list[Any]) -> None:
        # One at a time, for all errors of what is looked at are made at once.
        for index, value in enumerate(values, start):
            for error in _list_check(name).iter_errors([value]):
                path = [name, index, *error.instance_path[1:]]
                self._misfits[_dotted(path)] = error.message[:300]
            if len(self._misfits) >= MAX_FIELDS:
                return

    def _note(self, name: str, index: int, fault: tuple[str, str] | None) -> None:
        if fault and len(self._contradictions[name]) < MAX_FIELDS:
            self._contradictions[name][index] = fault

    def _require_schema(self, document: dict[str, Any]) -> None:
        # A snapshot has nothing deleted, which the first element shows.
        lists = {"deleted": self._first_deleted} if self._first_deleted else {}
        errors = _head_check().iter_errors({**document, **lists})
        fields = {_dotted(error.instance_path) or "body": error.message[:300] for error in islice(errors, MAX_FIELDS)}
        if fields or self._misfits:
            raise _not_of_schema(fields | self._misfits)

    def _contradicting(self) -> dict[str, str]:
        """Paths and faults of the lists, up to MAX_FIELDS of them."""
        for name, reason in _PRESENT_TWICE.items():
            for index in self._among_resources(name):
                self._contradictions[name][index] = ("", reason)
        faults = (
            (f"{name}[{index}]{path}", reason)
            for name in ("resources", *_PRESENT_TWICE)
            for index, (path, reason) in sorted(self._contradictions[name].items())
        )
        return dict(islice(faults, MAX_FIELDS))

    def _among_resources(self, name: str) -> list[int]:
        """Indexes of those elements whose keys are those of resources."""
        others = list(_split(self._keys[name]))
        present = set(_split(self._keys["resources"])) if others else set()
        return [index for index, key in enumerate(others) if key in present]


def judge(document: dict[str, Any]) -> ReportHead:
    """The head of a whole report that can be merged. Raises Unprocessable with `fields` naming paths."""
    lists = {name: document[name] for name in LISTS if isinstance(document.get(name), list)}
    judging = Judging(document.get("policies"))
    for name, values in lists.items():
        judging.take(name, values)
    return judging.conclude({**document, **{name: [] for name in lists}})


def _key_digest(resource: dict[str, Any]) -> bytes:
    """The key in few bytes: those of 200,000 resources are held until the last other list is read."""
    return blake2b("\0".join(resource_key(resource)).encode(), digest_size=_KEY_BYTES).digest()


def _split(keys: bytearray) -> Iterator[bytes]:
    return (bytes(keys[start : start + _KEY_BYTES]) for start in range(0, len(keys), _KEY_BYTES))


@cache
def _library_policies() -> frozenset[str]:
    return frozenset(policy.id for policy in library_policies())


@cache
def _list_check(name: str) -> Any:
    """A validator of some elements of the list of that name."""
    schema = load_schema("report-v1")
    return compiled({"$defs": schema["$defs"], "type": "array", "items": schema["properties"][name]["items"]})


@cache
def _head_check() -> Any:
    """A validator of a report whose lists are judged apart."""
    schema = load_schema("report-v1")
    lists = {name: {"type": "array"} for name in LISTS}
    return compiled({**schema, "properties": schema["properties"] | lists})


@cache
def most_of(name: str) -> int:
    """How many elements the list of that name may have."""
    most: int = load_schema("report-v1")["properties"][name]["maxItems"]
    return most


def too_many(name: str, most: int) -> Unprocessable:
    """The refusal of a list of the report, or of the report where there is no name."""
    return _not_of_schema(
        {name: f"Has more than {most} items."} if name else {"body": f"Has more than {most} members."}
    )


def _not_of_schema(fields: dict[str, str]) -> Unprocessable:
    return Unprocessable(
        "The report does not follow its schema: see fields.",
        code="schema",
        fields=dict(islice(fields.items(), MAX_FIELDS)),
    )


def _scanned_at(text: str) -> datetime:
    try:
        scanned_at = datetime.fromisoformat(text)
    except ValueError:
        scanned_at = None
    if scanned_at is None or scanned_at.tzinfo is None:
        raise _bad_time("An instant as in RFC 3339, e.g. 2026-11-23T10:00:00Z.")
    if scanned_at < EARLIEST:
        raise _bad_time("Before 2015: is the sender's clock set?")
    if scanned_at > now() + MOST_AHEAD:
        raise _bad_time("More than a day in the future: is the sender's clock right?")
    return scanned_at.astimezone(UTC)


def _bad_time(reason: str) -> Unprocessable:
    return Unprocessable(f"scanned_at cannot be used. {reason}", code="bad_time", fields={"scanned_at": reason})


def _require_known_policies(slugs: list[str]) -> None:
    """Every slug is the library's or one of the organization's own; asks the database about the others alone."""
    others = [slug for slug in slugs if slug not in _library_policies()]
    unknown = set(others) - _own_policies(others) if others else set()
    if unknown:
        fields = {
            f"policies[{index}]": f"Neither the library nor this organization has a policy “{slug}”."
            for index, slug in enumerate(slugs)
            if slug in unknown
        }
        raise Unprocessable(
            "This server lacks some of the report's policies: import your own first; "
            "for those of the library, is the sender newer than the server?",
            code="unknown_policy",
            fields=dict(islice(fields.items(), MAX_FIELDS)),
        )


def _own_policies(slugs: Collection[str]) -> frozenset[str]:
    """By the dotted name that the settings give, for policies belong to a layer above this one."""
    known: Callable[[Collection[str]], frozenset[str]] = import_string(settings.REPORT_POLICIES)
    return known(slugs)


def _judge_part(document: dict[str, Any], fields: dict[str, str]) -> None:
    part = document.get("part")
    if part is None:
        return
    closing = part.get("closing")
    if closing is not None and part["number"] > closing["parts"]:
        fields["part.number"] = "Beyond the number of parts that it closes with."
    if closing is None and (document["truncated"] or document["unreadable"]):
        fields["part"] = "`truncated` and `unreadable` speak of the whole snapshot: they belong into the closing part."


def _dotted(path: list[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _shown(version: object) -> str:
    return f"“{version[:60]}”" if isinstance(version, str) else "not given"
