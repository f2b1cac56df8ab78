"""Documents of other engines, in the shapes that they publish, against golden files of what is made of them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.manifests.documents import resources_in
from plumbline.reports.engines import EngineReport, NoResultsError, convert, results_of
from plumbline.reports.engines.findings import engine_id, policy_slug, rule_slug
from plumbline.resources import Resource
from plumbline.schemas import validator

FILES = Path(__file__).parent / "engine_reports"
AT = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
ID = "7a1c9a52-0f5e-4b4e-9a44-2f0f5b8f2f10"
DEPLOYMENT = ("apps/v1", "Deployment", "shop", "checkout")
GOLDEN = ["kyverno", "openreports", "trivy", "gatekeeper"]


def documents(name: str) -> list[dict[str, Any]]:
    found = list(resources_in((FILES / f"{name}.yaml").read_text(), name))
    assert all(isinstance(item, Resource) for item in found), found
    return [item.object for item in found]  # type: ignore[union-attr]


def converted(name: str, known: Sequence[tuple[str, str, str, str]] = ()) -> dict[str, EngineReport]:
    reports = convert(results_of(documents(name)), scanned_at=AT, report_id=ID, known=known)
    return {report.engine: report for report in reports}


def shown(report: EngineReport) -> dict[str, Any]:
    policies = [[policy.slug, policy.title, policy.category, policy.severity] for policy in report.policies]
    more = {"exhaustive": report.exhaustive, "folded": [list(item) for item in report.folded]}
    return {"engine": report.engine, "title": report.title, "policies": policies, **more, "body": report.body}


@pytest.mark.parametrize("name", GOLDEN)
def test_documents_of_an_engine_become_the_golden_report(name: str) -> None:
    made = [shown(report) for report in converted(name, [DEPLOYMENT]).values()]
    assert made == orjson.loads((FILES / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_made_follows_the_schema_of_reports(name: str) -> None:
    for report in converted(name).values():
        assert [error.message for error in validator("report-v1").iter_errors(report.body)] == []


def test_a_pod_is_folded_into_its_deployment_once_with_the_worst_verdict() -> None:
    report = converted("kyverno")["kyverno"]
    (deployment,) = report.body["resources"]
    slugs = report.body["policies"]
    assert (deployment["kind"], deployment["name"]) == ("Deployment", "checkout")
    assert [slugs[index] for index in deployment["failed"]] == [
        "kyverno-disallow-host-ports", "kyverno-require-digest", "kyverno-require-labels",
    ]  # fmt: skip
    labels = [v for v in deployment["violations"] if slugs[v["policy"]] == "kyverno-require-labels"]
    assert [(v["rule"], v["place"]) for v in labels] == [("owner-label", "")]
    assert report.folded == [("v1", "Pod", "shop", "checkout-6d88f6dcdd-k6bc5")]


def test_a_pod_whose_owner_is_not_known_stays_what_it_is() -> None:
    pod = documents("kyverno")[1]
    (report,) = convert(results_of([pod]), scanned_at=AT)
    assert [resource["name"] for resource in report.body["resources"]] == ["checkout-6d88f6dcdd-k6bc5"]


@pytest.mark.parametrize(
    ("subject", "owner"),
    [
        (("v1", "Pod", "shop", "store-0"), ("apps/v1", "StatefulSet", "shop", "store")),
        (("v1", "Pod", "shop", "agent-x7k2p"), ("apps/v1", "DaemonSet", "shop", "agent")),
        (("v1", "Pod", "shop", "import-29400000-x7k2p"), ("batch/v1", "CronJob", "shop", "import")),
        (("batch/v1", "Job", "shop", "import-29400000"), ("batch/v1", "CronJob", "shop", "import")),
        (("apps/v1", "ReplicaSet", "shop", "web-6d88f6dcdd"), ("apps/v1", "Deployment", "shop", "web")),
    ],
)
def test_generated_names_lead_to_the_owner_that_is_known(
    subject: tuple[str, str, str, str], owner: tuple[str, str, str, str]
) -> None:
    reference = dict(zip(("apiVersion", "kind", "namespace", "name"), subject, strict=True))
    document = polr([{"policy": "p", "result": "fail", "resources": [reference]}])
    (known,) = convert(results_of([document]), scanned_at=AT, known=[owner])
    (elsewhere,) = convert(results_of([document]), scanned_at=AT, known=[(*owner[:2], "other", owner[3])])
    assert [r["kind"] for r in known.body["resources"]] == [owner[1]]
    assert [r["kind"] for r in elsewhere.body["resources"]] == [subject[1]]


def test_advisories_are_rules_of_one_policy_so_that_they_do_not_flood_the_catalogue() -> None:
    report = converted("trivy")["trivy-vulnerability"]
    assert [(p.slug, p.severity) for p in report.policies] == [("trivy-vulnerability-vulnerabilities", "critical")]
    rules = [(v["rule"], v["place"]) for v in report.body["resources"][0]["violations"]]
    assert rules == [
        ("cve-2026-1111", "app libssl3 Vulnerability Scan"),
        ("cve-2026-2222", "app zlib1g Vulnerability Scan"),
    ]


def test_a_report_that_counts_more_than_it_lists_is_truncated_and_passes_nothing() -> None:
    rows = [{"policy": "p", "result": "pass"}, {"policy": "q", "result": "fail"}]
    document = polr(rows, summary={"pass": 1, "fail": 30})
    (report,) = convert(results_of([document]), scanned_at=AT)
    (resource,) = report.body["resources"]
    assert report.body["truncated"] == {"resources_total": 1 + 29}
    assert (resource["passed"], resource["errored"], resource["failed"]) == ([], [0], [1])


def test_an_audit_that_lists_all_is_exhaustive_and_one_that_was_cut_off_is_not() -> None:
    report = converted("gatekeeper")["gatekeeper"]
    assert report.exhaustive == ["gatekeeper-k8srequiredlabels-ns-must-have-owner"]
    assert report.body["truncated"] == {"resources_total": 2 + 38}


def test_a_constraint_that_was_not_audited_yet_is_named_and_says_nothing() -> None:
    findings = results_of(documents("gatekeeper"))
    assert findings.problems == ["K8sRequiredLabels/not-audited-yet has not been audited yet"]


def test_documents_without_results_are_refused_by_name() -> None:
    with pytest.raises(NoResultsError, match=r"none of the 1 documents is a PolicyReport.*Pod of v1 holds no results"):
        results_of([{"apiVersion": "v1", "kind": "Pod"}])


def test_names_that_differ_only_in_signs_get_ids_of_their_own() -> None:
    names = ("Runs as root", "Runs as root!", "runs-as-root?", "x" * 80, "x" * 81)
    slugs = {policy_slug("trivy", name) for name in names}
    assert len(slugs) == 5
    assert engine_id("Trivy ConfigAudit") == "trivy-config-audit"
    assert engine_id("KyvernoValidatingPolicy") == "kyverno-validating-policy"


def polr(results: Any, **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "wgpolicyk8s.io/v1alpha2",
        "kind": "PolicyReport",
        "metadata": {"name": "r", "namespace": "shop"},
        "results": results,
        **more,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["policy", "rule", "result", "severity", "category", "message", "resources", "properties", "source", "timestamp"]
)


@given(st.lists(st.dictionaries(KEYS, JSON, max_size=6) | JSON, max_size=4), JSON, JSON)
def test_no_document_breaks_the_conversion_or_the_schema(rows: Any, scope: Any, summary: Any) -> None:
    findings = results_of([polr(rows, scope=scope, summary=summary)])
    for report in convert(findings, scanned_at=AT):
        assert [error.message for error in validator("report-v1").iter_errors(report.body)] == []


@given(st.text(), st.text())
def test_every_name_gets_a_usable_id(source: str, name: str) -> None:
    pattern = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
    for made in (policy_slug(engine_id(source), name), rule_slug(name)):
        assert re.fullmatch(pattern, made)
        assert len(made) <= 63
