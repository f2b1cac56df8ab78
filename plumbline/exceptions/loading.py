"""Exceptions from files and directories that the operator names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from plumbline.declarations import DeclarationError, check_schema, read_declarations, refuse_selectors, scope_match
from plumbline.exceptions.model import PolicyException
from plumbline.manifests import LoadError
from plumbline.policies import Policy
from plumbline.resources import Resource
from plumbline.scopes import ScopeMatch
from plumbline.spelling import nearest

KIND: Final = "PolicyException"
SCHEMA: Final = "policy-exception-v1"
_MATCH: Final = ("spec", "match")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")


def load_exceptions(
    sources: Iterable[Path | str], policies: Mapping[str, Policy]
) -> tuple[list[PolicyException], list[LoadError]]:
    """The exceptions that can be used, and what is wrong with the others; `policies` are all that there are, by id."""
    declared = read_declarations(sources, KIND)
    found: dict[str, PolicyException] = {}
    for document in declared.documents:
        try:
            exception = parse_exception(document, policies)
            twin = found.setdefault(exception.name, exception)
            if twin is not exception:
                where = f"{twin.file}:{twin.line}"
                raise DeclarationError(("metadata", "name"), f"the name {exception.name} is already taken by {where}")
        except DeclarationError as error:
            declared.refuse(document, error)
    return list(found.values()), declared.problems


def parse_exception(document: Resource, policies: Mapping[str, Policy]) -> PolicyException:
    """One exception. Raises DeclarationError with the path of the field."""
    spec: Any = document.object.get("spec")
    refuse_selectors(spec.get("match") if isinstance(spec, dict) else None, _MATCH)
    check_schema(document, SCHEMA)
    match = scope_match(spec["match"], _MATCH)
    _check_bounds(match)
    _check_policies(spec["policies"], spec.get("rules", ()), policies)
    owner, approver = spec["owner"].strip(), spec.get("approvedBy")
    if approver is not None and approver.strip().casefold() == owner.casefold():
        raise DeclarationError(("spec", "approvedBy"), "an exception is approved by somebody other than its owner")
    return PolicyException(
        name=document.name,
        policies=tuple(spec["policies"]),
        match=match,
        reason=spec["reason"].strip(),
        owner=owner,
        expires_at=expiry(spec["expiresAt"]),
        until=spec["expiresAt"],
        rules=tuple(spec.get("rules", ())),
        approved_by=approver.strip() if approver is not None else None,
        file=document.file,
        line=document.line,
    )


def expiry(text: str) -> datetime:
    """The instant at which an exception ends, of a day its end in UTC. Raises DeclarationError."""
    try:
        if _DAY.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1)
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # a month 13, a year beyond what there is
        pass
    raise DeclarationError(
        ("spec", "expiresAt"), f"{text!r:.50} is no date (2027-03-31) and no instant (2027-03-31T12:00:00Z)"
    )


def _check_bounds(match: ScopeMatch) -> None:
    bounds = (match.clusters, match.environments, match.teams, match.namespaces, match.namespace_selector)
    if not any(bounds):
        raise DeclarationError(
            _MATCH,
            "kinds and names bound nothing: add clusters, environments, teams, namespaces or namespaceSelector "
            '(clusters: ["*"] for the whole organization)',
        )


def _check_policies(patterns: list[str], rules: Iterable[str], policies: Mapping[str, Policy]) -> None:
    meant: dict[str, Policy] = {}
    for index, pattern in enumerate(patterns):
        matched = {name: policy for name, policy in policies.items() if name == pattern or fnmatchcase(name, pattern)}
        if not matched:
            raise DeclarationError(
                ("spec", "policies", index), f"there is no policy {pattern}{nearest(pattern, policies)}"
            )
        meant.update(matched)
    if any(policy.judge is not None for policy in meant.values()):
        return  # rules of other formats are known when they judge
    known = {rule.name for policy in meant.values() for rule in policy.rules}
    for index, rule in enumerate(rules):
        if rule not in known:
            message = f"these policies have no rule {rule}{nearest(rule, known)}"
            raise DeclarationError(("spec", "rules", index), message)
