"""Posture to read: as it stands, whole and by place, and day by day."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import PlumblineError
from compliance.selectors.directory import Directory
from compliance.selectors.filters import SCOPE_PARAMETERS, Filters, strict_filters
from compliance.selectors.history import posture_timeline
from compliance.selectors.policies import policy_rows, posture_by_category
from compliance.selectors.posture import hottest_places, place_count
from organizations.api.views import OrganizationAPIView

from .documentation import operation
from .pagination import limit_of, refuse_unknown
from .serializers import PostureHistorySerializer, PostureNowSerializer

DEFAULT_DAYS, MAX_DAYS = 90, 730


class PostureNow(OrganizationAPIView):
    accepted = (*SCOPE_PARAMETERS, "as_of", "limit")

    @operation(
        "posture_read",
        summary="Posture of what is in view, and its hottest places (cluster, namespace, team)",
        tag="posture",
        answers=PostureNowSerializer,
        parameters=accepted,
    )
    def get(self, request: Request, slug: str) -> Response:
        refuse_unknown(request, self.accepted)
        directory = Directory(request.user)
        filters = strict_filters(request.query_params, directory)
        last = posture_timeline(filters, days=1).whole().last
        whole = {
            "posture": last.posture,
            "open": last.open,
            "categories": _categories(filters, directory),
            "place_count": place_count(filters),
            "places": hottest_places(filters, limit=limit_of(request)),
        }
        return Response(PostureNowSerializer(whole).data)


class PostureHistory(OrganizationAPIView):
    accepted = (*SCOPE_PARAMETERS, "as_of", "days")

    @operation(
        "posture_history",
        summary="Posture at each day's end, oldest first",
        tag="posture",
        answers=PostureHistorySerializer,
        parameters=accepted,
    )
    def get(self, request: Request, slug: str) -> Response:
        refuse_unknown(request, self.accepted)
        filters = strict_filters(request.query_params, Directory(request.user))
        history = posture_timeline(filters, days=_days(request)).whole()
        return Response(PostureHistorySerializer({"days": history.days}).data)


def _categories(filters: Filters, directory: Directory) -> list[dict[str, Any]]:
    found = posture_by_category(policy_rows(filters, directory))
    return [{"category": name, "posture": posture} for name, posture in found.items() if posture.applicable]


def _days(request: Request) -> int:
    text = request.query_params.get("days", "")
    if not text:
        return DEFAULT_DAYS
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MAX_DAYS):
        raise PlumblineError(
            "The number of days cannot be used.", fields={"days": f"A whole number from 1 to {MAX_DAYS}."}
        )
    return int(text)
