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
from plumbline.schemas import validator

SPOKEN = ("plumbline.report/v1",)
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)  # Kubernetes 1.0 came in July 2015
CLOCK_SKEW = timedelta(minutes=10)
MAX_FIELDS = 20
_NAME_BYTES = {"kind": 63, "namespace": 253, "name": 253}
_PLACE_BYTES = 1024


@dataclass(frozen=True)
class ReportHead:
    """What is kept of a report beside its body. `result_count` counts verdicts of a policy on a resource."""

    report_id: UUID
    kind: str
    scanned_at: datetime
    resource_count: int
    result_count: int


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
    _judge_deleted(document, fields)
    if fields:
        raise Unprocessable("The report contradicts itself: see fields.", code="inconsistent", fields=fields)
    return ReportHead(
        report_id=UUID(document["id"]),
        kind=document["kind"],
        scanned_at=scanned_at,
        resource_count=len(document["resources"]),
        result_count=count,
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
    if scanned_at > now() + CLOCK_SKEW:
        raise _bad_time("More than 10 minutes in the future: is the sender's clock right?")
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
        elif (long := _too_long(resource)) or (long := _too_long_place(resource["violations"])):
            fields[f"{where}.{long}"] = "Too long in UTF-8."
        if len(fields) >= MAX_FIELDS:
            break
    return count


def _judge_deleted(document: dict[str, Any], fields: dict[str, str]) -> None:
    deleted = document.get("deleted") or []
    if not deleted:
        return
    present = {_identity(resource) for resource in document["resources"]}
    for index, gone in enumerate(deleted):
        if _identity(gone) in present:
            fields[f"deleted[{index}]"] = "Also among the resources: is it there or gone?"
        elif long := _too_long(gone):
            fields[f"deleted[{index}].{long}"] = "Too long in UTF-8."
        if len(fields) >= MAX_FIELDS:
            break


def _identity(resource: dict[str, Any]) -> tuple[str, str, str, str]:
    group, _, _ = resource["apiVersion"].rpartition("/")
    return group, resource["kind"], resource["namespace"], resource["name"]


def _too_long(resource: dict[str, Any]) -> str:
    """The name of a part whose bytes would not fit into the index of identities, or ''."""
    group, _, version = resource["apiVersion"].rpartition("/")
    if len(version.encode()) > 63 or len(group.encode()) > 253:
        return "apiVersion"
    return next(
        (name for name, most in _NAME_BYTES.items() if len(resource[name].encode()) > most),
        "",
    )


def _too_long_place(violations: list[dict[str, Any]]) -> str:
    for index, violation in enumerate(violations):
        for name in ("place", "path"):
            text = violation[name]
            if len(text) > _PLACE_BYTES // 4 and len(text.encode()) > _PLACE_BYTES:
                return f"violations[{index}].{name}"
    return ""


def _dotted(path: list[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _shown(version: object) -> str:
    return f"“{version[:60]}”" if isinstance(version, str) else "not given"
