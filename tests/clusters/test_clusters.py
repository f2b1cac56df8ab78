"""Clusters and their tokens: registered, renamed, deleted, issued, revoked; each deed with its audit
event.
"""

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from clusters.models import AgentToken, Cluster
from clusters.services import clusters
from clusters.services.clusters import delete_cluster, register_cluster, update_cluster
from clusters.services.tokens import authenticate_agent, issue_agent_token, revoke_agent_token
from common.errors import Conflict, NotFound, PlumblineError, Unauthenticated
from common.ids import uuid7
from common.locks import cluster_work, held_alone
from common.tokens import token_digest
from organizations.models import AuditEvent, Organization, User
from organizations.scope import organization_scope


def verbs() -> list[str]:
    return list(AuditEvent.objects.exclude(verb__startswith="organization").values_list("verb", flat=True))


def test_registered_cluster_is_recorded(acme_scope: Organization, olivia: User) -> None:
    cluster = register_cluster(name=" eu-west.prod_1 ", environment="production", actor=olivia)
    event = AuditEvent.objects.get(verb="cluster.registered")
    assert cluster.name == "eu-west.prod_1"
    assert (event.actor, event.target, event.data) == (
        olivia,
        "eu-west.prod_1",
        {"environment": "production"},
    )


@pytest.mark.parametrize("name", ["", " ", "UPPER", "-a", "a-", "a b", "a/b", "a" * 64, "ü", "a\nb"])
def test_unusable_name_is_refused(acme_scope: Organization, name: str) -> None:
    with pytest.raises(PlumblineError) as refusal:
        register_cluster(name=name, environment="production")
    assert "name" in refusal.value.fields


def test_unknown_environment_is_refused_with_the_known_ones(acme_scope: Organization) -> None:
    with pytest.raises(PlumblineError, match="production, staging, development, sandbox"):
        register_cluster(name="a", environment="moon")


def test_name_is_unique_within_an_organization_only(acme_scope: Organization, globex: Organization) -> None:
    register_cluster(name="production", environment="production")
    with pytest.raises(Conflict):
        register_cluster(name="production", environment="staging")
    with organization_scope(globex.pk):
        register_cluster(name="production", environment="production")
    assert verbs() == ["cluster.registered"]


def test_update_renames_once_and_refuses_a_taken_name(acme_scope: Organization, pat: User) -> None:
    cluster = register_cluster(name="a", environment="staging")
    register_cluster(name="b", environment="staging")
    update_cluster(cluster_id=cluster.pk, name="c", environment="sandbox", actor=pat)
    update_cluster(cluster_id=cluster.pk, name="c", environment="sandbox", actor=pat)
    assert verbs().count("cluster.updated") == 1
    with pytest.raises(Conflict):
        update_cluster(cluster_id=cluster.pk, name="b", environment="sandbox", actor=pat)


def test_deleted_cluster_takes_its_tokens_along(acme_scope: Organization, pat: User) -> None:
    cluster = register_cluster(name="a", environment="staging")
    _, secret = issue_agent_token(cluster_id=cluster.pk)
    delete_cluster(cluster_id=cluster.pk, actor=pat)
    assert (Cluster.objects.count(), AgentToken.objects.count()) == (0, 0)
    assert "cluster.deleted" in verbs()
    with pytest.raises(Unauthenticated):
        authenticate_agent(secret)


@pytest.mark.django_db(transaction=True)
def test_a_cluster_whose_report_is_being_merged_stays_as_it_is(
    acme_scope: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "PATIENCE_SECONDS", 0.2)
    cluster = clusters.register_cluster(name="eu", environment="production")
    is_held, is_over = threading.Event(), threading.Event()

    def merge() -> None:
        with held_alone(cluster_work(cluster.pk)):
            is_held.set()
            is_over.wait(timeout=30)
        connection.close()

    other = threading.Thread(target=merge)
    other.start()
    assert is_held.wait(timeout=30)
    with pytest.raises(Conflict, match="being merged"):
        clusters.delete_cluster(cluster_id=cluster.pk, actor=None)
    is_over.set()
    other.join()
    clusters.delete_cluster(cluster_id=cluster.pk, actor=None)
    assert not Cluster.objects.exists()


def test_foreign_cluster_is_not_there(acme_scope: Organization, globex: Organization, olivia: User) -> None:
    with organization_scope(globex.pk):
        foreign = register_cluster(name="a", environment="staging")
        token, _ = issue_agent_token(cluster_id=foreign.pk)
    with pytest.raises(NotFound):
        delete_cluster(cluster_id=foreign.pk, actor=olivia)
    with pytest.raises(NotFound):
        issue_agent_token(cluster_id=foreign.pk, actor=olivia)
    with pytest.raises(NotFound):
        revoke_agent_token(token_id=token.pk, actor=olivia)


def test_token_is_kept_as_a_digest_only(acme_scope: Organization, olivia: User) -> None:
    cluster = register_cluster(name="a", environment="staging")
    token, secret = issue_agent_token(cluster_id=cluster.pk, actor=olivia)
    assert secret.startswith(f"{token.prefix}_")
    assert token.digest == token_digest(secret)
    assert secret not in str(list(AgentToken.objects.values()))
    assert secret not in str(list(AuditEvent.objects.values_list("data", flat=True)))
    assert authenticate_agent(secret).cluster_id == cluster.pk


def test_revoking_twice_is_one_deed(acme_scope: Organization, olivia: User) -> None:
    token, secret = issue_agent_token(cluster_id=register_cluster(name="a", environment="staging").pk)
    first = revoke_agent_token(token_id=token.pk, actor=olivia).revoked_at
    assert revoke_agent_token(token_id=token.pk, actor=olivia).revoked_at == first
    assert verbs().count("agent_token.revoked") == 1
    with pytest.raises(Unauthenticated, match="revoked"):
        authenticate_agent(secret)
    with pytest.raises(NotFound):
        revoke_agent_token(token_id=uuid7(), actor=olivia)


def test_create_cluster_prints_the_token_and_nothing_else(acme: Organization) -> None:
    out = StringIO()
    arguments = ["--organization", "acme", "--name", "edge", "--environment", "production"]
    call_command("create_cluster", *arguments, stdout=out)
    with organization_scope(acme.pk):
        assert authenticate_agent(out.getvalue().removesuffix("\n")).cluster_id == Cluster.objects.get().pk
    with pytest.raises(CommandError, match="edge"):
        call_command("create_cluster", *arguments, stdout=out)
    with pytest.raises(CommandError, match="nowhere"):
        call_command("create_cluster", *["--organization", "nowhere", *arguments[2:]], stdout=out)
