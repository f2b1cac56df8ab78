"""SARIF logs of scanners: rules as policies, results as violations of files, suppressions as exceptions."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.models import Cluster, Report, Resource
from common.clock import now
from common.errors import PlumblineError, Unprocessable
from compliance.models import Policy, Severity, Violation
from compliance.services.engines.reports import accept_sarif
from compliance.services.turns import process_waiting_reports
from compliance.services.verification import verify_posture
from plumbline.reports.engines import NoResultsError, convert, read_sarif
from plumbline.schemas import validator
from tests.compliance.reports import at

RULES = [
    {
        "id": "DS002",
        "shortDescription": {"text": "Image user should not be root"},
        "properties": {"security-severity": "8.0"},
    },
    {"id": "DS026", "defaultConfiguration": {"level": "note"}, "messageStrings": {"m": {"text": "Add {0} to {1}"}}},
]


def found(rule: str = "DS002", file: str = "Dockerfile", line: int = 3, **more: Any) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": file}, "region": {"startLine": line}}
    return {"ruleId": rule, "message": {"text": "Found."}, "locations": [{"physicalLocation": place}], **more}


def log(*results: dict[str, Any], **run: Any) -> dict[str, Any]:
    driver = {"name": "Trivy", "rules": RULES}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results), **run}]}


def upload(cluster: Cluster, document: dict[str, Any], **more: Any) -> list[Report]:
    outcome = accept_sarif(cluster_id=cluster.pk, body=orjson.dumps(document), **more)
    process_waiting_reports()
    return [Report.objects.get(report_id=receipt.report_id) for _, receipt in outcome.receipts]


def states() -> list[tuple[str, str]]:
    return list(Violation.objects.order_by("id").values_list("resource__name", "status"))


def test_a_result_is_a_violation_of_its_file_at_its_line(cluster: Cluster) -> None:
    (stored,) = upload(cluster, log(found()), context="shop/web", scanned_at=at(0))
    policy, violation = Policy.objects.get(slug="trivy-ds002"), Violation.objects.get()
    assert (stored.status, stored.error) == ("processed", "")
    assert (policy.title, policy.severity, policy.engine) == ("Image user should not be root", Severity.HIGH, "Trivy")
    assert (violation.resource.kind, violation.namespace, violation.resource.name) == ("File", "shop/web", "Dockerfile")
    assert (violation.path, violation.line, violation.message) == ("Dockerfile", 3, "Found.")
    assert verify_posture() == []


def test_a_moved_line_is_the_same_violation(cluster: Cluster) -> None:
    upload(cluster, log(found(line=3)), scanned_at=at(0))
    upload(cluster, log(found(line=9)), scanned_at=at(1))
    assert (Violation.objects.get().line, states()) == (9, [("Dockerfile", "open")])


def test_fingerprints_tell_two_results_of_a_rule_apart(cluster: Cluster) -> None:
    two = [found(partialFingerprints={"primaryLocationLineHash": name}) for name in ("a", "b")]
    upload(cluster, log(*two), scanned_at=at(0))
    upload(cluster, log(two[0]), scanned_at=at(1))
    assert sorted(Violation.objects.values_list("place", "status")) == [("a", "open"), ("b", "resolved")]


def test_what_a_complete_log_does_not_list_is_mended_in_its_context_alone(cluster: Cluster) -> None:
    for number, context in enumerate(("web", "api")):
        upload(cluster, log(found(file=f"{context}/Dockerfile")), context=context, scanned_at=at(number))
    upload(cluster, log(), context="web", scanned_at=at(5))
    assert [status for _, status in states()] == ["open", "open"]
    failed = {"executionSuccessful": False}
    upload(cluster, log(invocations=[failed]), context="web", scanned_at=at(6), is_complete=True)
    assert [status for _, status in states()] == ["open", "open"]
    upload(cluster, log(), context="web", scanned_at=at(7), is_complete=True)
    assert states() == [("web/Dockerfile", "resolved"), ("api/Dockerfile", "open")]
    assert verify_posture() == []


def test_a_suppressed_result_is_excepted_and_opens_when_it_no_longer_is(cluster: Cluster) -> None:
    suppressed = found(suppressions=[{"kind": "inSource"}])
    upload(cluster, log(suppressed), scanned_at=at(0))
    assert list(Violation.objects.values_list("status", "exception")) == [("excepted", "suppressed inSource")]
    upload(cluster, log(found(suppressions=[{"kind": "external", "status": "rejected"}])), scanned_at=at(1))
    assert states() == [("Dockerfile", "open")]
    upload(cluster, log(suppressed), scanned_at=at(2))
    assert states() == [("Dockerfile", "excepted")]
    upload(cluster, log(), scanned_at=at(3), is_complete=True)
    assert states() == [("Dockerfile", "resolved")]
    assert verify_posture() == []


def test_a_result_that_is_absent_since_the_baseline_is_none(cluster: Cluster) -> None:
    upload(cluster, log(found(baselineState="absent"), found("DS026", baselineState="unchanged")), scanned_at=at(0))
    assert [v.policy.slug for v in Violation.objects.select_related("policy")] == ["trivy-ds026"]


@pytest.mark.parametrize(
    ("kind", "verdict"), [("pass", "passed"), ("notApplicable", "skipped"), ("open", "errored"), ("review", "errored")]
)
def test_kinds_of_results_are_verdicts(cluster: Cluster, kind: str, verdict: str) -> None:
    upload(cluster, log(found(kind=kind)), scanned_at=at(0))
    assert len(getattr(Resource.objects.get(), verdict)) == 1


def test_a_message_is_put_together_from_its_rule(cluster: Cluster) -> None:
    upload(cluster, log(found("DS026", message={"id": "m", "arguments": ["HEALTHCHECK", "it"]})), scanned_at=at(0))
    assert Violation.objects.get().message == "Add HEALTHCHECK to it"


@pytest.mark.parametrize("document", [{}, {"version": "2.1.0"}, {"version": "1.0.0", "runs": []}, {"runs": 3}])
def test_what_is_no_log_is_refused(cluster: Cluster, document: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable, match="nothing to take in"):
        upload(cluster, document)
    with pytest.raises(PlumblineError, match="not JSON"):
        accept_sarif(cluster_id=cluster.pk, body=b"{")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["ruleId", "ruleIndex", "kind", "level", "message", "locations", "suppressions", "partialFingerprints", "rule"]
)
PHYSICAL = st.fixed_dictionaries({"artifactLocation": st.fixed_dictionaries({"uri": JSON}), "region": JSON})
LOCATION = st.fixed_dictionaries({"physicalLocation": PHYSICAL})
RESULT = st.dictionaries(KEYS, JSON, max_size=5) | st.fixed_dictionaries({"locations": st.lists(LOCATION, max_size=2)})


@given(st.lists(RESULT | JSON, max_size=4), JSON, st.booleans())
def test_no_log_breaks_the_conversion_or_the_schema(results: Any, rules: Any, is_complete: bool) -> None:
    document = {"version": "2.1.0", "runs": [{"tool": {"driver": {"rules": rules}}, "results": results}]}
    try:
        findings = read_sarif(document, is_complete=is_complete)
    except NoResultsError:
        findings = read_sarif({"version": "2.1.0", "runs": []})
    for report in convert(findings, scanned_at=now()):
        assert [error.message for error in validator("report-v1").iter_errors(report.body)] == []
