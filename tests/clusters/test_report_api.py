"""The agents' API: what is accepted, what is refused, and what the refusal says."""

import gzip
import uuid
from datetime import timedelta
from typing import Any

import orjson
import pytest
import zstandard
from django.test import Client, override_settings

from clusters.models import AgentToken, Report
from clusters.services.intake.keeping import KeptReport
from clusters.services.tokens import revoke_agent_token
from common.clock import now
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import Sender, sender_of
from tests.compliance.reports import at, report, resource, violation


def stored_count(organization: Organization) -> int:
    with organization_scope(organization.pk):
        return Report.objects.count()


def test_report_is_accepted_with_a_receipt_and_kept_compressed(agent: Sender, acme: Organization) -> None:
    document = report(resource(violations=[violation()]), scanned_at=at(0))
    answer = agent.post(document)
    receipt = answer.json()
    assert answer.status_code == 202
    assert (receipt["report_id"], receipt["status"], receipt["error"]) == (document["id"], "accepted", "")
    assert receipt["links"]["self"].endswith(f"/api/agent/v1/reports/{document['id']}")
    with organization_scope(acme.pk):
        kept = Report.objects.get()
        lines = KeptReport(kept.pk)
        assert [orjson.loads(rendering) for _, _, rendering in lines] == document["resources"]
    assert {**lines.head, "resources": document["resources"], "deleted": []} == document
    assert (kept.resource_count, kept.result_count) == (1, 3)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("zstd", zstandard.compress), ("identity", bytes), ("GZIP", gzip.compress)],
)
def test_every_encoding_arrives_the_same(agent: Sender, encoding: str, compress: Any) -> None:
    body = orjson.dumps(report(resource(), scanned_at=at(0)))
    assert agent.post_body(compress(body), encoding).status_code == 202


def test_the_same_report_again_gets_the_first_receipt(agent: Sender, acme: Organization) -> None:
    document = report(resource(), scanned_at=at(0))
    first, second = agent.post(document), agent.post(document)
    assert second.status_code == 202
    assert second.json() == first.json()
    assert stored_count(acme) == 1


def test_another_report_under_a_used_id_is_a_conflict(agent: Sender, acme: Organization) -> None:
    document = report(resource(), scanned_at=at(0))
    agent.post(document)
    answer = agent.post({**document, "resources": []})
    assert (answer.status_code, answer.json()["code"]) == (409, "report_id_reused")
    assert stored_count(acme) == 1


def test_status_is_for_ones_own_reports(agent: Sender, acme: Organization, globex: Organization) -> None:
    document = report(resource(), scanned_at=at(0))
    agent.post(document)
    sibling, stranger = sender_of(acme, "staging"), sender_of(globex)
    assert agent.status(document["id"]).json()["status"] == "accepted"
    assert sibling.status(document["id"]).status_code == 404
    assert stranger.status(document["id"]).status_code == 404


@pytest.mark.parametrize(
    "header", ["", "Basic abc", "Bearer", "Bearer plb_12_ab", "Bearer pla_12345678_unknown"]
)
def test_no_or_unknown_token_is_unauthenticated(agent: Sender, acme: Organization, header: str) -> None:
    answer = agent.post_body(b"{}", Authorization=header)
    assert answer.status_code == 401
    assert answer.json().keys() == {"detail", "code", "fields"}
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert stored_count(acme) == 0


def test_revoked_token_is_told_so(agent: Sender, acme: Organization) -> None:
    with organization_scope(acme.pk):
        revoke_agent_token(token_id=agent.token.pk, actor=None)
    answer = agent.post(report(scanned_at=at(0)))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")


def test_use_of_a_token_is_written_at_most_once_a_minute(agent: Sender, acme: Organization) -> None:
    agent.status(str(uuid.uuid4()))
    with organization_scope(acme.pk):
        first = AgentToken.objects.get().last_used_at
    agent.status(str(uuid.uuid4()))
    with organization_scope(acme.pk):
        assert first is not None
        assert AgentToken.objects.get().last_used_at == first


