"""Suites of gator, run on the engine that evaluates here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from plumbline.dialects.documents import Surroundings, check_schema
from plumbline.dialects.gatekeeper.expectations import Expectation
from plumbline.dialects.gatekeeper.judges import CelJudge, RegoJudge
from plumbline.dialects.gatekeeper.policies import read_policies
from plumbline.dialects.gatekeeper.reviews import admission_input, as_declared, input_of
from plumbline.engines import patterns
from plumbline.inventories import Inventory
from plumbline.judges import Verdict
from plumbline.manifests import LoadError, load
from plumbline.policies import PolicyError
from plumbline.resources import Resource

GROUP = "test.gatekeeper.sh"
_WORDS = {"None": "yes", "True": "yes", "False": "no"}  # `yes` and `no` are booleans in YAML
Outcome = Literal["passed", "failed", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case of a suite; a test that could not be set up has one result without a case. `message` says why it did
    not pass.
    """

    test: str
    case: str
    outcome: Outcome
    engine: str = ""
    message: str = ""


class _CaseError(ValueError):
    """A case that cannot be run."""


def is_suite(document: Resource) -> bool:
    """Whether the document is a suite of gator."""
    return document.group == GROUP and document.kind == "Suite"


def run_suite(file: Path | str) -> list[CaseResult]:
    """Run every case of the suites in a file, whose paths are relative to it. Raises PolicyError when there is none, or
    when one does not fit its schema.
    """
    suites = [document for document in _documents(Path(file)) if is_suite(document)]
    if not suites:
        raise PolicyError(f"holds no {GROUP} Suite", file=str(file))
    results: list[CaseResult] = []
    for suite in suites:
        check_schema(suite, "gatekeeper-suite")
        for test in suite.object.get("tests") or ():
            results.extend(_run_test(test, Path(file).parent, is_skipped=bool(suite.object.get("skip"))))
    return results


def _run_test(test: Mapping[str, Any], directory: Path, *, is_skipped: bool) -> list[CaseResult]:
    name = str(test.get("name") or "")
    cases: Sequence[Mapping[str, Any]] = test.get("cases") or ()
    if is_skipped or test.get("skip"):
        return [CaseResult(name, str(case.get("name") or ""), "skipped") for case in cases]
    try:
        judge = _judge(test, directory)
    except (PolicyError, _CaseError) as error:
        if test.get("invalid") and isinstance(error, PolicyError):
            return [CaseResult(name, "", "passed")]
        return [CaseResult(name, "", "error", message=str(error))]
    if test.get("invalid"):
        return [CaseResult(name, "", "failed", judge.engine, "the constraint is valid, and expected not to be")]
    return [_run_case(name, case, judge, directory) for case in cases]


def _judge(test: Mapping[str, Any], directory: Path) -> RegoJudge | CelJudge:
    if test.get("expansion"):
        raise _CaseError("uses an expansion, which is not supported")
    documents = []
    for key in ("template", "constraint"):
        if not test.get(key):
            raise _CaseError(f"names no {key}")
        documents.extend(_documents(directory / test[key]))
    loaded = read_policies(documents, Surroundings(Inventory()))
    if loaded.problems:
        raise PolicyError(loaded.problems[0].message)
    judges = [policy.judge for policy in loaded.policies if isinstance(policy.judge, RegoJudge | CelJudge)]
    if len(judges) != 1:
        raise _CaseError(f"has {len(judges)} constraints instead of one")
    return judges[0]


def _run_case(test: str, case: Mapping[str, Any], judge: RegoJudge | CelJudge, directory: Path) -> CaseResult:
    name = str(case.get("name") or "")
    if case.get("skip"):
        return CaseResult(test, name, "skipped")
    try:
        expectations = _expectations(case)
        verdicts = _verdicts(case, judge, directory)
    except _CaseError as error:
        return CaseResult(test, name, "error", judge.engine, str(error))
    errors = [verdict.message for verdict in verdicts if verdict.status == "error"]
    if errors:
        return CaseResult(test, name, "error", judge.engine, errors[0])
    reasons = [reason for item in expectations if (reason := item.failure(verdicts)) is not None]
    return CaseResult(test, name, "failed" if reasons else "passed", judge.engine, "; ".join(reasons))


def _expectations(case: Mapping[str, Any]) -> list[Expectation]:
    found = []
    for item in case.get("assertions") or ():
        message = item.get("message")
        try:
            patterns.check(message or "")
        except patterns.PatternError as error:
            raise _CaseError(f"the message {error}") from error
        violations = item.get("violations")
        found.append(Expectation(_WORDS.get(str(violations), violations), message))
    if not found:
        raise _CaseError("has no assertions")
    return found


def _verdicts(case: Mapping[str, Any], judge: RegoJudge | CelJudge, directory: Path) -> Sequence[Verdict]:
    if not case.get("object"):
        raise _CaseError("names no object")
    objects = _documents(directory / case["object"])
    if len(objects) != 1:
        raise _CaseError(f"{case['object']} holds {len(objects)} objects instead of one")
    others = [item for file in case.get("inventory") or () for item in _documents(directory / file)]
    inventory = Inventory(others)
    if objects[0].kind == "AdmissionReview" and objects[0].group == "admission.k8s.io":
        return _requested(objects[0], judge, inventory)
    review = as_declared(objects[0], inventory)
    decided = judge.decide(review)
    if decided is not True:
        return decided or []
    if isinstance(judge, RegoJudge):
        return judge.review(input_of(review), review.object, inventory)
    return judge.verdicts(objects[0], review, inventory)


def _requested(document: Resource, judge: RegoJudge | CelJudge, inventory: Inventory) -> Sequence[Verdict]:
    """What is said of the request in an AdmissionReview, about its object or the one that there was."""
    request = document.object.get("request")
    if not isinstance(request, dict):
        raise _CaseError("the AdmissionReview has no request")
    objects = [item for item in (request.get("object"), request.get("oldObject")) if isinstance(item, dict)]
    if not objects:
        raise _CaseError("the request has neither object nor oldObject")
    reviews = [as_declared(Resource(item), inventory) for item in objects]
    decisions = [judge.decide(review) for review in reviews]
    if True not in decisions:
        return next((item for item in decisions if isinstance(item, list)), [])
    if isinstance(judge, RegoJudge):
        return judge.review(admission_input(request), objects[0], inventory)
    is_deleted = request.get("operation") == "DELETE"
    old = request.get("oldObject")
    return judge.review(
        {
            **reviews[0].vocabulary,
            "object": None if is_deleted else request.get("object"),
            "oldObject": old if isinstance(old, dict) else None,
            "request": request,
        }
    )


def _documents(file: Path) -> list[Resource]:
    """The objects in a file. Raises _CaseError when it cannot be read."""
    if not file.is_file():
        raise _CaseError(f"there is no file {file}")
    documents = []
    for item in load([file]):
        if isinstance(item, LoadError):
            raise _CaseError(f"{item.file}:{item.line or 1}: {item.message}")
        documents.append(item)
    return documents
