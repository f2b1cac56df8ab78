"""Agent tokens: good for one cluster, shown once, ended at once."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from clusters.models import AgentToken, Cluster
from common.clock import now
from common.errors import NotFound, Unauthenticated
from common.tokens import AGENT_TOKEN, is_token, mint_token, token_digest
from organizations.models import OwnedQuerySet, User
from organizations.scope import current_organization_id, organization_scope, token_scope
from organizations.services.audit import record

SEEN_EVERY = timedelta(minutes=1)  # so that a busy agent does not turn each report into one write more


def issue_agent_token(
    *, cluster_id: UUID, actor: User | None = None, actor_label: str = ""
) -> tuple[AgentToken, str]:
    """A new token of the cluster and its secret, which is never to be had again. Raises NotFound."""
    minted = mint_token(AGENT_TOKEN)
    with transaction.atomic():
        cluster = Cluster.objects.filter(pk=cluster_id).first()
        if cluster is None:
            raise NotFound("There is no such cluster.")
        token = AgentToken.objects.create(
            organization_id=current_organization_id(),
            cluster=cluster,
            prefix=minted.prefix,
            digest=minted.digest,
            created_by=actor,
        )
        record(
            verb="agent_token.issued",
            target=minted.prefix,
            actor=actor,
            actor_label=actor_label,
            data={"cluster": cluster.name},
        )
    return token, minted.secret


def revoke_agent_token(*, token_id: UUID, actor: User | None) -> AgentToken:
    """End a token: the next report signed with it gets 401. Raises NotFound; twice changes nothing."""
    with transaction.atomic():
        token = (
            AgentToken.objects.select_for_update(of=("self",))
            .select_related("cluster")
            .filter(pk=token_id)
            .first()
        )
        if token is None:
            raise NotFound("There is no such token.")
        if token.revoked_at is None:
            token.revoked_at = now()
            token.save(update_fields=["revoked_at"])
            record(
                verb="agent_token.revoked",
                target=token.prefix,
                actor=actor,
                data={"cluster": token.cluster.name},
            )
    return token


def authenticate_agent(secret: str) -> AgentToken:
    """The live token whose secret this is. Raises Unauthenticated (token_unknown, token_revoked).

    Goes past the manager, for it is the token that tells the organization.
    """
    token = None
    if is_token(secret, AGENT_TOKEN):
        digest = token_digest(secret)
        with token_scope(digest):
            token = OwnedQuerySet(AgentToken).filter(digest=digest).first()
    if token is None:
        raise Unauthenticated("The bearer is not an agent token of this server.", code="token_unknown")
    if token.revoked_at is not None:
        raise Unauthenticated(
            f"The token {token.prefix}… was revoked. Issue another for this cluster.", code="token_revoked"
        )
    if token.last_used_at is None or token.last_used_at < now() - SEEN_EVERY:
        with organization_scope(token.organization_id):
            AgentToken.objects.filter(pk=token.pk).update(last_used_at=now())
    return token
