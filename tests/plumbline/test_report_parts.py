"""What the client makes of large, repeated and excepted scans."""

import hashlib
import json
from typing import Any

import httpx
import pytest
import zstandard

from plumbline.library import library_policies
from plumbline.reports import ReportError, send_report
from plumbline.reports.digests import abbreviate, only, policy_set_digest, rendering, resource_digests
from plumbline.reports.folding import fold_owned
from plumbline.reports.parts import split_report
from plumbline.schemas import first_problem, validator
from tests.golden import golden_reports, read

NAMES = sorted(golden_reports())


@pytest.mark.parametrize("name", NAMES)
def test_client_builds_the_golden_report(name: str) -> None:
    assert golden_reports()[name] == read(name)


@pytest.mark.parametrize("name", NAMES)
def test_golden_report_follows_the_schema(name: str) -> None:
    assert first_problem(validator("report-v1"), read(name)) is None


def test_small_report_and_delta_stay_whole() -> None:
    for name in ("snapshot", "delta"):
        assert split_report(read(name), most_resources=100) == [read(name)]
    assert split_report(read("delta"), most_resources=0) == [read("delta")]


@pytest.mark.parametrize(("most_resources", "most_bytes", "expected"), [(1, 1 << 20, 3), (2, 1 << 20, 2), (9, 10, 3)])
def test_parts_hold_everything_once(most_resources: int, most_bytes: int, expected: int) -> None:
    report = read("snapshot")
    parts = split_report(report, most_resources=most_resources, most_bytes=most_bytes)
    assert len(parts) == expected
    assert [resource for part in parts for resource in part["resources"]] == report["resources"]
    assert [part["part"]["number"] for part in parts] == list(range(1, expected + 1))
    digests = "".join(hashlib.sha256(rendering(part)).hexdigest() for part in parts[:-1])
    closing = {"parts": expected, "resources": 3, "digest": hashlib.sha256(digests.encode()).hexdigest()}
    assert parts[-1]["part"]["closing"] == closing


def test_only_the_closing_part_speaks_of_the_whole() -> None:
    report = {**read("snapshot"), "truncated": {"resources_total": 9}}
    first, *_, last = split_report(report, most_resources=1)
    assert (first["truncated"], last["truncated"]) == (None, {"resources_total": 9})


def test_known_resources_are_named_by_digest() -> None:
    report = read("snapshot")
    digests = resource_digests(report)
    short = abbreviate(report, {digests[1]})
    assert [resource["name"] for resource in short["resources"]] == ["web", "import"]
    assert [(entry["name"], entry["digest"]) for entry in short["known"]] == [("worker", digests[1])]
    assert abbreviate(report, ())["resources"] == report["resources"]


def test_digest_follows_verdicts_and_the_list_of_policies() -> None:
    report = read("snapshot")
    changed = {**report, "policies": report["policies"][::-1]}
    assert set(resource_digests(report)).isdisjoint(resource_digests(changed))


def test_what_a_receipt_asks_for_is_found_again() -> None:
    unknown = [["apps", "Deployment", "shop", "worker"], ["", "Pod", "shop", "gone"]]
    assert [resource["name"] for resource in only(read("snapshot"), unknown)] == ["worker"]


def test_policy_set_digest_follows_policies_and_parameters() -> None:
    policies = library_policies()
    digests = {
        policy_set_digest(policies),
        policy_set_digest(policies[1:]),
        policy_set_digest(policies, {"replicas": {"min": 3}}),
    }
    assert (len(digests), policy_set_digest(policies)) == (3, policy_set_digest(policies))


class Server:
    """Takes parts as a server does, and forgets the part `lost` the first time it comes."""

    def __init__(self, lost: int = 0, *, forgets: bool = False) -> None:
        self.numbers: list[int] = []
        self._lost, self._forgets = lost, forgets

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        part = json.loads(zstandard.decompress(request.content))["part"]
        self.numbers.append(part["number"])
        kept = {n for n in self.numbers if n != self._lost or (self.numbers.count(n) > 1 and not self._forgets)}
        missing = sorted({1, 2, 3} - kept) if 3 in kept else []
        status = "accepted" if kept == {1, 2, 3} else "incomplete"
        return httpx.Response(202, json={"id": "r", "status": status, "missing": missing})


def send(server: Server, **more: Any) -> dict[str, Any]:
    with server.client() as client:
        return send_report("http://plumbline.test", "t", read("snapshot"), client=client, most_resources=1, **more)


def test_parts_are_sent_in_order_and_told_as_they_go() -> None:
    server, told = Server(), []
    assert send(server, progress=lambda *counts: told.append(counts))["status"] == "accepted"
    assert (server.numbers, told) == ([1, 2, 3], [(1, 3), (2, 3), (3, 3)])


def test_part_that_the_server_lacks_is_sent_again() -> None:
    server = Server(lost=2)
    assert send(server)["status"] == "accepted"
    assert server.numbers == [1, 2, 3, 2]


def test_server_that_loses_a_part_for_good_is_an_error() -> None:
    with pytest.raises(ReportError, match="lacks parts"):
        send(Server(lost=2, forgets=True))


def entry(name: str, kind: str = "Deployment", owner: str = "", **more: Any) -> dict[str, Any]:
    references = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "controller": True}] if owner else []
    empty: dict[str, Any] = {key: [] for key in ("passed", "failed", "errored", "skipped", "violations", "errors")}
    version = "v1" if kind == "Pod" else "apps/v1"
    manifest = {"kind": kind, "metadata": {"name": name, "ownerReferences": references}}
    about = {"apiVersion": version, "kind": kind, "namespace": "shop", "name": name, "manifest": manifest}
    return {**about, **empty, **more}


COVERED = {"policy": 0, "rule": "r", "place": "spec.hostPID", "path": "spec.hostPID", "exception": "agent", "fix": None}


def test_what_is_excepted_in_a_pod_is_excepted_in_its_owner() -> None:
    owner = entry("web", "ReplicaSet", passed=[0])
    pod = entry("web-1", "Pod", "web", skipped=[0], excepted=[COVERED], partial=[0])
    (folded,) = fold_owned([owner, pod])
    assert (folded["passed"], folded["skipped"], folded["partial"]) == ([], [0], [0])
    assert [found["place"] for found in folded["excepted"]] == ["spec.template.spec.hostPID"]


def test_what_fails_in_a_pod_is_not_excepted_in_its_owner() -> None:
    place = {"place": "spec.template.spec.hostPID", "path": "spec.template.spec.hostPID"}
    owner = entry("web", "ReplicaSet", skipped=[0], excepted=[{**COVERED, **place}])
    failing = {name: value for name, value in COVERED.items() if name != "exception"}
    pod = entry("web-1", "Pod", "web", failed=[0], violations=[failing])
    (folded,) = fold_owned([owner, pod])
    assert (folded["failed"], "excepted" in folded) == ([0], False)
