"""Suites of gator."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.dialects.gatekeeper.suites import run_suite
from plumbline.policies import PolicyError
from tests.plumbline.dialects.directories import write
from tests.plumbline.dialects.test_gatekeeper import POD, constraint, template

GOOD = {**POD, "spec": {"containers": [{"name": "a", "image": "good/a"}]}}


def suite(*cases: dict[str, Any], **test: Any) -> dict[str, Any]:
    return {
        "apiVersion": "test.gatekeeper.sh/v1alpha1",
        "kind": "Suite",
        "tests": [{"name": "t", "template": "t.yaml", "constraint": "c.yaml", "cases": list(cases), **test}],
    }


def case(obj: str, **assertion: Any) -> dict[str, Any]:
    return {"name": obj, "object": f"{obj}.yaml", "assertions": [assertion]}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name, document in {"t": template(), "c": constraint(), "bad": POD, "good": GOOD}.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(document))
    return tmp_path


def outcomes(directory: Path, document: dict[str, Any]) -> list[tuple[str, str]]:
    file = directory / "suite.yaml"
    file.write_text(yaml.safe_dump(document))
    return [(result.outcome, result.message) for result in run_suite(file)]


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (case("bad", violations="yes"), "passed"),
        (case("bad", violations=True), "passed"),
        (case("bad", violations=1, message="b uses bad"), "passed"),
        (case("bad"), "passed"),
        (case("bad", violations=2), "failed"),
        (case("bad", violations="yes", message="^nothing like it$"), "failed"),
        (case("bad", violations="no"), "failed"),
        (case("good", violations="no"), "passed"),
        (case("good", violations=0), "passed"),
        (case("good", violations="yes"), "failed"),
        (case("absent", violations="no"), "error"),
        (case("bad", message="("), "error"),
        ({"name": "x", "object": "bad.yaml"}, "error"),
        ({"name": "x", "assertions": [{"violations": "no"}]}, "error"),
        ({**case("bad", violations="no"), "skip": True}, "skipped"),
    ],
)
def test_cases_end_as_in_gator(directory: Path, given: dict[str, Any], outcome: str) -> None:
    assert [found for found, _ in outcomes(directory, suite(given))] == [outcome]


def test_failure_says_what_was_found(directory: Path) -> None:
    ((_, message),) = outcomes(directory, suite(case("bad", violations=2)))
    assert message == "expected 2 violations, found 1; all messages: ['container b uses bad/b']"


def test_request_of_an_admission_review_is_judged(directory: Path) -> None:
    request = {
        "uid": "1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "operation": "DELETE",
        "name": "web",
        "namespace": "shop",
        "object": None,
        "oldObject": POD,
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    write(directory, review, name="review.yaml")
    assert outcomes(directory, suite(case("review", violations=1))) == [("passed", "")]


def test_constraint_that_is_to_be_invalid(directory: Path) -> None:
    write(directory, constraint(parameters={"prefixes": 3}), name="c.yaml")
    assert outcomes(directory, suite(invalid=True)) == [("passed", "")]
    ((outcome, message),) = outcomes(directory, suite(case("bad")))
    assert outcome == "error"
    assert "spec.parameters.prefixes" in message


def test_file_without_a_suite_is_refused(directory: Path) -> None:
    with pytest.raises(PolicyError, match=r"holds no test\.gatekeeper\.sh Suite"):
        run_suite(directory / "bad.yaml")
