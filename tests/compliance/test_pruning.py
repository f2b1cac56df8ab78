"""What is over and old goes; what is open, young, waiting or parked stays; days of posture stay."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from clusters.models import Cluster, Report, Resource
from common.clock import now, today
from common.errors import PlumblineError
from compliance.models import PostureDay, Violation, ViolationInterval
from compliance.services import pruning
from compliance.services.pruning import prune_reports, prune_violations
from compliance.services.verification import verify_posture
from organizations.models import AuditEvent, Organization, User
from organizations.services.retention import set_retention
from tests.compliance.reports import at, merge, report, resource, violation
from tests.factories import make_cluster, make_policy, make_report, make_violation, make_workload

pytestmark = pytest.mark.django_db(transaction=True)


def test_resolved_violations_go_after_the_days_that_the_organization_keeps_them(acme_scope: Organization) -> None:
    set_retention(days=90, actor=None)
    cluster, policy = make_cluster(), make_policy()
    ages = {"old": 91, "young": 89, "open": 400}
    for name, days in ages.items():
        resolved_at = None if name == "open" else now() - timedelta(days=days)
        workload = make_workload(cluster, name)
        make_violation(workload, policy, opened_at=now() - timedelta(days=500), resolved_at=resolved_at)
    assert prune_violations(is_dry_run=True).violation_count == 1
    assert Violation.objects.count() == 3
    pruned = prune_violations()
    assert (pruned.violation_count, pruned.before) == (1, today() - timedelta(days=90))
    assert set(Violation.objects.values_list("resource__name", flat=True)) == {"young", "open"}
    assert ViolationInterval.objects.count() == 2
    assert prune_violations().violation_count == 0


def test_without_a_number_of_days_everything_is_kept(acme_scope: Organization) -> None:
    make_violation(make_workload(make_cluster()), make_policy(), resolved_at=now(), opened_at=now() - timedelta(days=9))
    assert prune_violations().before is None
    assert Violation.objects.count() == 1


def test_resources_that_are_gone_go_with_the_last_of_their_violations(acme_scope: Organization) -> None:
    set_retention(days=90, actor=None)
    cluster, policy = make_cluster(), make_policy()
    long_ago = now() - timedelta(days=200)
    gone = make_workload(cluster, "gone", deleted_at=long_ago)
    make_violation(gone, policy, opened_at=now() - timedelta(days=300), resolved_at=long_ago)
    held = make_workload(cluster, "held", deleted_at=long_ago)
    make_violation(held, policy, opened_at=now() - timedelta(days=300), resolved_at=now() - timedelta(days=1))
    make_workload(cluster, "alive")
    assert prune_violations().resource_count == 1
    assert set(Resource.objects.values_list("name", flat=True)) == {"held", "alive"}


def test_days_of_posture_stay_and_still_verify(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource(), scanned_at=at(60)))
    days = list(PostureDay.objects.values())
    set_retention(days=30, actor=None)
    assert prune_violations().violation_count == 1
    assert list(PostureDay.objects.values()) == days
    assert verify_posture() == []


def test_a_violation_that_returns_after_it_was_rolled_off_is_a_new_one(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource(), scanned_at=at(60)))
    set_retention(days=30, actor=None)
    prune_violations()
    merge(cluster, report(resource(violations=[violation()]), scanned_at=now()))
    found = Violation.objects.get()
    assert (found.status, found.reopened_count) == ("open", 0)
    assert verify_posture() == []


def test_large_numbers_go_in_batches(acme_scope: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH_ROWS", 2)
    set_retention(days=30, actor=None)
    cluster, policy = make_cluster(), make_policy()
    for _ in range(5):
        old = now() - timedelta(days=60)
        make_violation(make_workload(cluster), policy, opened_at=old - timedelta(days=1), resolved_at=old)
    assert prune_violations().violation_count == 5


def test_receipts_go_after_ninety_days_but_not_what_waits_or_is_parked(acme_scope: Organization) -> None:
    cluster = make_cluster()
    long_ago = now() - timedelta(days=91)
    for status in ("processed", "superseded", "dismissed", "parked", "accepted"):
        make_report(cluster, status, received_at=long_ago)
    make_report(cluster, "processed")
    assert prune_reports(is_dry_run=True) == 3
    assert prune_reports() == 3
    assert sorted(Report.objects.values_list("status", flat=True)) == ["accepted", "parked", "processed"]


@pytest.mark.parametrize("days", [0, 29, 3651])
def test_a_retention_out_of_bounds_is_refused(acme_scope: Organization, olivia: User, days: int) -> None:
    with pytest.raises(PlumblineError, match="30 to 3650 days"):
        set_retention(days=days, actor=olivia)


def test_a_change_of_retention_is_on_record_once(acme_scope: Organization, olivia: User) -> None:
    for _ in range(2):
        set_retention(days=365, actor=olivia)
    event = AuditEvent.objects.get(verb="retention.changed")
    assert event.data == {"days": 365, "earlier": None}


def test_the_command_says_what_goes_of_each_organization(acme: Organization, globex: Organization) -> None:
    output = StringIO()
    call_command("prune_violations", "--dry-run", stdout=output)
    assert output.getvalue() == "acme: everything is kept.\nglobex: everything is kept.\n"
