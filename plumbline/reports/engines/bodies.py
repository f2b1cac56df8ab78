"""Findings as bodies of `plumbline.report/v1`: one for each engine, with the policies that it brings along."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from plumbline.reports.engines.findings import SEVERITIES, Finding, Findings, Status, policy_slug, rule_slug
from plumbline.reports.identities import Identity
from plumbline.reports.owners import owner_finder

SCHEMA = "plumbline.report/v1"
MAX_POLICIES = 2000
MAX_RESOURCES = 200_000
_MAX_MESSAGE = 2000
_MAX_CATEGORY = 32
_MAX_PLACE_BYTES = 1000
# Failed over errored over passed: a part that does not apply says nothing of the others.
_WORST: tuple[Status, ...] = ("fail", "error", "pass", "skip")
_RANK = list(dict.fromkeys(SEVERITIES.values()))  # worst first


@dataclass(slots=True)
class EnginePolicy:
    """A policy of another engine, as far as its results tell: `name` and `rules` are the engine's own words."""

    slug: str
    name: str
    title: str
    category: str
    severity: str = ""
    rules: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What one engine says. `body` follows report-v1.json, kind delta: it speaks of what it lists, and of nothing else.

    `policies` are in the order of the body's. `exhaustive` are the slugs of those of which every failure is listed.
    `folded` are the objects that were folded into their owners, as (apiVersion, kind, namespace, name).
    """

    engine: str
    title: str
    policies: list[EnginePolicy]
    body: dict[str, Any]
    exhaustive: list[str]
    folded: list[Identity]
    result_count: int


@dataclass(slots=True)
class _Verdicts:
    """Of one policy on one object: by (rule, place), the worst status and the findings that have it."""

    found: dict[tuple[str, str], tuple[Status, list[Finding]]] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        key = rule_slug(finding.rule), _cut_bytes(finding.place)
        status, findings = self.found.get(key, ("skip", []))
        if _WORST.index(finding.status) < _WORST.index(status):
            self.found[key] = finding.status, [finding]
        elif finding.status == status:
            self.found[key] = status, [*findings[:20], finding]

    @property
    def verdict(self) -> Status:
        worst = min((status for status, _ in self.found.values()), key=_WORST.index)
        return "skip" if worst == "pass" and self.is_excepted else worst

    @property
    def is_excepted(self) -> bool:
        return any(finding.exception for _, findings in self.found.values() for finding in findings)


def convert(
    findings: Findings,
    *,
    scanned_at: datetime,
    report_id: str | None = None,
    known: Collection[Identity] = (),
) -> list[EngineReport]:
    """One report for each engine, ordered by its id. Raises ValueError, with words, beyond a limit of the schema.

    `known` are objects of the cluster beside those that the documents name: what they own is folded into them.
    The ids of several reports are derived from `report_id`, so that sending the same again is known to be that.
    """
    base = uuid.UUID(report_id) if report_id else uuid.uuid4()
    named = {finding.subject for finding in findings.results} | set(findings.owners.values())
    owner_of = owner_finder(findings.owners, named | set(known))
    by_engine: dict[str, list[Finding]] = {engine: [] for engine in sorted(findings.engines)}
    for finding in findings.results:
        by_engine.setdefault(finding.engine, []).append(finding)
    reports = []
    for engine, results in by_engine.items():
        if results or findings.exhaustive.get(engine):
            grouped, folded = _grouped(results, owner_of)
            policies = _policies(engine, results, findings.exhaustive.get(engine, ()))
            missing, own_id = findings.missing.get(engine, 0), uuid.uuid5(base, engine)
            body = _body(engine, policies, grouped, missing, scanned_at, own_id)
            reports.append(
                EngineReport(
                    engine=engine,
                    title=findings.engines.get(engine, engine),
                    policies=policies,
                    body=body,
                    exhaustive=sorted(policy_slug(engine, name) for name in findings.exhaustive.get(engine, ())),
                    folded=sorted(folded),
                    result_count=len(results),
                )
            )
    return reports


_Grouped = dict[Identity, dict[str, _Verdicts]]


def _grouped(results: Iterable[Finding], owner_of: Any) -> tuple[_Grouped, set[Identity]]:
    grouped: _Grouped = {}
    folded: set[Identity] = set()
    for finding in results:
        owner = owner_of(finding.subject)
        if owner != finding.subject:
            folded.add(finding.subject)
        verdicts = grouped.setdefault(owner, {})
        verdicts.setdefault(policy_slug(finding.engine, finding.policy), _Verdicts()).add(finding)
    return grouped, folded


def _policies(engine: str, results: Iterable[Finding], exhaustive: Collection[str]) -> list[EnginePolicy]:
    """As their results tell; the severity is the worst that any result gives, and '' where none gives one."""
    policies: dict[str, EnginePolicy] = {}
    for finding in results:
        slug = policy_slug(engine, finding.policy)
        policy = policies.get(slug)
        if policy is None:
            title = " ".join((finding.title or finding.policy).split())[:200] or slug
            category = _category(finding.category)
            policy = policies[slug] = EnginePolicy(slug, finding.policy, title, category)
        policy.rules.add(finding.rule)
        if finding.severity and (not policy.severity or _RANK.index(finding.severity) < _RANK.index(policy.severity)):
            policy.severity = finding.severity
    for name in exhaustive:
        slug = policy_slug(engine, name)
        policies.setdefault(slug, EnginePolicy(slug, name, name[:200], "imported"))
    if len(policies) > MAX_POLICIES:
        raise ValueError(f"{engine} reports on {len(policies)} policies, and {MAX_POLICIES} is the most at once")
    return [policies[slug] for slug in sorted(policies)]


def _category(given: str) -> str:
    """`Pod Security Standards (Baseline)` is too long for a category: its remark goes first."""
    category = " ".join(given.split())
    if len(category) > _MAX_CATEGORY:
        category = category.partition(" (")[0][:_MAX_CATEGORY].strip()
    return category or "imported"


def _body(
    engine: str,
    policies: list[EnginePolicy],
    grouped: _Grouped,
    missing: int,
    scanned_at: datetime,
    report_id: uuid.UUID,
) -> dict[str, Any]:
    if len(grouped) > MAX_RESOURCES:
        raise ValueError(f"{engine} reports on {len(grouped)} objects, and {MAX_RESOURCES} is the most at once")
    indexes = {policy.slug: index for index, policy in enumerate(policies)}
    return {
        "schema": SCHEMA,
        "id": str(report_id),
        "kind": "delta",
        "scanned_at": scanned_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "agent": {"name": engine, "version": "unknown"},
        "policies": list(indexes),
        "resources": [_resource(subject, grouped[subject], indexes) for subject in sorted(grouped)],
        "deleted": [],
        "truncated": {"resources_total": min(len(grouped) + missing, 2**31 - 1)} if missing else None,
        "unreadable": [],
    }


def _resource(subject: Identity, verdicts: Mapping[str, _Verdicts], indexes: Mapping[str, int]) -> dict[str, Any]:
    by_status: dict[str, list[int]] = {status: [] for status in _WORST}
    violations: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    excepted: list[dict[str, Any]] = []
    file, line = None, None
    for slug in sorted(verdicts):
        index = indexes[slug]
        by_status[verdicts[slug].verdict].append(index)
        for (rule, place), (status, findings) in sorted(verdicts[slug].found.items()):
            if status == "fail":
                violations.append(_violation(index, rule, place, findings))
                file, line = file or findings[0].file, line or findings[0].line
            elif exception := next((finding.exception for finding in findings if finding.exception), ""):
                entry = _violation(index, rule, place, findings)
                excepted.append({**entry, "exception": exception.replace("\x00", "")[:253]})
            elif status == "error":
                errors.append({"policy": index, "message": _message(findings)})
    api_version, kind, namespace, name = subject
    return {
        "apiVersion": api_version[:253],
        "kind": kind[:63],
        "namespace": namespace[:253],
        "name": name[:253],
        "labels": {},
        "manifest": None,
        "file": file,
        "line": line,
        "passed": by_status["pass"],
        "failed": by_status["fail"],
        "errored": by_status["error"],
        "skipped": by_status["skip"],
        "violations": violations[:10_000],
        "errors": errors[:10_000],
        **({"excepted": excepted[:10_000]} if excepted else {}),
    }


def _violation(index: int, rule: str, place: str, findings: list[Finding]) -> dict[str, Any]:
    return {
        "policy": index,
        "rule": rule,
        "place": place,
        "path": _cut_bytes(findings[0].path or place),
        "found": None,
        "message": _message(findings),
        "fix": None,
        "line": findings[0].line,
    }


def _message(findings: list[Finding]) -> str:
    text = "\n".join(dict.fromkeys(finding.message for finding in findings if finding.message))
    return text[: _MAX_MESSAGE - 1] + "…" if len(text) > _MAX_MESSAGE else text


def _cut_bytes(text: str) -> str:
    return text.encode()[:_MAX_PLACE_BYTES].decode(errors="ignore")
