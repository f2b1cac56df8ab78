"""A page, or the part of it that htmx asked for, under one URL."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def render_part(
    request: HttpRequest, page: str, parts: dict[str, str], context: dict[str, Any]
) -> HttpResponse:
    """Render `page`, or the template that `parts` gives for the htmx target that asked.

    The answer varies by the target, so that going back never shows a part as if it were the page.
    """
    htmx = getattr(request, "htmx", None)
    target = htmx.target if htmx else None
    response = render(request, parts.get(target or "", page), context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    response["Cache-Control"] = "private, no-store"
    return response
