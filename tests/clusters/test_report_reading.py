"""Bodies are read piece by piece, and what comes of it is what reading them whole would make of them."""

import json
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import orjson
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from clusters.models import Report
from clusters.services.intake import columns, members, reading, windows
from clusters.services.intake.bodies import Body, Limits
from clusters.services.intake.documents import parse_document
from clusters.services.intake.keeping import KeptReport, keep_lines
from clusters.services.intake.reading import read_report
from clusters.services.intake.validation import judge
from common.errors import PlumblineError
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import Sender
from tests.clusters.test_report_fuzz import dumps, mutants
from tests.clusters.test_report_parts import snapshot
from tests.compliance.reports import at, report, resource, violation

POLICIES = ("host-path", "host-network", "memory-limits")
# Strings and objects that look like the end of one element and the beginning of the next.
MISLEADING = [
    '},{"apiVersion":"v1"',
    'a "quoted": word',
    "\\",
    "ü🦊",
    [{"apiVersion": 1}, {"apiVersion": 2}],
    {":": {}},
]
DAMAGE = [
    b",", b"}", b"]", b"{", b"[", b'"', b":", b"\\", b"\x00", b"\xff", b" ", b"\n", b"01", b"tru", b"-", b"\x0c",
    b"},{", b"\\u0000", b"\\ud800", b'"a":1,', b'"resources":[],', b"\xef\xbb\xbf", b"[" * 300 + b"]" * 300,
]  # fmt: skip


@contextmanager
def windows_of(size: int) -> Iterator[None]:
    with patch.object(windows, "CHUNK", size), patch.object(members, "CHUNK", size):
        yield


