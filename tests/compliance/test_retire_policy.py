"""Retiring an own policy: out of the lists, with its history."""

import pytest

from clusters.models import Cluster
from common.errors import Conflict, NotFound
from compliance.models import Policy, Violation
from compliance.selectors.directory import Directory
from compliance.selectors.filters import Filters
from compliance.selectors.policies import policy_rows
from compliance.services.policies import retire_policy
from organizations.models import AuditEvent, Organization, User
from organizations.scope import organization_scope
from tests.compliance.reports import at, merge, report, resource, violation
from tests.factories import make_own_policy, make_policy


def listed() -> set[str]:
    return {row.policy.slug for row in policy_rows(Filters(), Directory())}


def test_a_retired_policy_leaves_the_list(acme_scope: Organization, sam: User) -> None:
    make_own_policy("owner-label")
    retire_policy(slug="owner-label", actor=sam)
    assert "owner-label" not in listed()
    assert Policy.objects.get(slug="owner-label").retired_at is not None
    event = AuditEvent.objects.get(verb="policy.retired")
    assert (event.actor, event.target, event.data) == (sam, "owner-label", {"format": "vap"})


def test_its_history_stays_and_reports_may_still_name_it(cluster: Cluster) -> None:
    make_own_policy("owner-label")
    found = report(resource(violations=[violation()], passed=[]), scanned_at=at(0), policies=["owner-label"])
    merge(cluster, found)
    retire_policy(slug="owner-label", actor=None)
    assert "owner-label" in listed()
    assert Violation.objects.get().status == "open"
    merge(cluster, report(resource(passed=[0]), scanned_at=at(5), policies=["owner-label"]))
    assert Violation.objects.get().status == "resolved"


def test_retiring_twice_is_one_event(acme_scope: Organization) -> None:
    make_own_policy("owner-label")
    first = retire_policy(slug="owner-label", actor=None).retired_at
    assert retire_policy(slug="owner-label", actor=None).retired_at == first
    assert AuditEvent.objects.filter(verb="policy.retired").count() == 1


def test_the_librarys_policies_are_not_retired_by_anybody(acme_scope: Organization) -> None:
    make_policy("seccomp")
    with pytest.raises(Conflict, match="the library's"):
        retire_policy(slug="seccomp", actor=None)
    assert Policy.objects.get(slug="seccomp").retired_at is None


def test_another_organizations_policy_is_not_there(acme: Organization, globex: Organization) -> None:
    with organization_scope(globex.pk):
        make_own_policy("owner-label")
    with organization_scope(acme.pk), pytest.raises(NotFound):
        retire_policy(slug="owner-label", actor=None)
