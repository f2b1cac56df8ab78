"""Whatever is posted: never a 500, never half a report, never another organization's data."""

import copy
import gzip
import hashlib
import uuid
from typing import Any

import orjson
import pytest
import zstandard
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusters.models import Report, ReportPart, Resource
from common.clock import now
from compliance.services.turns import process_waiting_reports
from compliance.services.verification import verify_posture
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import Sender, sender_of
from tests.compliance.reports import at, report, resource, violation
from tests.golden import golden_reports, read

STATUSES = {202, 400, 401, 409, 411, 413, 415, 422, 429}
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
POLICIES = ("host-path", "host-network", "memory-limits")

words = st.sampled_from(["", "\x00", "a\x00b", "ü" * 300, "x" * 5000, "a\tb\nc\\N", "\x1f", "9" * 400, "..", "🦊" * 70])
odd = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=False), words, st.just([]), st.just({}), st.just([None]),
    st.sampled_from([-1, 0, 2**31, 2**53, 2**63, 10**30, "2026-03-03T08:00:00Z", "9999-12-31T23:59:59-14:00",
                     "0001-01-01T00:00:00+14:00", "0" * 64, str(uuid.UUID(int=0)), [[[[]]]], {"a": {"b": [1]}}]),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, member in inner for place in places(member, (*path, key)))]


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.copy(document)
    changed[path[0]] = put(document[path[0]], path[1:], value)
    return changed


@st.composite
def mutants(draw: st.DrawFn) -> Any:
    """A golden report in which up to three values are something else; with an id of its own."""
    document = {**read(draw(st.sampled_from(sorted(golden_reports())))), "id": str(uuid.uuid4())}
    for _ in range(draw(st.integers(1, 3))):
        document = put(document, draw(st.sampled_from(places(document))), draw(odd))
    return document


def dumps(document: Any) -> bytes:
    return orjson.dumps(document, default=str) if abs_ints(document) else repr(document).replace("'", '"').encode()


def abs_ints(document: Any) -> bool:
    """Whether orjson can write it: its integers have 64 bits."""
    if isinstance(document, dict | list):
        return all(abs_ints(member) for member in (document.values() if isinstance(document, dict) else document))
    return not isinstance(document, int) or abs(document) < 2**63


def assert_whole(agent: Sender, organization: Organization) -> None:
    """Everything accepted can be merged or is parked, and what is kept agrees."""
    with organization_scope(organization.pk):
        process_waiting_reports()
        assert set(Report.objects.values_list("status", flat=True)) <= {"processed", "superseded"}
        assert verify_posture() == []


@given(documents=st.lists(mutants(), min_size=1, max_size=4))
@SLOW
def test_mutated_reports_are_taken_whole_or_refused_in_one_shape(
    agent: Sender, acme: Organization, documents: list[Any]
) -> None:
    cache.clear()
    for document in documents:
        answer = agent.post_body(dumps(document))
        assert answer.status_code in STATUSES
        if answer.status_code != 202:
            assert answer.json().keys() == {"detail", "code", "fields"}
    assert_whole(agent, acme)


@given(body=st.one_of(st.binary(max_size=300), words.map(str.encode)), encoding=st.sampled_from(["", "gzip", "zstd"]))
@SLOW
def test_any_bytes_are_answered(agent: Sender, body: bytes, encoding: str) -> None:
    cache.clear()
    packed = {"": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}[encoding](body)
    for sent in (body, packed, packed[:-2]):
        assert agent.post_body(sent, encoding).status_code in STATUSES


HOSTILE = {
    "10 MB message": report(resource(violations=[violation(message="x" * 10_000_000)]), scanned_at=at(0)),
    "10 MB name": report(resource("x" * 10_000_000), scanned_at=at(0)),
    "10 MB found": report(resource(violations=[violation(found="x" * 10_000_000)]), scanned_at=at(0)),
    "10 MB key": report(resource(manifest={"x" * 10_000_000: 1}), scanned_at=at(0)),
    "deep manifest": report(resource(manifest={"a": orjson.loads("[" * 200 + "]" * 200)}), scanned_at=at(0)),
    "huge number": report(resource(manifest={"a": 1e308, "b": 2**63}), scanned_at=at(0)),
    "other planes": report(resource(manifest={"a": "\ud7ff\U0010ffff"}), scanned_at=at(0)),
}


@pytest.mark.parametrize("document", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_are_taken_whole_or_refused(
    agent: Sender, acme: Organization, document: dict[str, Any]
) -> None:
    assert agent.post({**document, "policies": POLICIES}).status_code in {202, 422}
    assert_whole(agent, acme)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_bomb_is_stopped_as_it_grows(agent: Sender, settings: Any, encoding: str, pack: Any) -> None:
    settings.REPORT_MAX_EXPANDED_BYTES = 1_000_000
    answer = agent.post_body(pack(b" " * 50_000_000), encoding)
    assert (answer.status_code, answer.json()["code"]) == (413, "expanded_too_large")


def test_resource_claimed_by_two_reports_is_the_later_ones(agent: Sender, acme: Organization) -> None:
    scanned_at = now()
    failing = report(resource(violations=[violation()]), scanned_at=scanned_at, policies=POLICIES)
    passing = report(resource(), scanned_at=scanned_at, policies=POLICIES)
    for document in (failing, passing):
        assert agent.post(document).status_code == 202
    assert_whole(agent, acme)
    with organization_scope(acme.pk):
        assert sorted(Report.objects.values_list("status", flat=True)) == ["processed", "superseded"]
        assert Resource.objects.count() == 1


@st.composite
def protocol_runs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Snapshots, deltas and parts of a session, in any order, some twice, some never, some numbers skipped."""
    session, posted = str(uuid.uuid4()), []
    for sequence in sorted(draw(st.sets(st.integers(1, 6), min_size=1))):
        kind = draw(st.sampled_from(["snapshot", "delta", "parts"]))
        entries = [
            resource(name, violations=draw(st.sampled_from([[], [violation()]])))
            for name in sorted(draw(st.sets(st.sampled_from(["one", "two", "three"]))))
        ]
        about = {
            "policies": POLICIES, "scanned_at": at(sequence), "id": str(uuid.uuid4()),
            "session": {"id": session, "sequence": sequence},
        }  # fmt: skip
        if kind == "parts":
            first = {**report(*entries, **about), "part": {"number": 1}}
            body = hashlib.sha256(orjson.dumps(first)).hexdigest()
            digest = draw(st.sampled_from([hashlib.sha256(body.encode()).hexdigest(), "0" * 64]))
            closing = {"parts": 2, "resources": len(entries), "digest": digest}
            posted += [first, {**report(**about), "part": {"number": 2, "closing": closing}}]
        else:
            posted.append(report(*entries, kind=kind, **about))
    again = draw(st.lists(st.sampled_from(posted), max_size=4))
    return draw(st.permutations([*posted, *again]))


@given(posted=protocol_runs())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_run_of_the_protocol_leaves_everything_in_agreement(
    acme: Organization, globex: Organization, library: None, posted: list[dict[str, Any]]
) -> None:
    cache.clear()
    agent = sender_of(acme, f"run-{uuid.uuid4().hex[:20]}")
    stranger = sender_of(globex, f"run-{uuid.uuid4().hex[:20]}")
    for document in posted:
        assert agent.post(document).status_code in {202, 409, 422}
    assert_whole(agent, acme)
    with organization_scope(globex.pk):
        assert (Report.objects.count(), ReportPart.objects.count(), Resource.objects.count()) == (0, 0, 0)
    assert stranger.status(posted[0]["id"]).status_code == 404
