"""Where what is scanned lives, and what is said for such places: exceptions, parameters by scope, teams."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from plumbline.cli.arguments import UsageError
from plumbline.exceptions import PolicyException
from plumbline.manifests import LoadError
from plumbline.parameters import Entry
from plumbline.policies import Policy
from plumbline.scopes import Scopes, TeamSpaces

_ENVIRONMENTS: Final = ("production", "staging", "development", "sandbox")
_DOCUMENT: Final = re.compile(r"""(?:^|[{,])\s*["']?apiVersion["']?\s*:\s*["']?plumbline\.dev/""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scoping:
    """What the options say; `scanned` are the sources of manifests."""

    exceptions: Sequence[str] = ()
    cluster: str = ""
    environment: str = ""
    teams: str | None = None
    namespaces: str | None = None
    scanned: Sequence[str] = ()


def add_options(command: argparse.ArgumentParser) -> None:
    """Options of every command that judges manifests."""
    group = command.add_argument_group("where it lives, and what is excepted there")
    group.add_argument(
        "--exceptions",
        action="append",
        default=[],
        metavar="FILE|DIR",
        help="PolicyException documents, kept apart from what is judged (repeatable)",
    )
    group.add_argument("--cluster", default="", metavar="NAME", help="the cluster that the manifests are for")
    group.add_argument("--environment", default="", choices=_ENVIRONMENTS, help="the environment they are for")
    group.add_argument("--teams", metavar="FILE", help="a Teams document: which team owns which namespaces")
    group.add_argument(
        "--namespaces", metavar="FILE|DIR", help="Namespaces as kubectl prints them, for namespaceSelector"
    )


def scoping_of(options: argparse.Namespace) -> Scoping:
    """What `add_options` added."""
    return Scoping(
        exceptions=options.exceptions,
        cluster=options.cluster,
        environment=options.environment,
        teams=options.teams,
        namespaces=options.namespaces,
        scanned=options.paths,
    )


def read_scopes(scoping: Scoping) -> Scopes:
    """Raises UsageError for a file of teams or Namespaces that cannot be used."""
    if scoping.teams is None and scoping.namespaces is None:
        return Scopes(scoping.cluster, scoping.environment)
    from plumbline.operators import load_namespaces, load_teams  # here and below, because most scans do without

    teams: tuple[TeamSpaces, ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] | None = None
    if scoping.teams is not None:
        _check_apart("--teams", [scoping.teams], scoping)
        teams, problems = load_teams(scoping.teams)
        _refuse_first("--teams", problems)
    if scoping.namespaces is not None:
        _check_apart("--namespaces", [scoping.namespaces], scoping)
        namespaces, problems = load_namespaces(scoping.namespaces)
        _refuse_first("--namespaces", problems)
    return Scopes(scoping.cluster, scoping.environment, teams, namespaces)


def read_exceptions(
    scoping: Scoping, known: Mapping[str, Policy], problems: list[LoadError] | None
) -> list[PolicyException]:
    """Exceptions that cannot be used are added to `problems`: without them more is a violation, never less. Without
    such a list, the first one raises UsageError.
    """
    if not scoping.exceptions:
        return []
    from plumbline.exceptions.loading import load_exceptions

    _check_apart("--exceptions", scoping.exceptions, scoping)
    exceptions, found = load_exceptions(scoping.exceptions, known)
    if problems is None:
        _refuse_first("--exceptions", found)
    else:
        problems.extend(found)
    return exceptions


def read_overlays(
    file: str, known: Mapping[str, Policy], scoping: Scoping
) -> tuple[dict[str, dict[str, Any]], list[Entry]] | None:
    """Parameters that hold everywhere, and those that hold for some scopes; None when the file is a plain map. Raises
    UsageError for any that cannot be used: other parameters would give other verdicts.
    """
    if not is_scoped(file):
        return None
    from plumbline.parameters.loading import everywhere, load_parameters

    _check_apart("--params", [file], scoping)
    entries, problems = load_parameters(file, known)
    _refuse_first("--params", problems)
    return everywhere(entries)


def is_scoped(file: str) -> bool:
    """Whether a file of parameters holds documents of ours, not a plain map. What cannot be read is left to who reads
    it.
    """
    try:
        return _DOCUMENT.search(Path(file).read_text("utf-8")) is not None
    except (OSError, ValueError):
        return False


def _check_apart(option: str, files: Sequence[str], scoping: Scoping) -> None:
    from plumbline.operators import scanned_among

    among = scanned_among(files, scoping.scanned)
    if among is not None:
        raise UsageError(
            f"{option} {among}: is among what is scanned, so that whoever writes manifests could write it too; "
            "keep it apart, or in a hidden directory, which is not scanned"
        )


def _refuse_first(option: str, problems: Sequence[LoadError]) -> None:
    for problem in problems:
        line = f":{problem.line}" if problem.line else ""
        raise UsageError(f"{option} {problem.file}{line}: {problem.message}")
