"""Which organizations the caller belongs to: where a program starts."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from organizations.models import ApiToken
from organizations.selectors.memberships import memberships_of

from .documentation import operation
from .serializers import OrganizationListSerializer


class OrganizationList(APIView):
    @operation(
        "organizations_list",
        summary="The organizations that you belong to; an API token belongs to one",
        tag="organizations",
        answers=OrganizationListSerializer,
    )
    def get(self, request: Request) -> Response:
        token = request.auth
        mine = [
            {"slug": m.organization.slug, "name": m.organization.name, "role": m.role}
            for m in memberships_of(request.user)
            if not isinstance(token, ApiToken) or token.organization_id == m.organization_id
        ]
        return Response(OrganizationListSerializer({"results": mine}).data)
