"""Large snapshots in parts, so that neither side holds one whole, and a part that is lost is all that is sent again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from plumbline.reports.digests import rendering
from plumbline.reports.post import ReportError, post_body

MOST_RESOURCES = 2000
MOST_BYTES = 8 << 20

Progress = Callable[[int, int], None]


def split_report(
    report: dict[str, Any], *, most_resources: int = MOST_RESOURCES, most_bytes: int = MOST_BYTES
) -> list[dict[str, Any]]:
    """The report alone if it is small, or a delta; else its parts, the last of which closes it."""
    groups = list(_groups(report, most_resources, most_bytes))
    if report["kind"] != "snapshot" or len(groups) < 2:
        return [report]
    about = {name: value for name, value in report.items() if name not in ("resources", "known")}
    parts = []
    digests = []
    for number, (resources, known) in enumerate(groups, start=1):
        part = {**about, "resources": resources, **({"known": known} if known else {}), "part": {"number": number}}
        if number < len(groups):
            part |= {"truncated": None, "unreadable": []}
            digests.append(hashlib.sha256(rendering(part)).hexdigest())
        parts.append(part)
    parts[-1]["part"]["closing"] = {
        "parts": len(groups),
        "resources": len(report["resources"]) + len(report.get("known", ())),
        "digest": hashlib.sha256("".join(digests).encode()).hexdigest(),
    }
    return parts


def send_report(
    url: str,
    token: str,
    report: dict[str, Any],
    *,
    progress: Progress | None = None,
    client: httpx.Client | None = None,
    most_resources: int = MOST_RESOURCES,
    most_bytes: int = MOST_BYTES,
) -> dict[str, Any]:
    """Post a report, in parts if it is large; the server's receipt of the whole. Raises ReportError.

    `progress` is told how many parts of how many are in. What the server lacks at the end is sent once more.
    """
    parts = split_report(report, most_resources=most_resources, most_bytes=most_bytes)
    receipt: dict[str, Any] = {}
    for number, part in enumerate(parts, start=1):
        receipt = post_body(url, token, rendering(part), client=client)
        if progress is not None:
            progress(number, len(parts))
    for number in receipt.get("missing") or ():
        receipt = post_body(url, token, rendering(parts[number - 1]), client=client)
    if receipt.get("status") == "incomplete":
        raise ReportError("the server lacks parts of the report although all of them were sent")
    return receipt


def _groups(report: dict[str, Any], most_resources: int, most_bytes: int) -> Iterator[tuple[list[Any], list[Any]]]:
    """(resources, known) of each part. One resource may be larger than a part is meant to be."""
    resources: list[Any] = []
    known: list[Any] = []
    size = 0
    for entry in (*report["resources"], *report.get("known", ())):
        length = len(rendering(entry))
        if (resources or known) and (len(resources) + len(known) >= most_resources or size + length > most_bytes):
            yield resources, known
            resources, known, size = [], [], 0
        (known if "digest" in entry else resources).append(entry)
        size += length
    yield resources, known
