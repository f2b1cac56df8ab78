"""One shape for every error of the API: `{"detail", "code", "fields"}`."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from common.database import gave_out
from common.errors import PlumblineError
from common.metrics import DATABASE_ERRORS

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's exception handler. None lets what nobody foresaw reach the 500 page's JSON."""
    if isinstance(error, PlumblineError):
        response = Response(error_body(error.detail, error.code, error.fields), status=error.status)
        if error.retry_after is not None:
            response["Retry-After"] = str(error.retry_after)
    elif isinstance(error, Http404):
        response = Response(error_body("Not found.", "not_found"), status=404)
    elif isinstance(error, PermissionDenied):
        detail = str(error) or "Your role does not include this."
        response = Response(error_body(detail, "permission_denied"), status=403)
    elif isinstance(error, exceptions.APIException):
        response = _of_framework(error)
    elif gave_out(error):
        logger.error("The database gave out.", exc_info=error)
        DATABASE_ERRORS.labels(type(error).__name__).inc()
        response = Response(error_body("The database is away: try again.", "database_unavailable"), status=503)
        response["Retry-After"] = str(RETRY_SECONDS)
    else:
        return None
    set_rollback()
    return response


def error_body(detail: str, code: str, fields: dict[str, str] | None = None) -> dict[str, Any]:
    return {"detail": detail, "code": code, "fields": fields or {}}


def error_response(status: int, detail: str, code: str, fields: dict[str, str] | None = None) -> JsonResponse:
    """The same shape for what happens outside the framework: no such route, a crash, an oversized body."""
    return JsonResponse(error_body(detail, code, fields), status=status)


def _of_framework(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.ValidationError):
        fields = _flat(error.detail)
        whole = fields.pop("", None)
        body = error_body(whole or "Some of the input cannot be used: see fields.", "invalid", fields)
    else:
        detail = error.detail
        body = error_body(str(detail), getattr(detail, "code", None) or error.default_code)
    response = Response(body, status=error.status_code)
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        response["Retry-After"] = str(int(wait) + 1)
    return response


def _flat(detail: Any, path: str = "") -> dict[str, str]:
    """Nested validation errors as dotted names, each with one sentence; errors of the whole are under ''."""
    if isinstance(detail, dict):
        flat: dict[str, str] = {}
        for name, inner in detail.items():
            own = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            flat.update(_flat(inner, own))
        return flat
    if isinstance(detail, list):
        if any(isinstance(item, dict | list) for item in detail):
            return {
                key: text
                for index, item in enumerate(detail)
                for key, text in _flat(item, f"{path}[{index}]").items()
            }
        return {path: " ".join(str(item) for item in detail)}
    return {path: str(detail)}
