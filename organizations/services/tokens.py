"""API tokens: a user's own, for one organization, acting with the user's role there."""

from uuid import UUID

from django.db import transaction

from common.clock import now
from common.errors import NotFound, PlumblineError
from common.tokens import API_TOKEN, mint_token
from organizations.models import ApiToken, Membership, User
from organizations.scope import current_organization_id

from .audit import record


def issue_api_token(*, user: User, name: str, actor: User | None = None) -> tuple[ApiToken, str]:
    """A new token of a member and its secret, which is never to be had again. Raises PlumblineError."""
    name = name.strip()
    if not name or len(name) > 120:
        raise PlumblineError(
            "Give the token a name of 1 to 120 characters: it says where the token is used.",
            fields={"name": "1 to 120 characters."},
        )
    if not Membership.objects.filter(user_id=user.pk).exists():
        raise NotFound(f"{user.email} is not a member of this organization.")
    minted = mint_token(API_TOKEN)
    with transaction.atomic():
        token = ApiToken.objects.create(
            organization_id=current_organization_id(),
            user=user,
            name=name,
            prefix=minted.prefix,
            digest=minted.digest,
        )
        record(
            verb="api_token.issued",
            target=minted.prefix,
            actor=actor,
            data={"name": name, "user": user.email},
        )
    return token, minted.secret


def revoke_api_token(*, token_id: UUID, user: User) -> ApiToken:
    """End one of the user's own tokens, at once. Raises NotFound; revoking twice changes nothing."""
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().filter(pk=token_id, user_id=user.pk).first()
        if token is None:
            raise NotFound("There is no such token of yours.")
        if token.revoked_at is None:
            token.revoked_at = now()
            token.save(update_fields=["revoked_at"])
            record(verb="api_token.revoked", target=token.prefix, actor=user, data={"name": token.name})
    return token
