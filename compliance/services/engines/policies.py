"""Policies of other engines: made on first sight of a result, for the library has none of that name."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from common.clock import now
from common.errors import Conflict
from compliance.models import SEVERITY_WEIGHTS, Policy, PolicyFormat, Severity
from compliance.services.links import link_known
from compliance.services.severities import copy_severities
from organizations.models import Organization
from organizations.scope import current_organization_id
from organizations.services.audit import record
from plumbline.reports.engines import EnginePolicy, EngineReport
from plumbline.reports.engines.equivalents import equivalents_of
from plumbline.reports.engines.findings import UNRATED

MAX_ENGINE_POLICIES = 2000
_MAX_NAMED = 50


def discover_policies(*, reports: Sequence[EngineReport], actor_label: str) -> int:
    """Have a row for each policy of the reports; how many were new. A severity that is worse than known is taken over.

    Raises Conflict beyond 2,000 policies of other engines (too_many_policies), and where an id belongs to a policy
    that was imported or is the library's (policy_taken): then nothing is changed.
    """
    wanted = {policy.slug: (policy, report.title) for report in reports for policy in report.policies}
    with transaction.atomic():
        if _are_known(wanted):
            return 0
        # Two reports at once would not see each other's rows; merging goes on meanwhile.
        Organization.objects.select_for_update(no_key=True).get(pk=current_organization_id())
        found = {policy.slug: policy for policy in Policy.objects.filter(slug__in=wanted).in_brief()}
        _refuse_taken([policy for policy in found.values() if policy.format != PolicyFormat.RESULTS])
        new = [_row(*wanted[slug]) for slug in sorted(wanted) if slug not in found]
        _refuse_too_many(len(new))
        Policy.objects.bulk_create(new)
        link_known({row.pk: _equivalents(wanted[row.slug][0], reports) for row in new})
        _raise_severities(found, {slug: policy for slug, (policy, _) in wanted.items()})
        if new:
            slugs = [policy.slug for policy in new]
            record(
                verb="policy.discovered",
                target=", ".join(slugs),
                actor_label=actor_label,
                data={"count": len(slugs), "policies": slugs[:_MAX_NAMED]},
            )
    return len(new)


def _equivalents(policy: EnginePolicy, reports: Sequence[EngineReport]) -> list[str]:
    engine = next(report.engine for report in reports if policy in report.policies)
    return equivalents_of(engine, {policy.name, *policy.rules})


def _are_known(wanted: dict[str, tuple[EnginePolicy, str]]) -> bool:
    """The usual case, told by one query and no lock."""
    rows = Policy.objects.filter(slug__in=wanted, format=PolicyFormat.RESULTS).values_list("slug", "severity")
    known = dict(rows)
    return all(slug in known and known[slug] >= _given(policy) for slug, (policy, _) in wanted.items())


def _given(policy: EnginePolicy) -> int:
    """The severity that its engine gives, 0 for none."""
    return Severity[policy.severity.upper()].value if policy.severity else 0


def _row(policy: EnginePolicy, engine: str) -> Policy:
    severity = Severity[(policy.severity or UNRATED).upper()]
    return Policy(
        organization_id=current_organization_id(),
        slug=policy.slug,
        title=policy.title,
        category=policy.category,
        severity=severity.value,
        weight=SEVERITY_WEIGHTS[severity],
        format=PolicyFormat.RESULTS,
        engine=engine[:63],
        document=_document(policy, engine, severity),
        imported_at=now(),
    )


def _document(policy: EnginePolicy, engine: str, severity: Severity) -> dict[str, Any]:
    return {
        "apiVersion": "plumbline.dev/v1",
        "kind": "Policy",
        "metadata": {"name": policy.slug},
        "spec": {
            "title": policy.title,
            "category": policy.category,
            "severity": severity.label.lower(),
            "why": f"{engine} evaluates this policy, as “{policy.name[:300]}”, and reports its results here.",
            "guidance": f"Each violation carries what {engine} says of it; the policy itself is kept with that engine.",
            "references": [],
            "controls": {},
        },
    }


def _refuse_taken(taken: list[Policy]) -> None:
    if taken:
        raise Conflict(
            f"The id “{taken[0].slug}” of another engine's policy belongs to a policy of another kind here. "
            "Give that one another name.",
            code="policy_taken",
            fields={policy.slug: f"Is a {policy.get_format_display()} policy." for policy in taken[:20]},
        )


def _refuse_too_many(new_count: int) -> None:
    own = Policy.objects.filter(organization_id=current_organization_id(), format=PolicyFormat.RESULTS)
    known_count = own.count() if new_count else 0
    if known_count + new_count > MAX_ENGINE_POLICIES:
        raise Conflict(
            f"An organization keeps results of at most {MAX_ENGINE_POLICIES} policies of other engines; it has "
            f"{known_count}, and this report brings {new_count} more.",
            code="too_many_policies",
        )


def _raise_severities(found: dict[str, Policy], wanted: dict[str, EnginePolicy]) -> None:
    worse = [policy for slug, policy in found.items() if policy.severity < _given(wanted[slug])]
    for policy in worse:
        severity = Severity(_given(wanted[policy.slug]))
        policy.severity, policy.weight = severity.value, SEVERITY_WEIGHTS[severity]
    if worse:
        Policy.objects.bulk_update(worse, ["severity", "weight"])
        copy_severities([policy.pk for policy in worse])
