"""Whether a document is a report that can be merged: its schema, then what a schema cannot say."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from common.clock import now
from common.errors import Unprocessable
from plumbline.library import library_policies
from plumbline.reports.identities import resource_key
from plumbline.schemas import validator

SPOKEN = ("plumbline.report/v1",)
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)  # Kubernetes 1.0 came in July 2015
MOST_AHEAD = timedelta(days=1)
MAX_FIELDS = 20
_NAME_BYTES = {"kind": 63, "namespace": 253, "name": 253}
_PLACE_BYTES = 1024


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


def judge(document: dict[str, Any]) -> ReportHead:
    """The head of a report that can be merged. Raises Unprocessable with `fields` naming paths."""
    version = document.get("schema")
    if version not in SPOKEN:
        raise Unprocessable(
            f"This server speaks {', '.join(SPOKEN)}, and the report's schema is {_shown(version)}.",
            code="unknown_schema",
            fields={"schema": f"One of {', '.join(SPOKEN)}."},
        )
    _require_schema(document)
    scanned_at = _scanned_at(document["scanned_at"])
    _require_known_policies(document["policies"])
    fields: dict[str, str] = {}
    count = _judge_resources(document, fields)
    _judge_others(document, "deleted", "Also among the resources: is it there or gone?", fields)
    _judge_others(document, "known", "Also among the resources: in full or by digest?", fields)
    _judge_part(document, fields)
    if fields:
        raise Unprocessable("The report contradicts itself: see fields.", code="inconsistent", fields=fields)
    session, part = document.get("session"), document.get("part")
    return ReportHead(
        report_id=UUID(document["id"]),
        kind=document["kind"],
        scanned_at=scanned_at,
        resource_count=len(document["resources"]),
        result_count=count,
        known_count=len(document.get("known") or ()),
        is_complete=document["kind"] == "snapshot" and not document["truncated"] and not document["unreadable"],
        session_id=UUID(session["id"]) if session else None,
        sequence=session["sequence"] if session else None,
        policy_set=document.get("policy_set", ""),
        part_number=part["number"] if part else None,
        closing=part.get("closing") if part else None,
    )


@cache
def _library_policies() -> frozenset[str]:
    return frozenset(policy.id for policy in library_policies())


def _require_schema(document: dict[str, Any]) -> None:
    check = validator("report-v1")
    if check.is_valid(document):
        return
    errors = islice(check.iter_errors(document), MAX_FIELDS)
    fields = {_dotted(error.instance_path) or "body": error.message[:300] for error in errors}
    raise Unprocessable("The report does not follow its schema: see fields.", code="schema", fields=fields)


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
    return Unprocessable(
        f"scanned_at cannot be used. {reason}", code="bad_time", fields={"scanned_at": reason}
    )


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


def _judge_resources(document: dict[str, Any], fields: dict[str, str]) -> int:
    """Count verdicts and note, in `fields`, the first contradictions."""
    known = frozenset(range(len(document["policies"])))
    count = 0
    for index, resource in enumerate(document["resources"]):
        failed = set(resource["failed"])
        verdicts = failed.union(resource["passed"], resource["errored"], resource["skipped"])
        given = sum(len(resource[name]) for name in ("passed", "failed", "errored", "skipped"))
        count += given
        where = f"resources[{index}]"
        if len(verdicts) != given:
            fields[where] = "passed, failed, errored and skipped share a policy, or one names it twice."
        elif not verdicts <= known:
            fields[where] = f"An index is not one of the {len(known)} policies."
        elif {violation["policy"] for violation in resource["violations"]} != failed:
            fields[f"{where}.violations"] = "Their policies are not those of `failed`."
        elif not {error["policy"] for error in resource.get("errors", ())} <= failed.union(
            resource["errored"]
        ):
            fields[f"{where}.errors"] = "Their policies are neither in `errored` nor in `failed`."
        elif fault := _exception_fault(resource):
            fields[f"{where}.{fault[0]}"] = fault[1]
        elif (
            (long := _too_long(resource))
            or (long := _too_long_place(resource, "violations"))
            or ("excepted" in resource and (long := _too_long_place(resource, "excepted")))
        ):
            fields[f"{where}.{long}"] = "Too long in UTF-8."
        if len(fields) >= MAX_FIELDS:
            break
    return count


def _exception_fault(resource: dict[str, Any]) -> tuple[str, str] | None:
    """What is wrong with `excepted` or `partial`, which senders may leave out."""
    if "excepted" not in resource and "partial" not in resource:
        return None
    evaluated = {*resource["failed"], *resource["skipped"], *resource["errored"]}
    if not evaluated.issuperset(resource.get("partial") or ()):
        return "partial", "Names a policy that is neither in `failed` nor in `skipped` or `errored`."
    excepted = {(v["policy"], v["rule"], v["place"]) for v in resource.get("excepted") or ()}
    if not evaluated.issuperset(policy for policy, _, _ in excepted):
        return "excepted", "Their policies are neither in `failed` nor in `skipped` or `errored`."
    if not excepted.isdisjoint((v["policy"], v["rule"], v["place"]) for v in resource["violations"]):
        return "excepted", "One is among the violations, too: does the exception cover it or not?"
    return None


def _judge_others(document: dict[str, Any], name: str, contradiction: str, fields: dict[str, str]) -> None:
    """Resources that are named and not described: deleted ones, and those whose digest the server knows."""
    others = document.get(name) or []
    if not others:
        return
    present = {resource_key(resource) for resource in document["resources"]}
    for index, other in enumerate(others):
        if resource_key(other) in present:
            fields[f"{name}[{index}]"] = contradiction
        elif long := _too_long(other):
            fields[f"{name}[{index}].{long}"] = "Too long in UTF-8."
        if len(fields) >= MAX_FIELDS:
            break


def _judge_part(document: dict[str, Any], fields: dict[str, str]) -> None:
    part = document.get("part")
    if part is None:
        return
    closing = part.get("closing")
    if closing is not None and part["number"] > closing["parts"]:
        fields["part.number"] = "Beyond the number of parts that it closes with."
    if closing is None and (document["truncated"] or document["unreadable"]):
        fields["part"] = "`truncated` and `unreadable` speak of the whole snapshot: they belong into the closing part."


def _too_long(resource: dict[str, Any]) -> str:
    """The name of a part whose bytes would not fit into the index of identities, or ''."""
    group, _, version = resource["apiVersion"].rpartition("/")
    if len(version.encode()) > 63 or len(group.encode()) > 253:
        return "apiVersion"
    return next(
        (name for name, most in _NAME_BYTES.items() if len(resource[name].encode()) > most),
        "",
    )


def _too_long_place(resource: dict[str, Any], among: str) -> str:
    for index, violation in enumerate(resource[among]):
        for name in ("place", "path"):
            text = violation[name]
            if len(text) > _PLACE_BYTES // 4 and len(text.encode()) > _PLACE_BYTES:
                return f"{among}[{index}].{name}"
    return ""


def _dotted(path: list[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _shown(version: object) -> str:
    return f"“{version[:60]}”" if isinstance(version, str) else "not given"
