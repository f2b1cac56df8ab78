"""What the operator of a scan declares in documents of ours: read strictly, with file, line and field of what is wrong.

These say what becomes of verdicts, so they are read from where he says and never from among the manifests judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from plumbline import paths
from plumbline.manifests import LoadError, load
from plumbline.policies.model import dotted
from plumbline.resources import Resource
from plumbline.schemas import first_problem, validator
from plumbline.scopes import API_VERSION, ScopeMatch

_SELECTORS: Final = ("selector", "labelSelector", "objectSelector", "labels", "matchLabels", "matchExpressions")
_NO_SELECTOR: Final = (
    "labels of an object are written by its author, who could match himself: use namespaces, teams, kinds and names, "
    "or namespaceSelector"
)
_UNBOUND_NAMES: Final = (
    "names alone could be taken by anybody: add namespaces, teams or a namespaceSelector that bound them, or the kinds "
    "of objects outside namespaces that are meant"
)


class DeclarationError(ValueError):
    """A declaration that cannot be used: `path` leads to the field, `str()` says what is wrong with it."""

    def __init__(self, path: paths.Path, message: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(slots=True)
class Declared:
    """Documents of one kind, and what could not be used."""

    documents: list[Resource] = field(default_factory=list)
    problems: list[LoadError] = field(default_factory=list)

    def refuse(self, document: Resource, error: DeclarationError) -> None:
        """Name the document, the field and its line."""
        self.problems.append(problem_of(document, error))


def read_declarations(sources: Iterable[Path | str], kind: str) -> Declared:
    """Every document of `kind` in files and directories; others there are problems, as are files that hold none."""
    declared = Declared()
    for item in load(sources):
        if isinstance(item, LoadError):
            declared.problems.append(item)
        elif (item.api_version, item.kind) != (API_VERSION, kind):
            message = f"is {item.kind} of {item.api_version}, not {kind} of {API_VERSION}"
            declared.refuse(item, DeclarationError(("kind",), message))
        else:
            declared.documents.append(item)
    return declared


def check_schema(document: Resource, schema: str) -> None:
    """Raises DeclarationError when the document does not fit the named schema."""
    problem = first_problem(validator(schema), document.object)
    if problem is not None:
        raise DeclarationError(tuple(problem[0]), problem[1])


def problem_of(document: Resource, error: DeclarationError) -> LoadError:
    """The error with the file and the line of its field."""
    line = document.locate(error.path) if document.locate is not None else None
    where = dotted(list(error.path)).lstrip(".")
    parts = (f"{document.kind} {document.name or '(unnamed)'}", where, str(error))
    return LoadError(document.file, line or document.line, ": ".join(part for part in parts if part))


def refuse_selectors(match: Any, path: paths.Path) -> None:
    """Raises DeclarationError for a selector over labels of the judged object itself."""
    for name in _SELECTORS if isinstance(match, dict) else ():
        if name in match:
            raise DeclarationError((*path, name), _NO_SELECTOR)


def scope_match(spec: Mapping[str, Any], path: paths.Path) -> ScopeMatch:
    """From a `match` that fits its schema. Raises DeclarationError for names that nothing bounds."""
    match = ScopeMatch(
        clusters=tuple(spec.get("clusters", ())),
        environments=tuple(spec.get("environments", ())),
        teams=tuple(spec.get("teams", ())),
        namespaces=tuple(spec.get("namespaces", ())),
        namespace_selector=spec.get("namespaceSelector"),
        kinds=tuple(spec.get("kinds", ())),
        names=tuple(spec.get("names", ())),
    )
    if match.names and not match.bounds_names and not match.kinds:
        raise DeclarationError((*path, "names"), _UNBOUND_NAMES)
    return match
