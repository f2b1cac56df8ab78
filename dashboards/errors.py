"""Error pages: what happened, what was kept, what to do. Under /api/ the API's JSON shape instead."""

import logging

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from common.errors import PlumblineError
from organizations.api.errors import error_response

logger = logging.getLogger(__name__)

_PAGES = {400, 403, 404, 413, 429, 500}


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler400. A body over DATA_UPLOAD_MAX_MEMORY_SIZE comes here too, and is a 413."""
    if isinstance(exception, RequestDataTooBig):
        return _answer(request, 413, "The body is larger than this accepts.", "too_large")
    return _answer(request, 400, "The request could not be understood.", "bad_request")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler403."""
    return _answer(
        request, 403, str(exception or "") or "Your role does not include this.", "permission_denied"
    )


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW: mostly a form that stood open while somebody signed in or out elsewhere."""
    logger.info("CSRF check failed: %s", reason)
    return _answer(
        request,
        403,
        "This form is no longer valid: go back, reload the page and send it again.",
        "csrf_failed",
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler404. Says the same of what is not there and of what is somebody else's."""
    return _answer(request, 404, "Not found.", "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500. The page needs neither database, context processors nor static files."""
    if request.path.startswith("/api/"):
        return error_response(500, "Something went wrong on our side; it has been logged.", "server_error")
    try:
        return HttpResponse(get_template("500.html").render(), status=500)
    except TemplateDoesNotExist:
        return HttpResponse("Something went wrong on our side; it has been logged.", status=500)


def refusal(request: HttpRequest, error: PlumblineError) -> HttpResponse:
    """The answer to a service's refusal."""
    response = _answer(request, error.status, error.detail, error.code, error.fields)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response


def _answer(
    request: HttpRequest, status: int, detail: str, code: str, fields: dict[str, str] | None = None
) -> HttpResponse:
    if request.path.startswith("/api/"):
        return error_response(status, detail, code, fields)
    template = f"{status if status in _PAGES else 400}.html"
    return render(request, template, {"detail": detail}, status=status)
