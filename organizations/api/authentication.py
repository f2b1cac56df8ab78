"""How the API knows who calls: a session with CSRF protection, or an API token that acts as its user."""

from datetime import timedelta

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from common.clock import now
from common.tokens import API_TOKEN, is_token, token_digest
from organizations.models import ApiToken, OwnedQuerySet, User
from organizations.scope import organization_scope, token_scope

__all__ = ["ApiTokenAuthentication", "SessionAuthentication"]

_SEEN_EVERY = timedelta(minutes=1)  # so that a busy client does not turn each read into a write
_REFUSED = "This API token is not valid: it is mistyped, revoked, or its user is gone."


class ApiTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer plb_…`. Sets request.auth to the ApiToken; other schemes are left to others."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        secret = secret.strip()
        if not is_token(secret, API_TOKEN):
            raise AuthenticationFailed("The bearer is not an API token: those begin with plb_.")
        token = _find(token_digest(secret))
        if token is None or not token.user.is_active:
            raise AuthenticationFailed(_REFUSED)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="plumbline"'


def _find(digest: str) -> ApiToken | None:
    """The live token with this digest. Goes past the manager: the token is what tells the organization."""
    with token_scope(digest):
        token = OwnedQuerySet(ApiToken).filter(digest=digest, revoked_at=None).select_related("user").first()
    if token is not None and (token.last_used_at is None or token.last_used_at < now() - _SEEN_EVERY):
        with organization_scope(token.organization_id):
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now())
    return token
