"""What every dialect starts from: documents with their places, and policies made of what they say of themselves."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plumbline.inventories import Inventory
from plumbline.judges import Judge
from plumbline.manifests import LoadError
from plumbline.policies import Match, Policy, PolicyError
from plumbline.resources import Resource
from plumbline.results import SEVERITIES, Severity
from plumbline.schemas import first_problem, validator

IMPORTED = "imported"
_MAX_ID = 63
_ANNOTATIONS = ("plumbline.dev", "policies.kyverno.io")


@dataclass(slots=True)
class Loaded:
    """Policies, and what could not be used, each with file and line."""

    policies: list[Policy] = field(default_factory=list)
    problems: list[LoadError] = field(default_factory=list)

    def refuse(self, document: Resource, problem: PolicyError | str) -> None:
        """Name a document that cannot be used, and why."""
        title = f"{document.kind} {document.name or '(unnamed)'}"
        self.problems.append(LoadError(document.file, document.line, f"{title}: {problem}"))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All other objects of the directories: parameter objects, namespaces, definitions."""

    inventory: Inventory


def check_schema(document: Resource, schema: str) -> None:
    """Raises PolicyError with the field when the document does not fit the named schema."""
    problem = first_problem(validator(schema), document.object)
    if problem is not None:
        path, message = problem
        raise PolicyError(message, field=".".join(map(str, path)) or None)


def policy_id(name: str) -> str:
    """A name of any object as an id: lower case, without dots, at most 63 characters and still its own."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed"
    if len(slug) <= _MAX_ID:
        return slug
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{slug[: _MAX_ID - 9].rstrip('-')}-{digest}"


def rule_name(text: str) -> str:
    """Any text as the name of a rule."""
    return policy_id(text)


def foreign_policy(
    document: Resource,
    judge: Judge,
    *,
    severity: Severity,
    title: str | None = None,
    why: str | None = None,
    guidance: str | None = None,
    parameters_schema: dict[str, Any] | None = None,
    parameter_defaults: dict[str, Any] | None = None,
) -> Policy:
    """A policy of another format: what its annotations or fields say, else what can be said of any."""
    notes = document.object.get("metadata", {}).get("annotations") or {}
    where = f" of {document.file}" if document.file else ""
    return Policy(
        id=policy_id(document.name),
        title=title or _note(notes, "title") or document.name,
        category=IMPORTED,
        severity=_severity(notes) or severity,
        why=why or _note(notes, "description") or f"The {document.kind} {document.name}{where} asks for it.",
        guidance=guidance or "Change the object so that it does what the message asks for.",
        match=Match(("*",)),
        rules=(),
        parameters_schema=parameters_schema,
        parameter_defaults=parameter_defaults or {},
        file=document.file,
        format=document.kind,
        judge=judge,
    )


def _note(notes: Mapping[str, Any], name: str) -> str | None:
    values = (notes.get(f"{prefix}/{name}") for prefix in _ANNOTATIONS)
    return next((value.strip() for value in values if isinstance(value, str) and value.strip()), None)


def _severity(notes: Mapping[str, Any]) -> Severity | None:
    word = (_note(notes, "severity") or "").lower()
    return next((severity for severity in SEVERITIES if severity == word), None)


def first_line(texts: Sequence[str | None]) -> str | None:
    """The first text that there is, as one line."""
    return next((" ".join(text.split()) for text in texts if text and text.strip()), None)
