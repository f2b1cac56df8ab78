"""Clusters to read and to register, and the tokens of their agents."""

from uuid import UUID

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.models import AgentToken, Cluster
from clusters.services.clusters import register_cluster
from clusters.services.tokens import issue_agent_token, revoke_agent_token
from common.errors import NotFound
from compliance.selectors.directory import Directory
from compliance.selectors.filters import strict_filters
from compliance.selectors.fleet import cluster_by_id
from compliance.selectors.keyset import Keyset
from organizations.api.views import OrganizationAPIView
from organizations.permissions import Capability

from .documentation import operation, page_of
from .pagination import LIST_PARAMETERS, cursor_of, limit_of, page_response, refuse_unknown
from .serializers import (
    AgentTokenSerializer,
    ClusterRegistrationSerializer,
    ClusterSerializer,
    IssuedTokenSerializer,
    RegisteredClusterSerializer,
)

BY_NAME = Keyset((("name", str),))
NEWEST_FIRST = Keyset((("-id", UUID),))


class ClusterList(OrganizationAPIView):
    needs = {"GET": Capability.VIEW, "POST": Capability.MANAGE_CLUSTERS}
    accepted = ("environment", *LIST_PARAMETERS)

    @operation(
        "clusters_list",
        summary="Clusters by name",
        tag="clusters",
        answers=page_of(ClusterSerializer),
        parameters=accepted,
    )
    def get(self, request: Request, slug: str) -> Response:
        refuse_unknown(request, self.accepted)
        filters = strict_filters(request.query_params, Directory(request.user))
        found = Cluster.objects.all()
        if filters.environment:
            found = found.filter(environment=filters.environment)
        page = BY_NAME.page(found, cursor=cursor_of(request), limit=limit_of(request))
        return page_response(request, page, ClusterSerializer(page.rows, many=True).data)

    @operation(
        "clusters_register",
        summary="Register a cluster; its agent's token is shown this once",
        tag="clusters",
        request=ClusterRegistrationSerializer,
        answers=RegisteredClusterSerializer,
        status=201,
    )
    def post(self, request: Request, slug: str) -> Response:
        wanted = ClusterRegistrationSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        with transaction.atomic():
            cluster = register_cluster(**wanted.validated_data, actor=request.user)
            _, secret = issue_agent_token(cluster_id=cluster.id, actor=request.user)
        registered = RegisteredClusterSerializer({"cluster": cluster, "token": secret})
        return Response(registered.data, status=201)


class ClusterDetail(OrganizationAPIView):
    @operation("clusters_read", summary="One cluster", tag="clusters", answers=ClusterSerializer)
    def get(self, request: Request, slug: str, cluster_id: UUID) -> Response:
        return Response(ClusterSerializer(cluster_by_id(cluster_id)).data)


class AgentTokenList(OrganizationAPIView):
    needs = {"GET": Capability.MANAGE_CLUSTERS, "POST": Capability.MANAGE_CLUSTERS}
    accepted = LIST_PARAMETERS

    @operation(
        "agent_tokens_list",
        summary="The tokens of a cluster's agents, newest first, revoked ones too",
        tag="clusters",
        answers=page_of(AgentTokenSerializer),
        parameters=accepted,
    )
    def get(self, request: Request, slug: str, cluster_id: UUID) -> Response:
        refuse_unknown(request, self.accepted)
        tokens = AgentToken.objects.filter(cluster=cluster_by_id(cluster_id))
        page = NEWEST_FIRST.page(tokens, cursor=cursor_of(request), limit=limit_of(request))
        return page_response(request, page, AgentTokenSerializer(page.rows, many=True).data)

    @operation(
        "agent_tokens_issue",
        summary="Issue a token; it is shown this once",
        tag="clusters",
        answers=IssuedTokenSerializer,
        status=201,
    )
    def post(self, request: Request, slug: str, cluster_id: UUID) -> Response:
        token, secret = issue_agent_token(cluster_id=cluster_id, actor=request.user)
        issued = IssuedTokenSerializer({"id": token.id, "prefix": token.prefix, "token": secret})
        return Response(issued.data, status=201)


class AgentTokenDetail(OrganizationAPIView):
    needs = {"DELETE": Capability.MANAGE_CLUSTERS}

    @operation(
        "agent_tokens_revoke",
        summary="Revoke a token: the next report signed with it gets 401",
        tag="clusters",
        answers=None,
        status=204,
    )
    def delete(self, request: Request, slug: str, cluster_id: UUID, token_id: UUID) -> Response:
        if not AgentToken.objects.filter(pk=token_id, cluster_id=cluster_id).exists():
            raise NotFound("There is no such token of this cluster.")
        revoke_agent_token(token_id=token_id, actor=request.user)
        return Response(status=204)
