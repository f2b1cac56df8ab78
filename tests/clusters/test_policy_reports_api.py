"""The agents' API for other engines' documents: what is accepted, what is refused, and in which words."""

import gzip
import uuid
from pathlib import Path

import orjson
import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from pytest_django.live_server_helper import LiveServer

from clusters.models import IntakeDay, Report
from compliance.models import Violation
from compliance.services.turns import process_waiting_reports
from organizations.models import Organization
from organizations.scope import organization_scope
from plumbline.cli import main
from tests.clusters.conftest import Sender
from tests.compliance.engines import constraint, polr, result

URL = "/api/agent/v1/policy-reports"
YAML = b"""\
apiVersion: openreports.io/v1alpha1
kind: Report
metadata: {name: r, namespace: shop}
source: kyverno
results:
- {policy: labels, result: fail, resources: [{apiVersion: v1, kind: Service, name: web}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: beside}
"""


def post(agent: Sender, body: bytes, query: str = "", **headers: str) -> HttpResponse:
    headers = {"Authorization": f"Bearer {agent.secret}", **headers}
    return Client().post(f"{URL}{query}", data=body, content_type="application/yaml", headers=headers)


def test_documents_in_yaml_are_accepted_with_a_receipt_for_each_engine(agent: Sender, acme: Organization) -> None:
    answer = post(agent, YAML)
    body = answer.json()
    assert answer.status_code == 202, body
    (receipt,) = body["reports"]
    assert (receipt["engine"], receipt["status"]) == ("kyverno", "accepted")
    assert (receipt["resource_count"], receipt["result_count"], receipt["missing_count"]) == (1, 1, 0)
    assert body["ignored"] == ["ConfigMap of v1 holds no results"]
    assert agent.status(receipt["report_id"]).json()["status"] == "accepted"
    with organization_scope(acme.pk):
        assert Report.objects.get().source == "kyverno"


def test_the_same_body_under_the_same_key_gets_the_first_receipts_and_another_body_a_conflict(agent: Sender) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = orjson.dumps(polr(result()))
    first, second = post(agent, body, **key), post(agent, gzip.compress(body), **key, **{"Content-Encoding": "gzip"})
    assert (second.status_code, second.json()) == (202, first.json())
    assert post(agent, orjson.dumps(polr(result("two"))), **key).json()["code"] == "report_id_reused"


@pytest.mark.parametrize(
    ("body", "query", "status", "code"),
    [
        (b"\n", "", 422, "no_results"),
        (b"\xff\xfe\xfa", "", 400, "malformed_documents"),
        (b"a: [", "", 422, "malformed_documents"),
        (b"- 1\n", "", 422, "malformed_documents"),
        (b"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n", "", 422, "no_results"),
        (b"a: &a [1]\nb: " + b"[*a, " * 300, "", 422, "malformed_documents"),
        (YAML, "?scanned_at=yesterday", 400, "bad_time"),
        (YAML, "?scanned_at=2040-01-01T00:00:00Z", 422, "bad_time"),
        (YAML, "?complete=perhaps", 400, "invalid"),
    ],
)
def test_a_refusal_says_what_to_mend_and_keeps_nothing(
    agent: Sender, acme: Organization, body: bytes, query: str, status: int, code: str
) -> None:
    answer = post(agent, body, query)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.json()
    assert set(answer.json()) == {"detail", "code", "fields"}
    with organization_scope(acme.pk):
        assert Report.objects.count() == 0
        assert IntakeDay.objects.get().outcome == code


def test_a_bad_line_is_named(agent: Sender) -> None:
    answer = post(agent, b"apiVersion: v1\nkind: [\n")
    assert next(iter(answer.json()["fields"])).startswith("line ")


def test_a_key_that_is_no_uuid_is_refused(agent: Sender) -> None:
    answer = post(agent, YAML, **{"Idempotency-Key": "1"})
    assert answer.json()["fields"] == {"Idempotency-Key": "A UUID of your choice."}


def test_a_body_over_the_limit_is_refused(agent: Sender) -> None:
    with override_settings(RESULTS_MAX_EXPANDED_BYTES=100):
        assert post(agent, YAML).json()["code"] == "expanded_too_large"


def test_a_constraint_that_was_cut_off_says_how_much_is_missing(agent: Sender) -> None:
    (receipt,) = post(agent, orjson.dumps(constraint("a", total=24763))).json()["reports"]
    assert (receipt["engine"], receipt["missing_count"]) == ("gatekeeper", 24762)


SARIF = "/api/agent/v1/sarif"


def sarif(agent: Sender, document: object, query: str = "") -> HttpResponse:
    return Client().post(
        f"{SARIF}{query}",
        data=orjson.dumps(document),
        content_type="application/sarif+json",
        headers={"Authorization": f"Bearer {agent.secret}"},
    )


def test_a_sarif_log_is_accepted_with_a_receipt(agent: Sender) -> None:
    run = {"tool": {"driver": {"name": "Trivy"}}, "results": [{"ruleId": "A", "message": {"text": "x"}}]}
    answer = sarif(agent, {"version": "2.1.0", "runs": [run]}, "?context=shop/web&complete=true")
    assert answer.status_code == 202, answer.json()
    assert [(r["engine"], r["result_count"]) for r in answer.json()["reports"]] == [("trivy", 1)]


@pytest.mark.parametrize(
    ("document", "query", "status", "code"),
    [
        ({"version": "2.0.0", "runs": []}, "", 422, "no_results"),
        ({"runs": [], "x": "\x00"}, "", 400, "malformed_json"),
        ([], "", 400, "malformed_json"),
        ({"version": "2.1.0", "runs": []}, "?context=" + "x" * 300, 400, "invalid"),
    ],
)
def test_a_sarif_log_that_is_none_is_refused(
    agent: Sender, document: object, query: str, status: int, code: str
) -> None:
    answer = sarif(agent, document, query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.django_db(transaction=True)
def test_the_command_reports_to_a_server_that_takes_it_in(
    live_server: LiveServer, agent: Sender, acme: Organization, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(__file__).parents[1] / "plumbline" / "engine_reports" / "kyverno.yaml"
    assert main(["report", str(file), "--report-to", live_server.url, "--token", agent.secret]) == 0
    assert "reported results of kyverno on 1 object as" in capsys.readouterr().err
    with organization_scope(acme.pk):
        process_waiting_reports()
        found = Violation.objects.values_list("policy__slug", "resource__kind", "resource__name")
        assert sorted(found) == [
            ("kyverno-disallow-host-ports", "Deployment", "checkout"),
            ("kyverno-require-digest", "Deployment", "checkout"),
            ("kyverno-require-labels", "Deployment", "checkout"),
        ]
