"""The library in the database: idempotent, retiring, and followed by the copies of severities."""

from clusters.models import Cluster, Resource
from compliance.models import Policy, Severity, Standard, Violation
from compliance.services.library import sync_library
from compliance.services.verification import verify_posture
from organizations.models import Organization
from organizations.scope import shared_scope
from plumbline.library import library_policies, library_standards
from tests.compliance.reports import at, merge, report, resource, violation
from tests.factories import make_own_policy


def test_every_policy_and_standard_gets_a_row(db: None) -> None:
    outcome = sync_library()
    assert outcome.added_count == Policy.library.count() == len(library_policies())
    assert set(Standard.objects.values_list("slug", flat=True)) == {one.name for one in library_standards()}
    privileged = Policy.library.get(slug="privileged-container")
    assert privileged.document["metadata"]["name"] == "privileged-container"
    assert privileged.weight == {1: 1, 2: 2, 3: 5, 4: 10}[privileged.severity]


def test_second_run_changes_nothing(db: None) -> None:
    sync_library()
    before = list(Policy.library.values_list("pk", "slug").order_by("pk"))
    outcome = sync_library()
    assert (outcome.added_count, outcome.changed_count, outcome.retired_count) == (0, 0, 0)
    assert list(Policy.library.values_list("pk", "slug").order_by("pk")) == before


def test_standard_selects_exactly_its_policies(db: None) -> None:
    sync_library()
    for standard in library_standards():
        row = Standard.objects.get(slug=standard.name)
        selected = Policy.library.filter(standards=row).values_list("slug", flat=True)
        assert set(selected) == set(standard.policies)
        controls = row.document["spec"]["controls"]
        assert [control["manual"] for control in controls] == [control.manual for control in standard.controls]


def test_policy_that_left_the_library_is_retired_and_may_return(db: None) -> None:
    sync_library()
    Policy.library.bulk_create([Policy(slug="gone", title="Gone", category="x", severity=1, weight=1, document={})])
    Policy.library.filter(slug="seccomp").update(retired_at=at(0))
    Standard.objects.create(slug="gone", title="Gone", version="1", document={})
    outcome = sync_library()
    assert (outcome.retired_count, outcome.changed_count) == (1, 1)
    assert Policy.library.get(slug="gone").retired_at is not None
    assert Policy.library.get(slug="seccomp").retired_at is None
    assert not Standard.objects.filter(slug="gone").exists()


def test_changed_severity_reaches_violations_and_resources(cluster: Cluster) -> None:
    sync_library()
    with shared_scope():
        Policy.library.filter(slug="privileged-container").update(severity=Severity.LOW, weight=1)
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    assert Violation.objects.get().severity == Severity.LOW
    sync_library()
    written = Policy.library.get(slug="privileged-container").severity
    assert written != Severity.LOW
    assert Violation.objects.get().severity == written
    assert Resource.objects.get().worst_severity == written
    assert verify_posture() == []


def test_policies_of_an_organization_are_left_alone(acme_scope: Organization) -> None:
    sync_library()
    make_own_policy("acme-owner-label")
    make_own_policy("seccomp", title="Acme's own, older than the library's")
    outcome = sync_library()
    assert (outcome.added_count, outcome.changed_count, outcome.retired_count) == (0, 0, 0)
    own = Policy.objects.exclude(organization=None).order_by("slug")
    assert [(policy.slug, policy.retired_at) for policy in own] == [("acme-owner-label", None), ("seccomp", None)]
    assert own[1].title == "Acme's own, older than the library's"
