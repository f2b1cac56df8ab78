"""Violations that somebody answers for are skips until a day; nobody excepts himself."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.evaluation import Evaluator
from plumbline.exceptions import ExceptionSet, PolicyException
from plumbline.exceptions.loading import load_exceptions
from plumbline.inventories import Inventory
from plumbline.judges import Verdict
from plumbline.policies import Policy
from plumbline.reports import build_report
from plumbline.resources import Resource
from plumbline.results import Outcome, Result
from plumbline.scanning import scan
from plumbline.scopes import Scopes, TeamSpaces
from tests.plumbline.declared import by_id, exception_document, write
from tests.plumbline.objects import PRIVILEGED, deployment, policy

NO_ROOT = policy()
PRIVILEGED_WEB = [{"name": "web", "image": "web:1", "securityContext": {"privileged": True}}]
VIOLATING = deployment(containers=PRIVILEGED_WEB)
ALWAYS = {"name": "always", "expression": "false", "path": "kind", "message": "never right"}


def loaded(tmp_path: Path, *documents: dict[str, Any], policies: tuple[Policy, ...] = (NO_ROOT,)) -> Any:
    return load_exceptions([write(tmp_path / "exceptions.yaml", *documents)], by_id(*policies))


def exceptions(
    tmp_path: Path, *documents: dict[str, Any], policies: tuple[Policy, ...] = (NO_ROOT,)
) -> list[PolicyException]:
    found, problems = loaded(tmp_path, *documents, policies=policies)
    assert problems == []
    return list(found)


def outcome_of(
    tmp_path: Path, match: dict[str, Any], obj: dict[str, Any] = VIOLATING, scopes: Scopes | None = None
) -> Outcome:
    given_ = exceptions(tmp_path, exception_document(match=match))
    return Evaluator([NO_ROOT], exceptions=given_, scopes=scopes).judge(Resource(obj))


def standing_of(evaluator: Evaluator, *results: Result) -> Any:
    (standing,) = evaluator.exceptions.standings(Counter(result.exception for result in results))
    return standing


def test_an_excepted_violation_is_a_skip_that_names_its_exception(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, {"namespaces": ["shop"]})
    (result,) = outcome.results
    assert (outcome.failed, outcome.skipped) == (0, 1)
    assert (result.status, result.exception) == ("skip", "checkout-debugging")
    assert result.message == (
        "excepted by checkout-debugging until 2027-03-31: Debugging the checkout (Container web runs privileged)"
    )
    assert result.path == "spec.template.spec.containers[0].securityContext.privileged"
    assert result.found is True
    assert result.fix is None


def test_passes_stay_passes(tmp_path: Path) -> None:
    given_ = exceptions(tmp_path, exception_document())
    results = Evaluator([NO_ROOT], exceptions=given_).evaluate(Resource(deployment()))
    assert [(result.status, result.exception) for result in results] == [("pass", None)]


def test_an_exception_hides_no_error(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, {"namespaces": ["shop"]}, deployment(containers="none"))
    assert [result.status for result in outcome.results] == ["error"]
    assert (outcome.errored, outcome.skipped) == (1, 0)


@pytest.mark.parametrize(
    "match",
    [
        {"namespaces": ["shop"]},
        {"namespaces": ["sh*"]},
        {"clusters": ["*"]},
        {"clusters": ["eu-?"], "environments": ["production"]},
        {"teams": ["payments"]},
        {"namespaceSelector": {"matchLabels": {"tier": "front"}}},
        {"namespaceSelector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["back"]}]}},
        {"namespaces": ["shop"], "kinds": ["workloads"], "names": ["checkout"]},
        {"namespaces": ["shop"], "kinds": ["apps/Deployment"], "names": ["check*"]},
    ],
)
def test_every_field_can_match(tmp_path: Path, match: dict[str, Any]) -> None:
    scopes = Scopes("eu-1", "production", (TeamSpaces("payments", ("shop",)),), {"shop": {"tier": "front"}})
    assert outcome_of(tmp_path, match, scopes=scopes).failed == 0


@pytest.mark.parametrize(
    "match",
    [
        {"namespaces": ["shops"]},
        {"clusters": ["us-1"]},
        {"environments": ["staging"]},
        {"teams": ["platform"]},
        {"namespaceSelector": {"matchLabels": {"tier": "back"}}},
        {"namespaces": ["shop"], "kinds": ["DaemonSet"]},
        {"namespaces": ["shop"], "names": ["other"]},
        {"namespaces": ["shop"], "clusters": ["us-1"]},
    ],
)
def test_every_field_must_match(tmp_path: Path, match: dict[str, Any]) -> None:
    scopes = Scopes("eu-1", "production", (TeamSpaces("payments", ("shop",)),), {"shop": {"tier": "front"}})
    assert outcome_of(tmp_path, match, scopes=scopes).failed == 1


@pytest.mark.parametrize("match", [{"clusters": ["eu-*"]}, {"environments": ["production"]}, {"teams": ["*"]}])
def test_what_is_unknown_matches_no_name(tmp_path: Path, match: dict[str, Any]) -> None:
    assert outcome_of(tmp_path, match).failed == 1


def test_an_object_without_a_namespace_is_in_none_that_is_named(tmp_path: Path) -> None:
    homeless = {**VIOLATING, "metadata": {"name": "checkout"}}
    assert outcome_of(tmp_path, {"namespaces": ["*", "default"]}, homeless).failed == 1


def test_labels_of_a_namespace_that_nobody_named_are_not_absent_labels(tmp_path: Path) -> None:
    match = {"namespaceSelector": {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}}
    assert outcome_of(tmp_path, match, scopes=Scopes(namespaces={"other": {}})).failed == 1
    assert outcome_of(tmp_path, match, scopes=Scopes(namespaces={"shop": {}})).failed == 0


# Nobody excepts himself.


LABELS = st.dictionaries(
    st.sampled_from(["team", "tier", "plumbline.dev/exception", "kubernetes.io/metadata.name", "owner", "cluster"]),
    st.sampled_from(["payments", "front", "checkout-debugging", "shop", "true"]),
)


@given(labels=LABELS, annotations=LABELS)
@settings(deadline=None, max_examples=50)
def test_labels_and_annotations_of_a_manifest_never_change_a_verdict(
    tmp_path_factory: pytest.TempPathFactory, labels: dict[str, str], annotations: dict[str, str]
) -> None:
    given_ = exceptions(
        tmp_path_factory.mktemp("labels"),
        exception_document("by-team", match={"teams": ["payments"]}),
        exception_document("by-labels", match={"namespaceSelector": {"matchLabels": {"tier": "front"}}}),
        exception_document("by-name", match={"namespaces": ["shop"], "names": ["other"]}),
    )
    scopes = Scopes(teams=(TeamSpaces("payments", ("pay",)),), namespaces={"pay": {"tier": "front"}, "out": {}})
    metadata = {"name": "checkout", "namespace": "out", "labels": labels, "annotations": annotations}
    evaluator = Evaluator([NO_ROOT], exceptions=given_, scopes=scopes)
    outcome = evaluator.judge(Resource({**VIOLATING, "metadata": metadata}))
    assert (outcome.failed, outcome.skipped) == (1, 0)


def test_a_namespace_among_the_manifests_lends_no_labels(tmp_path: Path) -> None:
    given_ = exceptions(
        tmp_path, exception_document(match={"namespaceSelector": {"matchLabels": {"tier": "front"}}})
    )
    mine = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"tier": "front"}}}
    file = write(tmp_path / "manifests" / "all.yaml", mine, VIOLATING)
    found = scan([file], Evaluator([NO_ROOT], exceptions=given_, scopes=Scopes(namespaces={"other": {}})))
    assert found.failed == 1


def test_an_exception_among_the_manifests_is_not_applied_and_said_to_be_there(tmp_path: Path) -> None:
    file = write(tmp_path / "manifests" / "all.yaml", VIOLATING, exception_document("mine"))
    found = scan([file], Evaluator([NO_ROOT]))
    assert found.failed == 1
    (standing,) = found.exceptions
    assert (standing.name, standing.state, standing.results) == ("mine", "ignored", 0)
    assert standing.line is not None
    assert "apiVersion: plumbline.dev/v1" in file.read_text().splitlines()[standing.line - 1]


@pytest.mark.parametrize("name", ["selector", "labelSelector", "matchLabels"])
def test_a_selector_over_the_objects_own_labels_is_refused(tmp_path: Path, name: str) -> None:
    match = {"namespaces": ["shop"], name: {"matchLabels": {"team": "payments"}}}
    found, (problem,) = loaded(tmp_path, exception_document(match=match))
    assert found == []
    assert f"spec.match.{name}: labels of an object are written by its author" in problem.message


def test_names_that_nothing_bounds_are_those_of_objects_outside_namespaces(tmp_path: Path) -> None:
    match = {"clusters": ["*"], "kinds": ["*"], "names": ["checkout"]}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "checkout"}}
    always = policy(ALWAYS, match={"kinds": ["*"]})
    evaluator = Evaluator([always], exceptions=exceptions(tmp_path, exception_document(match=match)))
    assert evaluator.judge(Resource(role)).failed == 0
    assert evaluator.judge(Resource(VIOLATING)).failed == 1


def test_a_namespace_written_into_an_object_outside_namespaces_is_none(tmp_path: Path) -> None:
    metadata = {"name": "checkout", "namespace": "shop"}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata}
    always = policy(ALWAYS, match={"kinds": ["*"]})
    evaluator = Evaluator([always], exceptions=exceptions(tmp_path, exception_document()))
    assert evaluator.judge(Resource(role)).failed == 1


def test_nobody_approves_his_own_exception(tmp_path: Path) -> None:
    _, (problem,) = loaded(tmp_path, exception_document(owner="Sam@acme.example", approvedBy="sam@acme.example "))
    assert "spec.approvedBy: an exception is approved by somebody other than its owner" in problem.message


# What an exception reaches.


def test_only_the_rules_that_are_named_are_excepted(tmp_path: Path) -> None:
    both = policy(PRIVILEGED, ALWAYS)
    given_ = exceptions(tmp_path, exception_document(rules=["privileged"]), policies=(both,))
    outcome = Evaluator([both], exceptions=given_).judge(Resource(VIOLATING))
    assert sorted((result.rule, result.status) for result in outcome.results) == [
        ("always", "fail"),
        ("privileged", "skip"),
    ]


def test_a_pattern_means_every_policy_that_it_matches(tmp_path: Path) -> None:
    policies = (policy(name="no-root"), policy(name="no-tools"), policy(name="other"))
    given_ = exceptions(tmp_path, exception_document(policies=["no-*"]), policies=policies)
    outcome = Evaluator(policies, exceptions=given_).judge(Resource(VIOLATING))
    assert sorted((result.policy, result.status) for result in outcome.results) == [
        ("no-root", "skip"),
        ("no-tools", "skip"),
        ("other", "fail"),
    ]


def test_the_most_specific_exception_is_named(tmp_path: Path) -> None:
    given_ = exceptions(
        tmp_path,
        exception_document("a-cluster", match={"clusters": ["*"]}),
        exception_document("b-name", match={"namespaces": ["shop"], "names": ["checkout"]}),
        exception_document("c-namespace", match={"namespaces": ["shop"]}),
    )
    (result,) = Evaluator([NO_ROOT], exceptions=given_).judge(Resource(VIOLATING)).results
    assert result.exception == "b-name"


def test_policies_that_look_at_several_objects_are_excepted_too(tmp_path: Path) -> None:
    lonely = policy(
        {**ALWAYS, "expression": "size(related.quotas) > 0"},
        related=[{"name": "quotas", "kinds": ["ResourceQuota"]}],
    )
    evaluator = Evaluator([lonely], exceptions=exceptions(tmp_path, exception_document(), policies=(lonely,)))
    assert [result.status for result in evaluator.judge(Resource(VIOLATING)).results] == ["skip"]


class Refusing:
    """A judge of another format that refuses everything."""

    engine = "none"
    needs_inventory = False

    def judge(self, resource: Resource, inventory: Inventory, params: dict[str, Any]) -> list[Verdict]:
        return [Verdict("one", "fail", "no"), Verdict("two", "error", "unknown"), Verdict("three", "pass", "")]


def test_policies_of_other_formats_are_excepted_too(tmp_path: Path) -> None:
    foreign = Policy("foreign", "t", "imported", "high", "w", "g", NO_ROOT.match, (), judge=Refusing())
    given_ = exceptions(tmp_path, exception_document(policies=["foreign"], rules=["one"]), policies=(foreign,))
    outcome = Evaluator([foreign], exceptions=given_).judge(Resource(VIOLATING))
    assert [(result.rule, result.status) for result in outcome.results] == [("one", "skip"), ("two", "error")]
    assert (outcome.passed, outcome.failed, outcome.errored, outcome.skipped) == (1, 0, 1, 1)


# What became of them.


def test_a_used_exception_counts_what_it_excepted(tmp_path: Path) -> None:
    evaluator = Evaluator([NO_ROOT], exceptions=exceptions(tmp_path, exception_document()))
    found = scan([write(tmp_path / "manifests" / "all.yaml", VIOLATING, VIOLATING)], evaluator)
    (standing,) = found.exceptions
    assert (standing.state, standing.results) == ("used", 2)
    assert not found.violates("low")


def test_an_exception_that_excepts_nothing_is_unused(tmp_path: Path) -> None:
    evaluator = Evaluator([NO_ROOT], exceptions=exceptions(tmp_path, exception_document()))
    found = scan([write(tmp_path / "manifests" / "all.yaml", deployment())], evaluator)
    assert [standing.state for standing in found.exceptions] == ["unused"]


def test_an_expired_exception_is_not_applied(tmp_path: Path) -> None:
    evaluator = Evaluator(
        [NO_ROOT], exceptions=exceptions(tmp_path, exception_document(expiresAt="2020-01-01T00:00:00Z"))
    )
    outcome = evaluator.judge(Resource(VIOLATING))
    assert outcome.failed == 1
    assert standing_of(evaluator, *outcome.results).state == "expired"


def test_an_exception_expires_while_an_evaluator_lives(tmp_path: Path) -> None:
    now = datetime(2027, 3, 31, 23, 59, 59, tzinfo=UTC)
    evaluator = Evaluator([NO_ROOT], exceptions=exceptions(tmp_path, exception_document()))
    evaluator.exceptions = ExceptionSet(evaluator.exceptions.exceptions, (NO_ROOT,), Scopes(), lambda: now)
    assert evaluator.judge(Resource(VIOLATING)).failed == 0
    now = datetime(2027, 4, 1, tzinfo=UTC)
    assert evaluator.judge(Resource(VIOLATING)).failed == 1


def test_an_exception_that_nobody_approved_is_only_requested(tmp_path: Path) -> None:
    evaluator = Evaluator([NO_ROOT], exceptions=exceptions(tmp_path, exception_document(approvedBy=None)))
    outcome = evaluator.judge(Resource(VIOLATING))
    assert outcome.failed == 1
    assert standing_of(evaluator, *outcome.results).state == "requested"


@pytest.mark.parametrize(
    ("match", "scopes", "words"),
    [
        ({"clusters": ["eu-1"]}, Scopes("us-1"), "is for the cluster eu-1, not us-1"),
        ({"clusters": ["eu-1"]}, Scopes(), "is for the cluster eu-1, and none was named"),
        ({"environments": ["staging"]}, Scopes("", "production"), "is for the environment staging, not production"),
        ({"teams": ["payments"]}, Scopes(), "no team payments is known to own namespaces"),
        ({"namespaceSelector": {"matchLabels": {"a": "b"}}}, Scopes(), "no Namespaces were given"),
    ],
)
def test_an_exception_for_another_place_is_not_called_unused(
    tmp_path: Path, match: dict[str, Any], scopes: Scopes, words: str
) -> None:
    evaluator = Evaluator([NO_ROOT], exceptions=exceptions(tmp_path, exception_document(match=match)), scopes=scopes)
    standing = standing_of(evaluator)
    assert standing.state == "elsewhere"
    assert words in standing.detail


def test_an_exception_of_policies_that_were_not_evaluated_is_not_called_unused(tmp_path: Path) -> None:
    evaluator = Evaluator([policy(name="other")], exceptions=exceptions(tmp_path, exception_document()))
    assert standing_of(evaluator).state == "elsewhere"


# Reports.


def test_a_report_lists_what_is_not_excepted(tmp_path: Path) -> None:
    both = policy(PRIVILEGED, ALWAYS)
    given_ = exceptions(tmp_path, exception_document(rules=["privileged"]), policies=(both,))
    file = write(tmp_path / "manifests" / "all.yaml", VIOLATING)
    report = build_report(
        scan([file], Evaluator([both], exceptions=given_), keep=True), scanned_at=datetime(2026, 11, 25, tzinfo=UTC)
    )
    (resource,) = report["resources"]
    assert (resource["failed"], resource["skipped"]) == ([0], [])
    assert [violation["rule"] for violation in resource["violations"]] == ["always"]


def test_a_report_counts_an_excepted_policy_as_skipped(tmp_path: Path) -> None:
    evaluator = Evaluator([NO_ROOT], exceptions=exceptions(tmp_path, exception_document()))
    found = scan([write(tmp_path / "manifests" / "all.yaml", VIOLATING)], evaluator, keep=True)
    (resource,) = build_report(found, scanned_at=datetime(2026, 11, 25, tzinfo=UTC))["resources"]
    assert (resource["passed"], resource["failed"], resource["skipped"]) == ([], [], [0])
    assert resource["violations"] == []
