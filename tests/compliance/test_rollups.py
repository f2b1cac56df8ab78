"""Counts and days: what is written when a report is merged, and how verify_posture watches over it."""

from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from clusters.models import Cluster, Resource
from clusters.services.clusters import delete_cluster, update_cluster
from compliance.models import (
    FleetCount,
    FleetDay,
    FleetDimension,
    FleetPolicyDay,
    Policy,
    PolicyDay,
    PostureCount,
    PostureDay,
    Violation,
)
from compliance.services.teams import reassign_teams
from compliance.services.verification import verify_posture
from organizations.models import Team
from organizations.services.teams import delete_team, update_team
from tests.compliance.reports import at, merge, report, resource, violation
from tests.factories import make_cluster, make_team

DAY = date(2026, 3, 3)


def day_row(**where: Any) -> PostureDay:
    return PostureDay.objects.get(**{"day": DAY, "namespace": "shop", **where})


def test_day_holds_weighted_verdicts_open_violations_and_flow(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()], errored=[2]), scanned_at=at(0)))
    row = day_row()
    assert (row.passed_weight, row.failed_weight, row.errored_weight, row.skipped_weight) == (5, 10, 2, 0)
    assert (row.open_critical, row.open_high, row.opened_count, row.resolved_count) == (1, 0, 1, 0)


def test_flow_of_a_day_adds_up_over_its_reports(cluster: Cluster) -> None:
    for minute in range(0, 40, 10):
        failing = [violation()] if minute % 20 == 0 else []
        merge(cluster, report(resource(violations=failing), scanned_at=at(minute)))
    row = day_row()
    assert (row.opened_count, row.resolved_count, row.open_critical) == (2, 2, 0)


def test_each_day_keeps_its_own_end(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource(), scanned_at=at(24 * 60)))
    assert day_row().open_critical == 1
    later = day_row(day=DAY + timedelta(days=1))
    assert (later.open_critical, later.opened_count, later.resolved_count) == (0, 0, 1)


def test_unchanged_report_of_a_new_day_writes_that_day(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(24 * 60)))
    row = day_row(day=DAY + timedelta(days=1))
    assert (row.open_critical, row.opened_count) == (1, 0)


def test_cluster_that_became_empty_has_a_day_that_says_so(cluster: Cluster) -> None:
    merge(cluster, report(resource(), scanned_at=at(0)))
    merge(cluster, report(scanned_at=at(24 * 60)))
    row = PostureDay.objects.get(day=DAY + timedelta(days=1))
    assert (row.namespace, row.passed_weight, row.unreported_weight) == ("", 0, 0)
    assert PostureCount.objects.count() == 0
    assert PolicyDay.objects.get(day=row.day).policies == []


def test_truncation_weighs_what_is_missing_like_the_average_of_what_is_there(cluster: Cluster) -> None:
    merge(cluster, report(resource(), scanned_at=at(0), truncated={"resources_total": 4}))
    row = PostureDay.objects.get(day=DAY, namespace="")
    assert row.unreported_weight == 3 * (10 + 5 + 2)


def test_truncation_to_nothing_still_counts_what_is_missing(cluster: Cluster) -> None:
    merge(cluster, report(scanned_at=at(0), truncated={"resources_total": 100_000_000}))
    assert PostureDay.objects.get(day=DAY, namespace="").unreported_weight == 100_000_000


def test_full_snapshot_ends_truncation(cluster: Cluster) -> None:
    merge(cluster, report(resource(), scanned_at=at(0), truncated={"resources_total": 4}))
    merge(cluster, report(resource(), scanned_at=at(5)))
    assert PostureDay.objects.get(day=DAY, namespace="").unreported_weight == 0
    assert Cluster.objects.get().unreported_resource_count == 0


def test_policy_day_counts_resources_per_verdict(cluster: Cluster) -> None:
    merge(cluster, report(resource("a", violations=[violation()]), resource("b"), scanned_at=at(0)))
    row = PolicyDay.objects.get(day=DAY)
    place = row.policies.index(Policy.objects.get(slug="privileged-container").pk)
    counted = (row.passed, row.failed, row.errored, row.skipped, row.open_counts)
    assert [numbers[place] for numbers in counted] == [1, 1, 0, 0, 1]


def test_days_without_a_report_carry_the_last_one_on_as_unreported(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource(), scanned_at=at(3 * 24 * 60)))
    first, carried, again = (day_row(day=DAY + timedelta(days=number)) for number in (0, 1, 2))
    assert (carried.is_carried, carried.passed_weight, carried.failed_weight, carried.open_critical) == (True, 0, 0, 1)
    assert carried.unreported_weight == again.unreported_weight == first.passed_weight + first.failed_weight
    assert [PolicyDay.objects.get(day=DAY + timedelta(days=number)).is_carried for number in range(4)] == [
        *(False, True, True, False)
    ]
    assert verify_posture() == []


