"""Policies that check the same: known beforehand, said so by people, shown on each other's page."""

import pytest
from django.test import Client

from clusters.models import Cluster
from common.errors import Conflict, NotFound
from compliance.models import Policy, PolicyLink
from compliance.services import links
from compliance.services.links import link_policies, linked_ids, unlink_policies
from organizations.models import AuditEvent, User
from plumbline.library import library_policies
from plumbline.reports.engines.equivalents import equivalents_of, library_equivalents
from tests.compliance.engines import constraint, polr, result, send
from tests.compliance.reports import at
from tests.factories import make_policy

pytestmark = pytest.mark.django_db(transaction=True)


def linked(slug: str) -> list[str]:
    ids = linked_ids(Policy.objects.get(slug=slug))
    return sorted(Policy.objects.filter(pk__in=ids).values_list("slug", flat=True))


def test_every_known_equivalent_is_of_a_policy_of_the_library() -> None:
    known = {policy.id for policy in library_policies()}
    assert {slug for slugs in library_equivalents().values() for slug in slugs} <= known
    assert len(library_equivalents()) >= 60


@pytest.mark.parametrize(
    ("engine", "name", "slugs"),
    [
        ("kyverno", "disallow-host-namespaces", ["host-ipc", "host-network", "host-pid"]),
        ("kyverno-validating-policy", "disallow-privileged-containers", ["privileged-container"]),
        ("gatekeeper", "K8sPSPPrivilegedContainer/psp", ["privileged-container"]),
        ("trivy-config-audit", "KSV017", ["privileged-container"]),
        ("trivy", "disallow-privileged-containers", []),
        ("kyverno", "own-policy", []),
    ],
)
def test_names_of_engines_lead_to_the_librarys_policies(engine: str, name: str, slugs: list[str]) -> None:
    assert equivalents_of(engine, [name]) == slugs


def test_a_policy_of_an_engine_is_linked_when_it_is_first_seen(cluster: Cluster) -> None:
    make_policy("required-labels")
    send(cluster, polr(result("disallow-privileged-containers")), constraint("a"), scanned_at=at(0))
    trivy = {**result("Privileged"), "rule": "KSV017"}
    send(cluster, polr(trivy, source="Trivy ConfigAudit"), scanned_at=at(1))
    assert linked("privileged-container") == ["kyverno-disallow-privileged-containers", "trivy-config-audit-privileged"]
    assert linked("gatekeeper-k8srequiredlabels-owner") == ["required-labels"]


def test_a_link_that_was_taken_back_does_not_return_with_the_next_report(cluster: Cluster, olivia: User) -> None:
    send(cluster, polr(result("disallow-privileged-containers")), scanned_at=at(0))
    unlink_policies(slug="privileged-container", other="kyverno-disallow-privileged-containers", actor=olivia)
    send(cluster, polr(result("disallow-privileged-containers"), result("new")), scanned_at=at(1))
    assert linked("privileged-container") == []


def test_people_link_in_either_order_once_and_it_is_on_record(cluster: Cluster, olivia: User) -> None:
    link_policies(slug="host-network", other="memory-limits", actor=olivia)
    link_policies(slug="memory-limits", other="host-network", actor=olivia)
    assert (linked("host-network"), linked("memory-limits")) == (["memory-limits"], ["host-network"])
    unlink_policies(slug="memory-limits", other="host-network", actor=olivia)
    verbs = AuditEvent.objects.filter(verb__startswith="policy.").order_by("happened_at")
    assert list(verbs.values_list("verb", flat=True)) == ["policy.linked", "policy.unlinked"]


def test_a_link_that_makes_no_sense_is_refused(cluster: Cluster, olivia: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Conflict, match="name another one"):
        link_policies(slug="host-network", other="host-network", actor=olivia)
    with pytest.raises(NotFound, match="no policy “nothing”"):
        link_policies(slug="host-network", other="nothing", actor=olivia)
    monkeypatch.setattr(links, "MAX_LINKS", 0)
    with pytest.raises(Conflict, match="at most 0 others"):
        link_policies(slug="host-network", other="memory-limits", actor=olivia)
    assert not PolicyLink.objects.exists()


def test_the_page_of_a_policy_names_those_that_check_the_same(cluster: Cluster, olivia: User, client: Client) -> None:
    client.force_login(olivia)
    url = "/o/acme/policies/host-network"
    client.post(f"{url}/links", {"other": "memory-limits"})
    assert 'href="/o/acme/policies/memory-limits"' in client.get(url).content.decode()
    answer = client.post(f"{url}/links", {"other": "nothing"}, follow=True)
    assert "There is no policy “nothing”." in answer.content.decode()
    client.post(f"{url}/unlink", {"other": "memory-limits"})
    assert "No other policy that is known here." in client.get(url).content.decode()
