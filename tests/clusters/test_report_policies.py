"""Which policies a report may name: the library's and the organization's own, and nobody else's."""

from typing import Any

from pytest_django import DjangoAssertNumQueries

from clusters.services.intake.validation import judge
from common.clock import now
from compliance.models import Violation
from compliance.services.turns import process_waiting_reports
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import Sender
from tests.compliance.reports import at, report, resource, violation
from tests.factories import make_own_policy


def of(*policies: str) -> dict[str, Any]:
    return report(resource(violations=[violation()], passed=[]), scanned_at=at(0), policies=policies)


def test_an_own_policys_violations_come_in(agent: Sender, acme: Organization) -> None:
    with organization_scope(acme.pk):
        own = make_own_policy("owner-label")
    assert agent.post(of("owner-label", "host-path")).status_code == 202
    with organization_scope(acme.pk):
        process_waiting_reports()
        assert Violation.objects.get().policy_id == own.pk


def test_a_retired_own_policy_is_still_known(agent: Sender, acme: Organization) -> None:
    with organization_scope(acme.pk):
        make_own_policy("owner-label", retired_at=now())
    assert agent.post(of("owner-label")).status_code == 202


def test_another_organizations_policy_is_unknown(agent: Sender, globex: Organization) -> None:
    with organization_scope(globex.pk):
        make_own_policy("owner-label")
    answer = agent.post(of("host-path", "owner-label"))
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_policy")
    assert answer.json()["fields"] == {
        "policies[1]": "Neither the library nor this organization has a policy “owner-label”."
    }


def test_a_slug_that_the_library_took_up_later_goes_on_meaning_the_own_policy(
    agent: Sender, acme: Organization
) -> None:
    with organization_scope(acme.pk):
        own = make_own_policy("host-path")
    assert agent.post(of("host-path")).status_code == 202
    with organization_scope(acme.pk):
        process_waiting_reports()
        assert Violation.objects.get().policy_id == own.pk


def test_ids_beyond_a_smallint_are_merged(agent: Sender, acme: Organization) -> None:
    with organization_scope(acme.pk):
        make_own_policy("owner-label", id=70_000)
    assert agent.post(of("owner-label")).status_code == 202
    with organization_scope(acme.pk):
        process_waiting_reports()
        violation = Violation.objects.select_related("resource").get()
        assert (violation.policy_id, violation.resource.failed) == (70_000, [70_000])


def test_known_policies_cost_the_same_for_1_and_50(
    acme_scope: Organization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(50):
        make_own_policy(f"own-{number}")
    with django_assert_num_queries(0):
        judge(report(scanned_at=at(0), policies=["host-path", "host-network"]))
    for count in (1, 50):
        with django_assert_num_queries(1):
            judge(report(scanned_at=at(0), policies=["host-path", *(f"own-{number}" for number in range(count))]))
