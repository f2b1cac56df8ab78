"""A policy's own tests, run on the engine that evaluates it here, as the files beside it say them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from plumbline.dialects.gatekeeper.suites import CaseResult, is_suite, run_suite
from plumbline.manifests import LoadError
from plumbline.policies import PolicyError
from plumbline.testing.cases import Case, load_cases
from plumbline.testing.running import run_cases

from .matching import ReadPolicy
from .outcomes import DocumentOutcome
from .reading import Document, PolicyFile, Reading

MAX_CASES = 1000
MAX_FAILED_SHOWN = 50
_SUITE_FILES = ("template", "constraint")
_CASE_FILES = ("object", "inventory")


def tried(policies: Sequence[ReadPolicy], reading: Reading) -> tuple[list[ReadPolicy], list[DocumentOutcome]]:
    """The policies with the results of the tests that came with them, and what became of the files of tests."""
    outcomes: list[DocumentOutcome] = []
    found: dict[str, list[dict[str, Any]]] = {}
    for file in reading.tests:
        for name, result in _plumbline(file, policies, outcomes):
            found.setdefault(name, []).append(result)
    suites: dict[str, list[Document]] = {}
    for document in reading.documents:
        if is_suite(document.resource):
            suites.setdefault(document.file, []).append(document)
    for documents in suites.values():
        for name, result in _gator(documents, policies, reading, outcomes):
            found.setdefault(name, []).append(result)
    with_tests = [
        replace(read, tests=_together(read.engine, found[read.policy.id])) if read.policy.id in found else read
        for read in policies
    ]
    return with_tests, outcomes


def _together(engine: str, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    failed = [failure for result in results for failure in result["failed"]]
    return {
        "engine": engine,
        "file": ", ".join(result["file"] for result in results),
        "passed": sum(result["passed"] for result in results),
        "failed_count": len(failed),
        "failed": failed[:MAX_FAILED_SHOWN],
    }


def _plumbline(
    file: PolicyFile, policies: Sequence[ReadPolicy], outcomes: list[DocumentOutcome]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Results of a `tests.yaml` per policy id."""
    cases, broken = _cases(file)
    outcomes += [_refused_tests(file, error.line, error.message) for error in broken]
    if len(cases) > MAX_CASES:
        outcomes.append(_refused_tests(file, None, f"holds more than {MAX_CASES} cases"))
        return
    by_id = {read.policy.id: read for read in policies}
    beside = [read for read in policies if _folder(read.document.file) == _folder(file.name)] or list(policies)
    sorted_out: dict[str, list[Case]] = {}
    for case in cases:
        name = case.policy or (beside[0].policy.id if len(beside) == 1 else "")
        if name in by_id:
            sorted_out.setdefault(name, []).append(case)
        else:
            what = f"there is no policy {name} in this import" if name else "it must say which `policy` it tests"
            outcomes.append(_refused_tests(file, case.line, f"case “{case.name}”: {what}"))
    if sorted_out:
        outcomes.append(DocumentOutcome(file.name, None, "attached", kind="tests", policies=tuple(sorted_out)))
    for name, own in sorted_out.items():
        run = run_cases(by_id[name].policy, own, file.name)
        failed = [{"name": r.case.name, "differences": r.differences} for r in run.cases if r.differences]
        yield name, {"file": file.name, "passed": run.passed, "failed": failed}


def _refused_tests(file: PolicyFile, line: int | None, reason: str) -> DocumentOutcome:
    return DocumentOutcome(file.name, line, "refused", kind="tests", reason=reason)


def _cases(file: PolicyFile) -> tuple[list[Case], list[LoadError]]:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "tests.yaml"
        path.write_bytes(file.content)
        return load_cases(path)


def _folder(name: str) -> PurePosixPath:
    return PurePosixPath(name).parent


def _gator(
    suites: Sequence[Document], policies: Sequence[ReadPolicy], reading: Reading, outcomes: list[DocumentOutcome]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Results of a file of gator Suites per policy id. Their files are looked for in this import and nowhere else."""
    first = suites[0]
    declared = [suite.resource.object.get("tests") for suite in suites]
    tests = [test for each in declared if isinstance(each, list) for test in each if isinstance(test, dict)]
    missing = sorted(_named(tests, first.file) - {file.name for file in reading.files})
    if missing:
        outcomes.append(_refused(first, f"names files that are not in this import: {', '.join(missing[:5])}"))
        return
    try:
        results = _run(first.file, reading)
    except PolicyError as error:
        outcomes.append(_refused(first, error.message))
        return
    tested = []
    for test in tests:
        file = _beside(first.file, str(test.get("constraint") or ""))
        own = [result for result in results if result.test == str(test.get("name") or "")]
        for read in policies:
            if read.document.file == file and own:
                tested.append(read.policy.id)
                yield read.policy.id, _summary(first.file, own)
    if tested:
        outcomes.append(replace(_refused(first, ""), outcome="attached", policies=tuple(dict.fromkeys(tested))))


def _summary(file: str, results: Sequence[CaseResult]) -> dict[str, Any]:
    failed = [
        {"name": f"{result.test}: {result.case}", "differences": [result.message]}
        for result in results
        if result.outcome in ("failed", "error")
    ]
    return {"file": file, "passed": sum(result.outcome == "passed" for result in results), "failed": failed}


def _named(tests: Sequence[Mapping[str, Any]], suite: str) -> set[str]:
    """Every file that a suite would open."""
    names: list[Any] = [test.get(key) for test in tests for key in _SUITE_FILES]
    for test in tests:
        cases = test.get("cases")
        for case in cases if isinstance(cases, list) else ():
            for key in _CASE_FILES:
                value = case.get(key) if isinstance(case, dict) else None
                names += value if isinstance(value, list) else [value]
    return {_beside(suite, str(name)) for name in names if name}


def _beside(suite: str, name: str) -> str:
    """The upload's name of a file that a suite names; one that leads out of the upload stays unknown."""
    parts: list[str] = []
    for part in (_folder(suite) / name).parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _run(suite: str, reading: Reading) -> list[CaseResult]:
    """With the files laid out in a directory of their own. Raises PolicyError."""
    with TemporaryDirectory() as directory:
        root = Path(directory).resolve()
        for file in reading.files:
            path = (root / file.name).resolve()
            if path.is_relative_to(root) and path != root and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.content)
        return run_suite(root / suite)


def _refused(document: Document, reason: str) -> DocumentOutcome:
    resource = document.resource
    return DocumentOutcome(
        document.file, resource.line, "refused", kind=resource.kind, name=resource.name, reason=reason
    )


