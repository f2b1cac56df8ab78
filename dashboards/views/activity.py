"""Activity: who did what to what, newest first."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from compliance.selectors.keyset import Keyset
from dashboards.access import OrganizationRequest, organization_view
from dashboards.paging import page_or_first
from organizations.models import AuditEvent
from organizations.permissions import Capability
from organizations.selectors.activity import SUBJECTS, ActivityFilter, audit_events

ORDER = Keyset((("-happened_at", datetime), ("-id", UUID)))
PAGE_SIZE = 50
TONES = {"created": "good", "registered": "good", "added": "good", "issued": "accent"} | {
    "removed": "high",
    "deleted": "high",
    "revoked": "notice",
}


@dataclass(frozen=True)
class EventRow:
    """One event in words: `text` what was done, `details` the rest as (name, value)."""

    event: AuditEvent
    subject: str
    deed: str
    tone: str
    details: list[tuple[str, str]]


@require_safe
@organization_view(needs=Capability.VIEW_ACTIVITY)
def activity_view(request: OrganizationRequest) -> HttpResponse:
    wanted, problems = read_filter(request.GET)
    events = audit_events(wanted)
    page, is_restarted = page_or_first(
        lambda at: ORDER.page(events, cursor=at, limit=PAGE_SIZE), request.GET.get("cursor")
    )
    rows = [_row(event) for event in page.rows]
    context = {
        "rows": rows,
        "next_cursor": page.next,
        "is_restarted": is_restarted,
        "wanted": wanted,
        "problems": problems,
        "chips": _chips(request.GET, wanted),
        "subjects": SUBJECTS.items(),
        "latest": rows[0] if rows and not request.GET.get("cursor") else None,
    }
    is_fragment = request.headers.get("HX-Target") == "results"
    return render(request, "activity/_results.html" if is_fragment else "activity/page.html", context)


def read_filter(query: QueryDict) -> tuple[ActivityFilter, list[str]]:
    """What the URL asks for, and sentences about what in it was not understood and is left out."""
    problems: list[str] = []
    subject = query.get("subject", "")
    if subject and subject not in SUBJECTS:
        problems.append(f"There is no subject “{subject}”.")
        subject = ""
    days = {}
    for name in ("since", "until"):
        days[name], problem = _day(query.get(name, ""))
        problems += [problem] if problem else []
    text = {name: query.get(name, "").replace("\x00", "").strip()[:254] for name in ("actor", "q")}
    return ActivityFilter(subject=subject, **text, **days), problems


def _day(text: str) -> tuple[date | None, str]:
    try:
        return (date.fromisoformat(text) if text else None), ""
    except ValueError:
        return None, f"“{text}” is not a day like 2026-11-23."


def _chips(query: QueryDict, wanted: ActivityFilter) -> list[dict[str, str]]:
    values: dict[str, Any] = {
        "subject": SUBJECTS.get(wanted.subject, ""),
        "actor": wanted.actor,
        "q": wanted.q,
        "since": wanted.since,
        "until": wanted.until,
    }
    labels = {"subject": "About", "actor": "By", "q": "Target", "since": "From", "until": "To"}
    return [
        {"label": labels[name], "value": str(value), "url": _without(query, name)}
        for name, value in values.items()
        if value
    ]


def _without(query: QueryDict, name: str) -> str:
    rest = query.copy()
    for key in (name, "cursor"):
        rest.pop(key, None)
    return f"?{rest.urlencode()}"


def _row(event: AuditEvent) -> EventRow:
    subject, _, deed = event.verb.partition(".")
    return EventRow(
        event=event,
        subject=subject.replace("_", " ").capitalize().replace("Api", "API"),
        deed=deed.replace("_", " "),
        tone=TONES.get(deed, "neutral"),
        # "from" comes before "to"; PostgreSQL keeps no order of its own.
        details=[(name.replace("_", " "), _words(value)) for name, value in sorted(event.data.items())],
    )


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_words(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "none"
    return str(value).replace("_", " ") if value not in ("", None) else "none"
