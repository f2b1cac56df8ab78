"""Which policies a scan evaluates, and with what parameters."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plumbline.cli.arguments import UsageError
from plumbline.cli.scoping import Scoping, is_scoped, read_exceptions, read_overlays, read_scopes
from plumbline.evaluation import Evaluator
from plumbline.library import library_policies, library_standards
from plumbline.manifests import LoadError
from plumbline.manifests.limits import StrictError
from plumbline.parameters import Entry
from plumbline.policies import Policy, PolicyError
from plumbline.spelling import nearest

_MAX_PARAMS_BYTES = 1_048_576


def build_evaluator(
    directories: Iterable[str],
    standards: Iterable[str],
    policies: Iterable[str],
    params_file: str | None,
    problems: list[LoadError] | None = None,
    scoping: Scoping | None = None,
) -> Evaluator:
    """Raises UsageError naming what is unknown, with the nearest names there are.

    Policies of `directories` and exceptions that cannot be used are added to `problems`; without such a list, the first
    one raises.
    """
    try:
        known = {policy.id: policy for policy in library_policies()}
        for directory in directories:
            known.update((policy.id, policy) for policy in own_policies(directory, problems))
        chosen = _chosen(known, list(standards), list(policies))
        scoping = scoping or Scoping()
        scopes = read_scopes(scoping)
        params, overlays = _parameters(params_file, known, scoping)
        for name, given in params.items():
            known[name].parameters(given)
        return Evaluator(
            chosen,
            {policy.id: params[policy.id] for policy in chosen if policy.id in params},
            overlays=overlays,
            exceptions=read_exceptions(scoping, known, problems),
            scopes=scopes,
        )
    except PolicyError as error:
        raise UsageError(str(error)) from error


def own_policies(directory: str, problems: list[LoadError] | None) -> list[Policy]:
    """The policies below a directory. What cannot be used is added to `problems`, or raises UsageError without them."""
    from plumbline.dialects.loading import read_directory  # here, because most scans use the library alone

    loaded = read_directory(directory)
    if problems is None and loaded.problems:
        problem = loaded.problems[0]
        raise UsageError(f"{problem.file}:{problem.line or 1}: {problem.message}")
    if not loaded.policies and not loaded.problems:
        raise UsageError(f"--policies {directory}: there is no policy below it")
    if problems is not None:
        problems.extend(loaded.problems)
    return loaded.policies


def _parameters(
    file: str | None, known: dict[str, Policy], scoping: Scoping
) -> tuple[dict[str, dict[str, Any]], list[Entry]]:
    """Parameters that hold everywhere, by policy, and those that hold for some scopes."""
    if file is None:
        return {}, []
    overlays = read_overlays(file, known, scoping)
    return (read_params(file, known), []) if overlays is None else overlays


def _chosen(known: dict[str, Policy], standards: list[str], policies: list[str]) -> list[Policy]:
    if not standards and not policies:
        return [known[name] for name in sorted(known)]
    wanted: set[str] = set()
    by_name = {standard.name: standard for standard in library_standards()} if standards else {}
    for name in standards:
        if name not in by_name:
            raise UsageError(
                f"there is no standard {name}{nearest(name, by_name) or '; see `plumbline standard list`'}"
            )
        wanted.update(by_name[name].policies)
    wanted.update(policies)
    for name in sorted(wanted):
        if name not in known:
            raise UsageError(f"there is no policy {name}{nearest(name, known) or '; see `plumbline policy list`'}")
    return [known[name] for name in sorted(wanted)]


def read_params(file: str, known: dict[str, Policy]) -> dict[str, dict[str, Any]]:
    """Parameters by policy id. Raises UsageError with the file and line."""
    from plumbline.manifests.strict import parse_strictly

    if is_scoped(file):
        raise UsageError(f"--params {file}: holds PolicyParameters; a map of policy id → parameters is needed here")
    try:
        raw = Path(file).read_bytes()
        if len(raw) > _MAX_PARAMS_BYTES:
            raise UsageError(f"--params {file}: is larger than {_MAX_PARAMS_BYTES} bytes")
        params = parse_strictly(raw.decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"--params {file}: cannot be read: {reason}") from error
    except StrictError as error:
        raise UsageError(f"--params {file}:{error.line or 1}: {error.message}") from error
    if params is None:
        return {}
    if not isinstance(params, dict):
        raise UsageError(f"--params {file}: must map policy ids to parameters")
    for name, given in params.items():
        if name not in known:
            raise UsageError(f"--params {file}: there is no policy {name}{nearest(name, known)}")
        if not isinstance(given, dict):
            raise UsageError(f"--params {file}: the parameters of {name} must be a map")
    return params