BAD_BODIES = {
    "truncated gzip": (gzip.compress(b"{}" * 500)[:-9], "gzip", 400, "corrupt_body"),
    "not gzip": (b"{}", "gzip", 400, "corrupt_body"),
    "trailing garbage": (gzip.compress(b"{}") + b"x", "gzip", 400, "corrupt_body"),
    "two members": (gzip.compress(b"{}") * 2, "gzip", 400, "corrupt_body"),
    "truncated zstd": (zstandard.compress(b"{}" * 500)[:-3], "zstd", 400, "corrupt_body"),
    "not zstd": (b"{}", "zstd", 400, "corrupt_body"),
    "garbage after zstd": (zstandard.compress(b"{}") + b"xx", "zstd", 400, "corrupt_body"),
    "brotli": (b"{}", "br", 415, "unsupported_encoding"),
    "two encodings": (b"{}", "gzip, zstd", 415, "unsupported_encoding"),
    "empty": (b"", "", 411, "length_required"),
    "empty gzip": (gzip.compress(b""), "gzip", 400, "malformed_json"),
    "not json": (b'{"a":\n nope}', "", 400, "malformed_json"),
    "NaN": (b'{"a": NaN}', "", 400, "malformed_json"),
    "infinite number": (b'{"a": 1e999}', "", 400, "malformed_json"),
    "not UTF-8": (b'{"a": "\xff"}', "", 400, "malformed_json"),
    "lone surrogate": (b'{"a": "\\ud800"}', "", 400, "malformed_json"),
    "NUL byte": (b'{"a": "\x00"}', "", 400, "malformed_json"),
    "escaped NUL": (b'{"a": "x\\u0000"}', "", 400, "malformed_json"),
    "duplicate key": (b'{"a": 1, "b": {"c": 1, "c": 2}}', "", 400, "duplicate_key"),
    "nested": (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "", 400, "nested_too_deeply"),
    "nested deeply": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "", 400, "nested_too_deeply"),
    "a list": (b"[]", "", 400, "malformed_json"),
    "no schema": (b"{}", "", 422, "unknown_schema"),
    "another schema": (b'{"schema": "plumbline.report/v9"}', "", 422, "unknown_schema"),
    "a schema of another type": (b'{"schema": {"a": 1}}', "", 422, "unknown_schema"),
    "nothing but the schema": (b'{"schema": "plumbline.report/v1"}', "", 422, "schema"),
}


@pytest.mark.parametrize(("body", "encoding", "status", "code"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_body_is_refused_and_nothing_is_stored(
    agent: Sender, acme: Organization, body: bytes, encoding: str, status: int, code: str
) -> None:
    answer = agent.post_body(body, encoding)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json().keys() == {"detail", "code", "fields"}
    assert stored_count(acme) == 0


def test_syntax_error_is_located(agent: Sender) -> None:
    assert "line 2, column 2" in agent.post_body(b'{"a":\n nope}').json()["detail"]


def test_unknown_schema_names_the_versions_spoken(agent: Sender) -> None:
    assert "plumbline.report/v1" in agent.post_body(b'{"schema": "plumbline.report/v9"}').json()["detail"]


def test_unusual_but_correct_spelling_of_json_is_accepted(agent: Sender) -> None:
    document = report(
        resource(violations=[violation(message='a "quoted": word', found={":": 1})]), scanned_at=at(0)
    )
    spelled = orjson.dumps(document, option=orjson.OPT_INDENT_2).replace(b'": ', b'" : ')
    assert agent.post_body(spelled).status_code == 202


@override_settings(REPORT_MAX_COMPRESSED_BYTES=1000, REPORT_MAX_EXPANDED_BYTES=2_000_000)
@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (b" " * 1001, "", "body_too_large"),
        (zstandard.compress(b" " * 3_000_000), "zstd", "expanded_too_large"),
        (gzip.compress(b" " * 900_000), "gzip", "malformed_json"),
    ],
    ids=["too large as sent", "zstd bomb", "just within"],
)
def test_limits_hold_on_both_sizes(agent: Sender, body: bytes, encoding: str, code: str) -> None:
    assert agent.post_body(body, encoding).json()["code"] == code


