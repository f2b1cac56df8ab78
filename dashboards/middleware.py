"""What every answer of ours carries, and how a refusal by a service becomes a page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from common.errors import PlumblineError
from dashboards.errors import refusal

PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope",
        "magnetometer", "microphone", "midi", "payment", "usb",
    )
)  # fmt: skip


class PageHeaders:
    """Nothing that the application answers is kept by a cache, unless the view says otherwise.

    Static files are served before this and have their own, long, lives.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response


class Refusals:
    """Turns a PlumblineError that a view lets through into a page, or JSON under /api/, with its status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return refusal(request, exception) if isinstance(exception, PlumblineError) else None
