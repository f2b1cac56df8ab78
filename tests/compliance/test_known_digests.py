"""Resources named by their digest: unchanged ones cost next to nothing, unknown ones resolve nothing."""

from typing import Any

import orjson
import pytest
import zstandard

from clusters.models import Cluster, Report, Resource
from clusters.services.intake import keeping
from clusters.services.intake.keeping import policies_digest, resource_digest
from compliance.models import Violation
from compliance.services.merging import staging
from compliance.services.turns import process_waiting_reports
from compliance.services.verification import verify_posture
from tests.compliance.reports import POLICIES, accept, at, merge, report, resource, violation


def known(entry: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {name: entry[name] for name in ("apiVersion", "kind", "namespace", "name")}
    digest = resource_digest(policies_digest(list(POLICIES)), orjson.dumps(entry))
    return {**about, "digest": digest, **more}


FAILING = resource("one", violations=[violation()])
PASSING = resource("two")


def test_known_resources_stay_as_they_are(cluster: Cluster) -> None:
    merge(cluster, report(FAILING, PASSING, scanned_at=at(0)))
    stored = merge(cluster, report(scanned_at=at(5), known=[known(FAILING), known(PASSING)]))
    assert (stored.status, stored.unknown_count) == ("processed", 0)
    assert Violation.objects.get().status == "open"
    assert set(Resource.objects.values_list("deleted_at", "changed_at")) == {(None, at(0))}
    assert Cluster.objects.get().unreported_resource_count == 0
    assert verify_posture() == []


def test_snapshot_that_mixes_both_resolves_what_it_leaves_out(cluster: Cluster) -> None:
    merge(cluster, report(FAILING, PASSING, resource("three", violations=[violation()]), scanned_at=at(0)))
    merge(cluster, report(resource("one"), scanned_at=at(5), known=[known(PASSING)]))
    assert list(Violation.objects.values_list("status", flat=True)) == ["resolved", "resolved"]
    assert Resource.objects.filter(deleted_at=None).count() == 2
    assert verify_posture() == []


def test_unknown_digest_is_named_resolves_nothing_and_lowers_coverage(cluster: Cluster) -> None:
    merge(cluster, report(FAILING, scanned_at=at(0)))
    stored = merge(cluster, report(scanned_at=at(5), known=[known(FAILING, digest="0" * 64), known(PASSING)]))
    assert stored.unknown == [["apps", "Deployment", "shop", "one"], ["apps", "Deployment", "shop", "two"]]
    assert stored.unknown_count == 2
    assert Violation.objects.get().status == "open"
    assert Cluster.objects.get().unreported_resource_count == 2
    assert verify_posture() == []


def test_resource_that_is_gone_is_not_known(cluster: Cluster) -> None:
    merge(cluster, report(FAILING, scanned_at=at(0)))
    merge(cluster, report(scanned_at=at(5)))
    stored = merge(cluster, report(scanned_at=at(9), known=[known(FAILING)]))
    assert stored.unknown_count == 1
    assert Violation.objects.get().status == "resolved"


def test_digest_of_other_policies_is_not_known(cluster: Cluster) -> None:
    merge(cluster, report(FAILING, scanned_at=at(0)))
    narrow = policies_digest(["host-network"])
    digest = resource_digest(narrow, orjson.dumps(FAILING))
    stored = merge(cluster, report(scanned_at=at(5), known=[known(FAILING, digest=digest)]))
    assert stored.unknown_count == 1


def test_more_unknown_digests_than_are_listed_ask_for_a_snapshot(cluster: Cluster) -> None:
    many = [known(resource(f"r{number}")) for number in range(1001)]
    stored = merge(cluster, report(scanned_at=at(5), known=many))
    assert (stored.unknown_count, len(stored.unknown)) == (1001, 1000)
    assert Cluster.objects.get().snapshot_wanted_at == at(5)


def test_superseded_delta_asks_for_a_snapshot_until_a_complete_one_comes(cluster: Cluster) -> None:
    merge(cluster, report(FAILING, scanned_at=at(10)))
    assert merge(cluster, report(PASSING, scanned_at=at(5), kind="delta")).status == "superseded"
    assert Cluster.objects.get().snapshot_wanted_at == at(5)
    merge(cluster, report(FAILING, scanned_at=at(11), truncated={"resources_total": 2}))
    assert Cluster.objects.get().snapshot_wanted_at == at(5)
    merge(cluster, report(FAILING, PASSING, scanned_at=at(12)))
    assert Cluster.objects.get().snapshot_wanted_at is None


def test_parked_delta_asks_for_a_snapshot(cluster: Cluster) -> None:
    assert merge(cluster, report(scanned_at=at(5), kind="delta", policies=["no-such-policy"])).status == "parked"
    assert Cluster.objects.get().snapshot_wanted_at == at(5)


def test_report_that_an_earlier_release_kept_whole_is_merged(cluster: Cluster) -> None:
    document = report(FAILING, PASSING, scanned_at=at(0))
    waiting = accept(cluster, document)
    Report.objects.filter(pk=waiting.pk).update(body=zstandard.compress(orjson.dumps(document)))
    process_waiting_reports()
    assert (Resource.objects.count(), Violation.objects.count(), verify_posture()) == (2, 1, [])
    stored = merge(cluster, report(scanned_at=at(5), known=[known(FAILING), known(PASSING)]))
    assert stored.unknown_count == 0


def test_report_of_many_batches_is_merged_as_one(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "BATCH_LINES", 2)
    monkeypatch.setattr(keeping, "SLICE_BYTES", 64)
    many = [resource(f"r{number}", violations=[violation()]) for number in range(7)]
    merge(cluster, report(*many, scanned_at=at(0)))
    assert (Resource.objects.count(), Violation.objects.count()) == (7, 7)
    merge(cluster, report(*many[:3], resource("r5"), many[0], scanned_at=at(5), known=[known(many[6])]))
    assert Violation.objects.filter(status="open").count() == 4
    assert verify_posture() == []
