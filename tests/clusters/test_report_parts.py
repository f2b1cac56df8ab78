"""Snapshots in parts: in any order, twice, never closed, and never half of one."""

import hashlib
import uuid
from datetime import timedelta
from typing import Any

import orjson
import pytest

from clusters.models import Report, ReportPart, Resource
from clusters.services.intake import parts
from clusters.tasks import expire_parts
from common.clock import now
from compliance.models import Violation
from compliance.services.turns import process_waiting_reports
from compliance.services.verification import verify_posture
from organizations.models import Organization
from organizations.scope import organization_scope, shared_scope
from tests.clusters.conftest import Sender, sender_of
from tests.compliance.reports import at, report, resource, violation

POLICIES = ("host-path", "host-network", "memory-limits")


def snapshot(*groups: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    """A snapshot with one part for each group of resources; the last one closes it."""
    shared = {"policies": POLICIES, "id": str(uuid.uuid4()), **more}
    posted = [
        {**report(*group, scanned_at=at(0), **shared), "part": {"number": number}}
        for number, group in enumerate(groups, start=1)
    ]
    digests = [hashlib.sha256(orjson.dumps(part)).hexdigest() for part in posted[:-1]]
    posted[-1]["part"]["closing"] = {
        "parts": len(groups),
        "resources": sum(map(len, groups)),
        "digest": hashlib.sha256("".join(digests).encode()).hexdigest(),
    }
    return posted


def three() -> list[dict[str, Any]]:
    return snapshot(
        [resource("one", violations=[violation()])], [resource("two")], [resource("three", violations=[violation()])]
    )


def merged(organization: Organization) -> tuple[list[str], int]:
    """Names of resources and the number of violations, once everything that waits is merged."""
    with organization_scope(organization.pk):
        process_waiting_reports()
        assert verify_posture() == []
        return list(Resource.objects.order_by("name").values_list("name", flat=True)), Violation.objects.count()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_parts_in_any_order_are_one_report(agent: Sender, acme: Organization, order: tuple[int, ...]) -> None:
    posted = three()
    answers = [agent.post(posted[index]) for index in order]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert [answer.json()["status"] for answer in answers] == ["incomplete", "incomplete", "accepted"]
    assert answers[-1].json()["part_count"] == 3
    assert merged(acme) == (["one", "three", "two"], 2)
    assert agent.status(posted[0]["id"]).json()["status"] == "processed"


def test_nothing_of_an_unclosed_snapshot_is_merged(agent: Sender, acme: Organization) -> None:
    whole = report(resource("old", violations=[violation()]), scanned_at=at(-5), policies=POLICIES)
    agent.post(whole)
    for part in three()[:2]:
        assert agent.post(part).json()["id"] is None
    assert merged(acme) == (["old"], 1)
    with organization_scope(acme.pk):
        assert Violation.objects.get().status == "open"


def test_closed_snapshot_says_which_parts_are_missing(agent: Sender) -> None:
    posted = three()
    agent.post(posted[0])
    assert agent.post(posted[2]).json()["missing"] == [2]
    assert agent.status(posted[0]["id"]).json()["status"] == "incomplete"


def test_part_that_comes_twice_counts_once(agent: Sender, acme: Organization) -> None:
    posted = three()
    answers = [agent.post(posted[index]) for index in (0, 0, 1, 2, 2, 1)]
    assert [answer.json()["part_count"] for answer in answers] == [1, 1, 2, 3, 3, 3]
    assert merged(acme) == (["one", "three", "two"], 2)
    assert agent.post(posted[1]).json()["status"] == "processed"


def test_another_part_under_a_used_number_is_a_conflict(agent: Sender) -> None:
    posted = three()
    agent.post(posted[0])
    answer = agent.post({**posted[0], "resources": []})
    assert (answer.status_code, answer.json()["code"]) == (409, "part_reused")


def test_whole_report_under_the_id_of_parts_is_a_conflict(agent: Sender) -> None:
    posted = three()
    for part in posted:
        agent.post(part)
    whole = {name: value for name, value in posted[0].items() if name != "part"}
    assert agent.post(whole).json()["code"] == "report_id_reused"
    other = snapshot([resource("one")])
    agent.post({name: value for name, value in other[0].items() if name != "part"})
    assert agent.post(other[0]).json()["code"] == "report_id_reused"


@pytest.mark.parametrize("closing", [{"resources": 2}, {"digest": "0" * 64}], ids=["total", "digest"])
def test_closing_part_that_disagrees_is_refused_and_can_be_mended(
    agent: Sender, acme: Organization, closing: dict[str, Any]
) -> None:
    posted = three()
    for part in posted[:2]:
        agent.post(part)
    wrong = {**posted[2], "part": {"number": 3, "closing": {**posted[2]["part"]["closing"], **closing}}}
    answer = agent.post(wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "part_disagrees")
    assert agent.post(posted[2]).json()["status"] == "accepted"
    assert merged(acme) == (["one", "three", "two"], 2)


@pytest.mark.parametrize(
    "change",
    [{"scanned_at": "2026-03-03T08:01:00Z"}, {"policies": ["host-path"]}, {"agent": {"name": "b", "version": "1"}}],
    ids=["time", "policies", "agent"],
)
def test_parts_of_another_head_are_refused(agent: Sender, change: dict[str, Any]) -> None:
    posted = three()
    agent.post(posted[0])
    answer = agent.post({**posted[1], "resources": [], **change})
    assert (answer.status_code, answer.json()["code"]) == (422, "part_disagrees")


def test_two_closing_parts_and_parts_beyond_the_last_are_refused(agent: Sender) -> None:
    posted = three()
    agent.post(posted[2])
    assert agent.post({**posted[0], "part": {"number": 4}}).json()["code"] == "part_disagrees"
    second = {**posted[0], "part": {"number": 1, "closing": posted[2]["part"]["closing"]}}
    assert agent.post(second).json()["code"] == "part_disagrees"


def test_truncation_belongs_into_the_closing_part(agent: Sender, acme: Organization) -> None:
    posted = three()
    refused = agent.post({**posted[0], "truncated": {"resources_total": 9}})
    assert (refused.status_code, refused.json()["code"]) == (422, "inconsistent")
    for part in (*posted[:2], {**posted[2], "truncated": {"resources_total": 9}}):
        assert agent.post(part).status_code == 202
    merged(acme)
    with organization_scope(acme.pk):
        assert Report.objects.get().cluster.unreported_resource_count == 6


def test_delta_has_no_parts(agent: Sender) -> None:
    assert agent.post({**report(scanned_at=at(0)), "kind": "delta", "part": {"number": 1}}).json()["code"] == "schema"


def test_resource_in_two_parts_counts_as_in_the_later_number(agent: Sender, acme: Organization) -> None:
    posted = snapshot([resource("one", violations=[violation()])], [resource("one")])
    for part in reversed(posted):
        agent.post(part)
    assert merged(acme) == (["one"], 0)


def test_unclosed_snapshot_expires_and_its_numbers_can_be_used_again(agent: Sender, acme: Organization) -> None:
    posted = three()
    agent.post(posted[0])
    with organization_scope(acme.pk):
        ReportPart.objects.update(received_at=now() - parts.KEPT_FOR - timedelta(minutes=1))
    agent.post(snapshot([resource("fresh")], [])[0])
    with shared_scope():
        expire_parts.run()
    assert agent.status(posted[0]["id"]).status_code == 404
    with organization_scope(acme.pk):
        assert ReportPart.objects.count() == 1


def test_part_that_is_still_growing_does_not_expire(agent: Sender, acme: Organization) -> None:
    posted = three()
    agent.post(posted[0])
    with organization_scope(acme.pk):
        ReportPart.objects.update(received_at=now() - parts.KEPT_FOR - timedelta(minutes=1))
        agent.post(posted[1])
        assert parts.expire_parts() == 0


def test_parts_that_are_never_closed_have_bounded_room(agent: Sender, settings: Any) -> None:
    agent.post(three()[0])
    settings.REPORT_BACKLOG_PER_CLUSTER_BYTES = 10
    answer = agent.post(three()[0])
    assert (answer.status_code, answer.json()["code"]) == (429, "backlog_of_parts")
    assert int(answer["Retry-After"]) > 0


def test_parts_of_other_clusters_are_not_seen(agent: Sender, globex: Organization) -> None:
    posted = three()
    stranger = sender_of(globex)
    agent.post(posted[0])
    assert stranger.status(posted[0]["id"]).status_code == 404
    assert stranger.post(posted[0]).json()["part_count"] == 1
