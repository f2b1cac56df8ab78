"""Who calls the agents' API: the bearer of an agent token, in the scope of its cluster's organization."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from clusters.models import AgentToken
from clusters.services.tokens import authenticate_agent
from common.errors import Unauthenticated


class AgentTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer pla_…`. Sets request.auth to the AgentToken; there is no user."""

    CHALLENGE = 'Bearer realm="plumbline-agent"'

    def authenticate(self, request: Request) -> tuple[None, AgentToken]:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated(
                "Send the cluster's agent token: Authorization: Bearer pla_…", code="not_authenticated"
            )
        return None, authenticate_agent(secret.strip())

    def authenticate_header(self, request: Request) -> str:
        return self.CHALLENGE
