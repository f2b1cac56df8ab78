"""All tests below a directory: each folder's policies with the `tests.yaml` beside them, and suites of other tools."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from plumbline.dialects.loading import read_directory
from plumbline.manifests import LoadError
from plumbline.policies import Policy, PolicyError, load_policy
from plumbline.testing.cases import Case, load_cases
from plumbline.testing.foreign import run_suites
from plumbline.testing.running import PolicyRun, Run, run_cases

_OWN = re.compile(r"^apiVersion:\s*['\"]?plumbline\.dev/", re.MULTILINE)


def run_directory(directory: Path, *, only: Collection[str] = (), measure: bool = False) -> Run:
    """Run what is below `directory`, or of it the policies `only`; the rest goes on when a file cannot be used."""
    started = time.perf_counter()
    run = Run()
    taken: dict[str, str | None] = {}
    for folder in _folders(directory):
        policies, problems = _policies(folder)
        run.problems.extend(problems)
        for policy in policies:
            first = taken.setdefault(policy.id, policy.file)
            if first != policy.file:
                message = f"the id {policy.id} is already taken by {first}"
                run.problems.append(LoadError(policy.file, None, message))
        chosen = [policy for policy in policies if not only or policy.id in only]
        if chosen:
            run.policies.extend(_runs(folder, policies, chosen, run, measure=measure))
    if not only:
        run.suites, problems = run_suites(directory)
        run.problems.extend(problems)
    run.seconds = time.perf_counter() - started
    return run


def ids_below(directory: Path) -> list[str]:
    """The ids of all policies that can be used."""
    return sorted(policy.id for folder in _folders(directory) for policy in _policies(folder)[0])


def _folders(directory: Path) -> Iterator[Path]:
    """Those that hold a policy of ours, or tests, outside of hidden directories."""
    files = (file for name in ("policy.yaml", "tests.yaml") for file in directory.rglob(name))
    visible = (file for file in files if not any(part.startswith(".") for part in file.relative_to(directory).parts))
    yield from sorted({file.parent for file in visible})


def _policies(folder: Path) -> tuple[list[Policy], list[LoadError]]:
    file = folder / "policy.yaml"
    try:
        if file.is_file() and _OWN.search(file.read_text("utf-8", errors="replace")):
            return [load_policy(file)], []
        loaded = read_directory(folder)
    except PolicyError as error:
        return [], [LoadError(str(file), None, str(error).removeprefix(f"{file}: "))]
    except OSError as error:
        return [], [LoadError(str(file), None, f"cannot be read: {error.strerror or error}")]
    policies = [policy for policy in loaded.policies if policy.file and Path(policy.file).parent == folder]
    if not policies and not loaded.problems:
        return [], [LoadError(str(folder), None, "holds tests, and no policy that they could be for")]
    return policies, loaded.problems


def _runs(folder: Path, policies: list[Policy], chosen: list[Policy], run: Run, *, measure: bool) -> list[PolicyRun]:
    file = folder / "tests.yaml"
    cases: list[Case] = []
    if file.is_file():
        cases, problems = load_cases(file)
        run.problems.extend(problems)
    by_policy: dict[str, list[Case]] = {policy.id: [] for policy in policies}
    for case in cases:
        name = case.policy or (policies[0].id if len(policies) == 1 else "")
        if name in by_policy:
            by_policy[name].append(case)
        else:
            known = ", ".join(by_policy)
            what = f"there is no policy {name} beside it" if name else "it must name its policy"
            run.problems.append(LoadError(str(file), case.line, f"case {case.name!r}: {what}: {known}"))
    tests = str(file) if file.is_file() else None
    return [run_cases(policy, by_policy[policy.id], tests, measure=measure) for policy in chosen]
