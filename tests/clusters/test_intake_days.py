"""What is kept of arrivals and refusals, for the cluster's owner to see."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
from django.test import Client

from clusters.models import Cluster, IntakeDay
from clusters.services.intake.days import KEPT_FOR, count_outcome
from common.clock import now, today
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import REPORTS, Sender
from tests.compliance.reports import at, report


def days(organization: Organization) -> dict[str, int]:
    with organization_scope(organization.pk):
        return dict(IntakeDay.objects.values_list("outcome", "count"))


def skew(organization: Organization) -> float | None:
    with organization_scope(organization.pk):
        return Cluster.objects.get().clock_skew_seconds


def test_arrivals_and_refusals_are_counted_by_outcome(agent: Sender, acme: Organization) -> None:
    document = report(scanned_at=at(0))
    agent.post(document)
    agent.post(document)  # a repetition is none of them
    agent.post(report(scanned_at=at(1)))
    for _ in range(3):
        agent.post({**report(scanned_at=at(2)), "kind": "guess"})
    agent.post_body(b"{")
    assert days(acme) == {"accepted": 2, "schema": 3, "malformed_json": 1}


def test_the_owner_sees_what_the_sender_was_told(agent: Sender, acme: Organization) -> None:
    told = agent.post_body(b"{").json()["detail"]
    with organization_scope(acme.pk):
        assert IntakeDay.objects.get().last_detail == told


def test_a_refusal_that_names_no_cluster_is_nobodys(agent: Sender, acme: Organization) -> None:
    for given in ("", "Bearer pla_00000000_unknown"):
        Client().post(REPORTS, b"{}", content_type="application/json", headers={"Authorization": given})
    assert days(acme) == {}


def test_what_is_old_goes_with_the_first_of_a_new_day(agent: Sender, acme: Organization) -> None:
    with organization_scope(acme.pk):
        for age in (KEPT_FOR + timedelta(days=1), KEPT_FOR):
            IntakeDay.objects.create(
                organization=acme, cluster=agent.cluster, day=today() - age, outcome="schema", count=1, last_at=now()
            )
        count_outcome(cluster_id=agent.cluster.pk, outcome="accepted")
        assert sorted(IntakeDay.objects.values_list("day", flat=True)) == [today() - KEPT_FOR, today()]


def test_a_clock_that_is_off_is_measured_by_the_date_header(agent: Sender, acme: Organization) -> None:
    ahead = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    agent.post_body(orjson.dumps(report(scanned_at=at(0))), Date=ahead)
    assert 240 < (skew(acme) or 0) <= 300


def test_a_sender_that_does_not_tell_its_time_has_no_skew(agent: Sender, acme: Organization) -> None:
    for minute, given in enumerate(("", "yesterday", "Wed, 25 Nov 2026 10:00:00", "Wed, 99 Nov 2026 10:00:00 GMT")):
        answer = agent.post_body(orjson.dumps(report(scanned_at=at(minute))), Date=given)
        assert answer.status_code == 202
        assert skew(acme) is None
