"""The pages of clusters: who reports, who may register, what is shown once."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clusters.models import AgentToken, Cluster
from clusters.services.tokens import issue_agent_token
from common.clock import now, today
from organizations.models import Organization, User
from organizations.scope import organization_scope
from tests.dashboards.posture_days import make_day
from tests.factories import make_cluster

LIST_QUERIES = 16


@pytest.fixture
def page(client: Client, olivia: User, acme: Organization) -> Client:
    client.force_login(olivia)
    return client


def list_url() -> str:
    return reverse("clusters", args=["acme"])


def test_without_a_cluster_the_page_says_what_to_do(page: Client) -> None:
    html = page.get(list_url()).content.decode()
    assert "Register your first cluster" in html
    assert reverse("cluster_new", args=["acme"]) in html


def test_developer_is_told_who_can_register(client: Client, dev: User) -> None:
    client.force_login(dev)
    html = client.get(list_url()).content.decode()
    assert "An owner or a platform engineer" in html
    assert reverse("cluster_new", args=["acme"]) not in html


def test_list_puts_silent_clusters_first_and_says_how_many(page: Client, acme_scope: Organization) -> None:
    make_day(make_cluster("alpha"), today(), passed_weight=9, failed_weight=1)
    silent = make_cluster("omega", "staging")
    Cluster.objects.filter(pk=silent.pk).update(last_scanned_at=now() - timedelta(days=3))
    make_day(silent, today() - timedelta(days=3), passed_weight=1)
    html = page.get(list_url()).content.decode()
    assert "1 silent for over a day" in html
    assert html.index(">omega<") < html.index(">alpha<")
    assert "90\u202f%" in html


def test_list_costs_the_same_with_one_cluster_and_with_fifty(
    page: Client, acme: Organization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    page.get(list_url())  # the first page remembers the organization in the session
    for number in range(50):
        with organization_scope(acme.pk):
            make_day(make_cluster(f"cluster-{number}"), today(), passed_weight=9, failed_weight=1)
        if number in (0, 49):
            with django_assert_num_queries(LIST_QUERIES):
                assert page.get(list_url()).status_code == 200


def test_the_list_is_paged_with_those_that_need_attention_first(page: Client, acme: Organization) -> None:
    with organization_scope(acme.pk):
        for number in range(52):
            make_cluster(f"cluster-{number:02d}")
        Cluster.objects.filter(name="cluster-51").update(last_scanned_at=now() - timedelta(days=2))
        Cluster.objects.filter(name="cluster-50").update(last_scanned_at=None)
    first = page.get(list_url())
    names = [item["cluster"].name for item in first.context["rows"]]
    assert (len(names), names[:3]) == (50, ["cluster-51", "cluster-50", "cluster-00"])
    second = page.get(f"{list_url()}?cursor={first.context['next_cursor']}")
    assert [item["cluster"].name for item in second.context["rows"]] == ["cluster-48", "cluster-49"]
    assert second.context["numbers"].cluster_count == 52
    found = page.get(f"{list_url()}?q=ter-07")
    assert [item["cluster"].name for item in found.context["rows"]] == ["cluster-07"]


def test_the_scope_offers_some_clusters_and_finds_the_others(page: Client, acme: Organization) -> None:
    with organization_scope(acme.pk):
        for number in range(40):
            make_cluster(f"cluster-{number:02d}")
    offered = _offered(page.get(f"{list_url()}?cluster=cluster-39").content.decode())
    assert (len(offered), offered[0], offered[1]) == (31, ("cluster-39", " checked"), ("cluster-00", ""))
    choices = reverse("cluster_choices", args=["acme"])
    answer = page.get(f"{choices}?q=ter-3&cluster=cluster-01", headers={"HX-Request": "true"})
    found = _offered(answer.content.decode())
    assert (len(found), found[0], found[1]) == (11, ("cluster-01", " checked"), ("cluster-30", ""))


def test_without_scripts_the_scopes_search_leads_to_the_list(page: Client) -> None:
    answer = page.get(reverse("cluster_choices", args=["acme"]), {"q": "ter 3"})
    assert answer["Location"] == f"{list_url()}?q=ter+3"


def test_an_empty_name_of_a_cluster_narrows_nothing(page: Client, acme_scope: Organization) -> None:
    make_cluster("eu")
    answer = page.get(f"{list_url()}?cluster=&cluster=eu")
    assert answer.context["scope"].label == "eu"
    assert not page.get(f"{list_url()}?cluster=").context["scope"].is_narrowed


def _offered(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<input type="checkbox" name="cluster" value="([^"]+)"( checked)?>', page)


def test_registering_shows_the_token_once_with_a_command_to_paste(page: Client, acme: Organization) -> None:
    answer = page.post(reverse("cluster_new", args=["acme"]), {"name": "eu-west", "environment": "staging"})
    html = answer.content.decode()
    with organization_scope(acme.pk):
        token = AgentToken.objects.select_related("cluster").get(cluster__name="eu-west")
        cluster_url = reverse("cluster", args=["acme", token.cluster_id])
    secret = html.split("data-secret>")[1].split("<")[0]
    assert secret.startswith(token.prefix)
    assert f"--token {secret}" in html
    assert "no-store" in answer["Cache-Control"]
    assert secret not in page.get(cluster_url).content.decode()


def test_a_bad_name_is_refused_and_kept_for_mending(page: Client, acme: Organization) -> None:
    answer = page.post(reverse("cluster_new", args=["acme"]), {"name": "Bad Name", "environment": "staging"})
    assert answer.status_code == 400
    html = answer.content.decode()
    assert 'value="Bad Name"' in html
    assert 'aria-invalid="true"' in html
    with organization_scope(acme.pk):
        assert not Cluster.objects.exists()


def test_a_name_that_is_taken_is_refused(page: Client, acme: Organization) -> None:
    with organization_scope(acme.pk):
        make_cluster("eu-west")
    answer = page.post(reverse("cluster_new", args=["acme"]), {"name": "eu-west", "environment": "staging"})
    assert answer.status_code == 400
    assert "There is a cluster “eu-west” already." in answer.content.decode()


def test_developer_may_not_register(client: Client, dev: User) -> None:
    client.force_login(dev)
    assert client.get(reverse("cluster_new", args=["acme"])).status_code == 403


def test_revoking_ends_a_token_and_says_so(page: Client, olivia: User, acme: Organization) -> None:
    with organization_scope(acme.pk):
        cluster = make_cluster()
        token, _ = issue_agent_token(cluster_id=cluster.id, actor=olivia)
    url = reverse("cluster_token_revoke", args=["acme", cluster.id, token.id])
    html = page.post(url, follow=True).content.decode()
    assert "is revoked" in html
    with organization_scope(acme.pk):
        assert AgentToken.objects.get(pk=token.pk).revoked_at is not None


def test_a_cluster_shows_fifty_tokens_and_those_that_are_good_first(
    page: Client, olivia: User, acme: Organization
) -> None:
    with organization_scope(acme.pk):
        cluster = make_cluster()
        tokens = [issue_agent_token(cluster_id=cluster.id, actor=olivia)[0] for _ in range(53)]
        AgentToken.objects.filter(pk__in=[token.pk for token in tokens[2:]]).update(revoked_at=now())
    answer = page.get(reverse("cluster", args=["acme", cluster.id]))
    assert [token.pk for token in answer.context["tokens"]][:3] == [tokens[1].pk, tokens[0].pk, tokens[52].pk]
    assert len(answer.context["tokens"]) == 50
    assert "The first 50" in answer.content.decode()


def test_a_token_of_another_cluster_is_not_revoked_through_this_one(
    page: Client, olivia: User, acme: Organization
) -> None:
    with organization_scope(acme.pk):
        other = make_cluster("other")
        token, _ = issue_agent_token(cluster_id=other.id, actor=olivia)
        cluster = make_cluster("mine")
    assert page.post(reverse("cluster_token_revoke", args=["acme", cluster.id, token.id])).status_code == 404
