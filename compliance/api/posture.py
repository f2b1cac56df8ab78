"""Posture to read: as it stands, whole and by place, and day by day."""

from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import PlumblineError
from compliance.posture import total
from compliance.selectors.directory import Directory
from compliance.selectors.filters import SCOPE_PARAMETERS, strict_filters
from compliance.selectors.history import OpenCounts, posture_timeline
from compliance.selectors.posture import places
from organizations.api.views import OrganizationAPIView

from .documentation import operation
from .pagination import refuse_unknown
from .serializers import PostureHistorySerializer, PostureNowSerializer

DEFAULT_DAYS, MAX_DAYS = 90, 730


class PostureNow(OrganizationAPIView):
    accepted = (*SCOPE_PARAMETERS, "as_of")

    @operation(
        "posture_read",
        summary="Posture of what is in view, and of each place in it (cluster, namespace, team)",
        tag="posture",
        answers=PostureNowSerializer,
        parameters=accepted,
    )
    def get(self, request: Request, slug: str) -> Response:
        refuse_unknown(request, self.accepted)
        directory = Directory(request.user)
        found = places(strict_filters(request.query_params, directory), directory)
        whole = {
            "posture": total(place.posture for place in found),
            "open": sum((place.open for place in found), OpenCounts()),
            "places": found,
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


def _days(request: Request) -> int:
    text = request.query_params.get("days", "")
    if not text:
        return DEFAULT_DAYS
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MAX_DAYS):
        raise PlumblineError(
            "The number of days cannot be used.", fields={"days": f"A whole number from 1 to {MAX_DAYS}."}
        )
    return int(text)