INCONSISTENT: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown policy": ({"policies": ["no-such-policy"], "resources": []}, "policies[0]", "unknown_policy"),
    "policy twice": ({"policies": ["host-path", "host-path"], "resources": []}, "policies", "schema"),
    "index beyond": ({"resources": [resource(passed=[7])]}, "resources[0]", "inconsistent"),
    "two verdicts": ({"resources": [resource(passed=[0], skipped=[0])]}, "resources[0]", "inconsistent"),
    "failed without violation": (
        {"resources": [resource(failed=[0])]},
        "resources[0].violations",
        "inconsistent",
    ),
    "violation of a passed policy": (
        {"resources": [resource(violations=[violation()], failed=[], passed=[0])]},
        "resources[0].violations",
        "inconsistent",
    ),
    "error of a passed policy": (
        {"resources": [resource(errors=[{"policy": 0, "message": "x"}])]},
        "resources[0].errors",
        "inconsistent",
    ),
    "bytes beyond the index": (
        {"resources": [resource(name="ü" * 200)]},
        "resources[0].name",
        "inconsistent",
    ),
    "deleted in a snapshot": (
        {"deleted": [{"apiVersion": "v1", "kind": "Pod", "namespace": "a", "name": "b"}]},
        "deleted",
        "schema",
    ),
    "there and gone": (
        {
            "kind": "delta",
            "resources": [resource()],
            "deleted": [{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "shop"}],
        },
        "deleted[0]",
        "inconsistent",
    ),
    "unknown word": ({"colour": "red"}, "body", "schema"),
    "number for a name": ({"resources": [resource(name=7)]}, "resources[0].name", "schema"),
    "not an id": ({"id": "seven"}, "id", "schema"),
    "future": ({"scanned_at": (now() + timedelta(hours=25)).isoformat()}, "scanned_at", "bad_time"),
    "ancient": ({"scanned_at": "2014-12-31T23:59:59Z"}, "scanned_at", "bad_time"),
    "first year": ({"scanned_at": "0001-01-01T00:00:00+14:00"}, "scanned_at", "bad_time"),
    "thirty-second of March": ({"scanned_at": "2026-03-32T08:00:00Z"}, "scanned_at", "bad_time"),
    "last year": ({"scanned_at": "9999-12-31T23:59:59-14:00"}, "scanned_at", "bad_time"),
    "without a zone": ({"scanned_at": "2026-03-03T08:00:00.0"}, "scanned_at", "schema"),
    "not a time": ({"scanned_at": "the third of March, noon"}, "scanned_at", "schema"),
}


@pytest.mark.parametrize(("change", "field", "code"), INCONSISTENT.values(), ids=INCONSISTENT)
def test_contradiction_is_unprocessable_and_names_its_field(
    agent: Sender, acme: Organization, change: dict[str, Any], field: str, code: str
) -> None:
    answer = agent.post({**report(scanned_at=at(0)), **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert field in answer.json()["fields"]
    assert stored_count(acme) == 0


def test_too_many_requests_say_when_to_come_back(agent: Sender, settings: Any) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": {"agent": "2/min", "api": "9/min"},
    }
    answers = [agent.status(str(uuid.uuid4())) for _ in range(6)]
    # At most four of six fit into two neighbouring minutes.
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60


def test_other_methods_are_refused_in_the_same_shape(agent: Sender) -> None:
    answer = Client().get("/api/agent/v1/reports", headers={"Authorization": f"Bearer {agent.secret}"})
    assert answer.status_code == 405
    assert answer.json().keys() == {"detail", "code", "fields"}