def unpacked(lines: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(lines, read_across_frames=True).read()


def whole(body: bytes) -> Any:
    document = parse_document(body)
    return judge(document), unpacked(keep_lines(document))


def piecewise(body: bytes) -> Any:
    wire = [body[start : start + 100] for start in range(0, len(body), 100)]
    report = read_report(Body(wire, encoding="", limits=Limits(len(body), len(body))))
    return report.head, unpacked(b"".join(report.lines))


def outcome_of(read: Any, body: bytes) -> Any:
    try:
        return read(body)
    except PlumblineError as refusal:
        return refusal.status, refusal.code, refusal.fields


def large(count: int) -> dict[str, Any]:
    """A snapshot of resources of which some begin otherwise than the others, or hold what misleads."""
    entries = [
        resource(f"r{number}", violations=[violation(found=MISLEADING[number % len(MISLEADING)])])
        for number in range(count)
    ]
    entries[3::7] = [dict(reversed(entry.items())) for entry in entries[3::7]]
    return report(*entries, scanned_at=at(0), policies=POLICIES)


def refusal_of(document: Any) -> tuple[int, str, dict[str, str]]:
    with pytest.raises(PlumblineError) as refusal:
        read_report(Body.plain(document if isinstance(document, bytes) else orjson.dumps(document)))
    return refusal.value.status, refusal.value.code, refusal.value.fields


SPELLINGS: dict[str, dict[str, Any]] = {
    "compact": {"separators": (",", ":")},
    "spaced": {"separators": (" , ", " : ")},
    "indented": {"indent": 2},
    "tabs": {"indent": "\t", "ensure_ascii": False},
}


@pytest.mark.parametrize("size", [16, 500, 5000, 128 * 1024])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_read_as_it_is_whole(library: None, spelling: str, size: int) -> None:
    body = json.dumps(large(60), **SPELLINGS[spelling]).encode()
    with windows_of(size):
        assert piecewise(body) == whole(body)


@given(
    document=mutants(), order=st.randoms(use_true_random=False), damage=st.sampled_from(DAMAGE),
    spelling=st.sampled_from(list(SPELLINGS.values())), size=st.sampled_from([16, 100, 1000]),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_any_body_is_taken_or_refused_as_it_is_whole(
    document: Any, order: random.Random, damage: bytes, spelling: dict[str, Any], size: int
) -> None:
    bodies = [dumps(document), json.dumps(document, default=str, **spelling).encode()]
    bodies += [body[:place] + damage + body[place + order.randrange(2) :] for body in bodies
               for place in [order.randrange(len(body) + 1)]]  # fmt: skip
    with windows_of(size):
        for body in bodies:
            assert outcome_of(piecewise, body) == outcome_of(whole, body)


def test_members_come_in_any_order(library: None) -> None:
    document = {
        **large(20), "kind": "delta",
        "known": [{"apiVersion": "v1", "kind": "Pod", "namespace": "", "name": "k", "digest": "0" * 64}],
        "deleted": [{"apiVersion": "v1", "kind": "Pod", "namespace": "", "name": "gone"}],
    }  # fmt: skip
    expected = whole(orjson.dumps(document))
    assert piecewise(orjson.dumps(dict(reversed(document.items())))) == expected


def test_escaped_name_of_a_list_is_its_name(library: None) -> None:
    body = orjson.dumps(large(3))
    assert piecewise(body.replace(b'"resources"', b'"r\\u0065sources"')) == whole(body)


def test_list_that_is_given_twice_is_a_duplicate_key() -> None:
    body = orjson.dumps(large(2)).replace(b'"deleted":[]', b'"resources":[],"deleted":[]')
    assert refusal_of(body)[:2] == (400, "duplicate_key")


def test_memory_does_not_grow_with_the_body(library: None) -> None:
    peaks = []
    for count in (2_000, 20_000):
        wire = zstandard.compress(orjson.dumps(large(count)))
        tracemalloc.start()
        read_report(Body([wire], encoding="zstd", limits=Limits(len(wire), 1 << 30)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 2_000_000


def test_syntax_error_behind_what_the_schema_refuses_is_told() -> None:
    document = orjson.dumps({**large(3), "id": 7})
    assert refusal_of(document)[1] == "schema"
    assert refusal_of(document[:-1] + b",}")[1] == "malformed_json"


@pytest.mark.parametrize("fault", [b"nope", b'{"id":7}', b'{"a":"\\u0000"}'])
def test_end_that_is_cut_off_is_told_before_anything_else(fault: bytes) -> None:
    body = Body([zstandard.compress(fault + b" " * 300_000)[:-3]], encoding="zstd", limits=Limits(1 << 20, 1 << 20))
    with pytest.raises(PlumblineError) as refusal:
        read_report(body)
    assert refusal.value.code == "corrupt_body"


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        ('{\n"ü": "' + "é" * 900 + '" x}', 2, 909),
        ('{"a": "' + "é\n" * 900 + '"}', 1, 9),
        ('{"resources": [{"a": 1},\n {"a": ]}', 2, 8),
        ('{"resources": [{"a": "é"} ,]}', 1, 27),
    ],
)
def test_fault_is_located_beyond_the_window(body: str, line: int, column: int) -> None:
    with windows_of(64):
        _, code, fields = refusal_of(body.encode())
    assert code == "malformed_json"
    assert fields["body"].endswith(f" at line {line}, column {column}")


def test_resource_above_what_is_read_at_once_is_too_large() -> None:
    with patch.object(reading, "MOST_AT_ONCE", 300_000):
        document = large(2)
        document["resources"][1]["manifest"]["data"] = "x" * 400_000
        status, code, fields = refusal_of(document)
    assert (status, code, list(fields)) == (413, "value_too_large", ["resources[1]"])


def test_resource_of_too_many_values_is_too_large() -> None:
    with patch.object(windows, "MOST_MARKS", 1_000):
        document = large(2)
        document["resources"][0]["manifest"]["data"] = [1] * 1_001
        status, code, fields = refusal_of(document)
    assert (status, code, list(fields)) == (413, "value_too_large", ["resources[0]"])


def test_all_beside_the_lists_together_is_read_at_once() -> None:
    with patch.object(reading, "MOST_AT_ONCE", 300_000):
        document = {**large(2), "unreadable": "x" * 200_000, "agent": "x" * 200_000}
        assert refusal_of(document)[:2] == (413, "value_too_large")


def test_bracket_that_is_never_closed_is_told_where_it_shows() -> None:
    body = orjson.dumps(large(2)).replace(b'"passed":[', b'"passed":[[', 1)
    with patch.object(reading, "MOST_AT_ONCE", 200):
        assert refusal_of(body)[1] == "malformed_json"


@pytest.mark.parametrize("element", [b"1", b"{}", b"[]", b'1,"a",[],{},null'])
def test_list_of_too_many_is_refused_as_it_comes(element: bytes) -> None:
    body = b'{"schema":"plumbline.report/v1","resources":[' + b",".join([element] * 200_001) + b" no JSON"
    assert refusal_of(body) == (422, "schema", {"resources": "Has more than 200000 items."})


def test_object_of_too_many_members_is_refused_as_it_comes() -> None:
    body = b"{" + b"".join(b'"%d":1,' % number for number in range(101)) + b" no JSON"
    assert refusal_of(body) == (422, "schema", {"body": "Has more than 100 members."})


def test_what_is_kept_is_the_same_in_pieces(agent: Sender, acme: Organization) -> None:
    document = large(50)
    with patch.object(columns, "MOST_IN_A_STATEMENT", 100):
        assert agent.post(document).status_code == 202
        first, last = snapshot(document["resources"][:20], document["resources"][20:])
        assert [agent.post(part).status_code for part in (first, last)] == [202, 202]
    with organization_scope(acme.pk):
        for kept in Report.objects.all():
            assert [orjson.loads(rendering) for _, _, rendering in KeptReport(kept.pk)] == document["resources"]
        assert Report.objects.count() == 2