def test_the_fleet_is_the_sum_of_its_clusters_by_environment_team_and_namespace(cluster: Cluster) -> None:
    team = make_team("payments", ["shop"])
    make_cluster("production-2")
    make_cluster("staging-1", environment="staging")
    Cluster.objects.update(last_scanned_at=None)
    for each in Cluster.objects.all():
        failing = resource(violations=[violation()])
        merge(each, report(failing, resource("b", "other"), scanned_at=at(0)))
    rows = FleetDay.objects.filter(day=DAY)
    whole = rows.filter(dimension=FleetDimension.WHOLE).values_list("environment", "open_critical")
    assert sorted(whole) == [("production", 2), ("staging", 1)]
    assert sum(rows.filter(team=team).values_list("open_critical", flat=True)) == 3
    assert rows.filter(dimension="namespace", namespace="other").count() == 2
    counted = FleetCount.objects.filter(policy__slug="privileged-container", environment="production")
    assert list(counted.filter(dimension="").values_list("passed", "failed", "open_count")) == [(2, 2, 2)]
    assert list(counted.filter(team=team).values_list("passed", "failed", "open_count")) == [(0, 2, 2)]
    assert list(counted.filter(namespace="other").values_list("passed", "failed", "open_count")) == [(2, 0, 0)]
    daily = FleetPolicyDay.objects.get(policy__slug="privileged-container", environment="staging", day=DAY)
    assert (daily.passed, daily.failed, daily.open_count) == (1, 1, 1)
    assert verify_posture() == []


def test_a_cluster_that_changes_its_environment_takes_its_history_along(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    update_cluster(cluster_id=cluster.pk, name=cluster.name, environment="staging", actor=None)
    whole = FleetDay.objects.filter(dimension=FleetDimension.WHOLE).values_list("environment", "open_critical")
    assert sorted(whole) == [("production", 0), ("staging", 1)]
    assert verify_posture() == []


def test_a_cluster_that_is_deleted_leaves_the_sums(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    delete_cluster(cluster_id=cluster.pk, actor=None)
    assert set(FleetDay.objects.values_list("open_critical", flat=True)) == {0}
    assert set(FleetCount.objects.values_list("open_count", flat=True)) == {0}
    assert verify_posture() == []


def test_team_that_takes_a_namespace_gets_its_resources_violations_and_counts(cluster: Cluster) -> None:
    team = make_team("payments")
    merge(cluster, report(resource(violations=[violation()]), resource("b", "other"), scanned_at=at(0)))
    update_team(team_id=team.pk, name="Payments", namespaces=["shop"], actor=None)
    assert reassign_teams() == 1
    assert Resource.objects.get(namespace="shop").team_id == team.pk
    assert Violation.objects.get().team_id == team.pk
    assert day_row(team=team).open_critical == 1
    assert verify_posture() == []


def test_dissolved_team_leaves_its_days_to_nobody(cluster: Cluster) -> None:
    team = make_team("payments", ["shop"])
    labelled = resource("b", labels={"team": "nobody"}, violations=[violation()])
    merge(cluster, report(resource(violations=[violation()]), labelled, scanned_at=at(0)))
    merge(cluster, report(resource(), labelled, scanned_at=at(24 * 60)))
    before = sum(PostureDay.objects.values_list("passed_weight", flat=True))
    reassign_teams(leaving=team.pk)
    delete_team(team_id=team.pk, actor=None)
    assert Team.objects.count() == 0
    assert sum(PostureDay.objects.values_list("passed_weight", flat=True)) == before
    assert (day_row().open_critical, day_row().opened_count) == (2, 2)
    assert verify_posture() == []


def test_reassigning_without_a_change_touches_nothing(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    assert reassign_teams() == 0


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (lambda: PostureCount.objects.update(failed=7), "verdict and open counts"),
        (lambda: Resource.objects.update(open_count=7), "resources count"),
        (lambda: Violation.objects.update(namespace="x"), "violations copy"),
        (lambda: Violation.objects.update(reopened_count=2), "a violation's state"),
        (lambda: PostureDay.objects.update(opened_count=9), "every day's open"),
        (lambda: PostureDay.objects.update(failed_weight=9), "the last posture day"),
        (lambda: PolicyDay.objects.update(open_counts=[7, 7, 7]), "the last policy day"),
        (lambda: FleetCount.objects.update(open_count=9), "the fleet's counts"),
        (lambda: FleetDay.objects.update(opened_count=9), "the fleet's days"),
        (lambda: FleetPolicyDay.objects.update(failed=9), "the fleet's policy days"),
        (lambda: PostureCount.objects.update(environment="sandbox"), "rollups copy"),
        (lambda: PostureDay.objects.update(is_last=False), "a cluster's days"),
        (lambda: PostureDay.objects.update(is_carried=True), "a day without a report"),
        (lambda: Cluster.objects.update(resource_count=9), "clusters count"),
        (lambda: Resource.objects.update(deleted_at=at(1)), "nothing is open"),
        (lambda: make_team("payments", ["shop"]), "resources belong"),
    ],
)
def test_verify_posture_finds_what_was_spoilt(cluster: Cluster, spoil: Any, check: str) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    spoil()
    assert any(difference.check.startswith(check) for difference in verify_posture())


def test_verify_posture_command_fails_with_the_differences(cluster: Cluster) -> None:
    merge(cluster, report(resource(violations=[violation()]), scanned_at=at(0)))
    out = StringIO()
    call_command("verify_posture", stdout=out)
    assert "no difference" in out.getvalue()
    Resource.objects.update(open_count=7)
    with pytest.raises(CommandError, match="1 differences"):
        call_command("verify_posture", stdout=out)
    assert "acme: resources count their open violations" in out.getvalue()
