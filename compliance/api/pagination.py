"""Lists of the API: which parameters they take, how long a page is, what surrounds its rows."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import PlumblineError
from compliance.selectors.keyset import InvalidCursor, Page

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
LIST_PARAMETERS = ("cursor", "limit")


def refuse_unknown(request: Request, accepted: Collection[str]) -> None:
    """A misspelt filter would otherwise answer with everything. Raises PlumblineError (400) naming each."""
    unknown = sorted(set(request.query_params) - set(accepted))
    if unknown:
        sentence = f"Not a parameter of this list. Known: {', '.join(sorted(accepted)) or 'none'}."
        raise PlumblineError(
            "Some parameters are unknown here.",
            code="unknown_parameter",
            fields=dict.fromkeys((name[:64].replace("\x00", "") for name in unknown), sentence),
        )


def limit_of(request: Request) -> int:
    """`limit` as asked, 1 to 200. Raises PlumblineError (400)."""
    text = request.query_params.get("limit", "")
    if not text:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MAX_LIMIT):
        sentence = f"A whole number from 1 to {MAX_LIMIT}."
        raise PlumblineError("The limit cannot be used.", fields={"limit": sentence})
    return int(text)


def cursor_of(request: Request) -> str | None:
    return request.query_params.get("cursor") or None


def ordering_of(request: Request, allowed: Collection[str], default: str) -> str:
    """`ordering` as asked, one of those allowed. Raises PlumblineError (400)."""
    asked = request.query_params.get("ordering") or default
    if asked not in allowed:
        sentence = f"One of {', '.join(allowed)}."
        raise PlumblineError("This list has no such order.", fields={"ordering": sentence})
    return asked


def page_response(request: Request, page: Page, results: list[Any]) -> Response:
    """`{"results", "next", "previous"}`, the latter two as absolute URLs or null."""
    return Response(
        {
            "results": results,
            "next": _url(request, page.next),
            "previous": _url(request, page.previous),
        }
    )


def slice_page(rows: Sequence[Any], *, key: Callable[[Any], str], cursor: str | None, limit: int) -> Page:
    """A page of a list that is small enough to be made whole, sorted by `key`; cursors are `>key` and `<key`.

    Raises InvalidCursor.
    """
    if cursor is None:
        kept, start = list(rows), 0
    elif cursor[0] == ">":
        kept, start = list(rows), sum(key(row) <= cursor[1:] for row in rows)
    elif cursor[0] == "<":
        kept = [row for row in rows if key(row) < cursor[1:]]
        start = max(0, len(kept) - limit)
        shown = kept[start:]
        return Page(
            rows=shown,
            next=f">{key(shown[-1])}" if shown else None,
            previous=f"<{key(shown[0])}" if start else None,
        )
    else:
        raise InvalidCursor
    shown = kept[start : start + limit]
    return Page(
        rows=shown,
        next=f">{key(shown[-1])}" if start + limit < len(kept) else None,
        previous=f"<{key(shown[0])}" if shown and start else None,
    )


def _url(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
