"""What the operator of a scan knows of its surroundings: teams and their namespaces, Namespaces and their labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from plumbline.declarations import DeclarationError, check_schema, read_declarations
from plumbline.manifests import LoadError, load
from plumbline.scopes import TeamSpaces

KIND: Final = "Teams"
SCHEMA: Final = "teams-v1"


def load_teams(file: Path | str) -> tuple[tuple[TeamSpaces, ...], list[LoadError]]:
    """Entries of all `Teams` documents in order, and what is wrong with others."""
    declared = read_declarations([file], KIND)
    entries: list[TeamSpaces] = []
    for document in declared.documents:
        try:
            check_schema(document, SCHEMA)
        except DeclarationError as error:
            declared.refuse(document, error)
            continue
        entries.extend(
            TeamSpaces(item["name"], tuple(item["namespaces"]), tuple(item.get("clusters", ())))
            for item in document.object["spec"]["teams"]
        )
    return tuple(entries), declared.problems


def load_namespaces(source: Path | str) -> tuple[Mapping[str, Mapping[str, str]], list[LoadError]]:
    """Labels of the Namespaces in a file or directory, as `kubectl get namespaces -o yaml` prints them, by name. What
    else is there is passed over.
    """
    found: dict[str, Mapping[str, str]] = {}
    problems: list[LoadError] = []
    for item in load([source]):
        if isinstance(item, LoadError):
            problems.append(item)
        elif (item.group, item.kind) == ("", "Namespace") and item.name:
            found[item.name] = item.labels
    if not found and not problems:
        problems.append(LoadError(str(source), None, "holds no Namespace"))
    return found, problems


def scanned_among(files: Iterable[Path | str], sources: Iterable[Path | str]) -> str | None:
    """The first of `files` that is scanned as well, or holds what is scanned, so that whoever writes manifests may have
    written it; None when they are kept apart. What lies in a hidden directory is not scanned.
    """
    roots = [Path(source).resolve() for source in sources if str(source) != "-"]
    for file in files:
        path = Path(file).resolve()
        if any(root.is_relative_to(path) or _is_scanned(path, root) for root in roots):
            return str(file)
    return None


def _is_scanned(path: Path, root: Path) -> bool:
    if not path.is_relative_to(root):
        return False
    below = path.relative_to(root).parts
    directories = below if path.is_dir() else below[:-1]
    return not any(name.startswith(".") for name in directories)
