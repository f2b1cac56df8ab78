"""The library's policies and standards, brought into the tables that results refer to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from common.clock import now
from compliance.models import SEVERITY_WEIGHTS, Policy, Severity, Standard
from compliance.services.severities import copy_severities
from organizations.models import Organization
from organizations.scope import directory_scope, organization_scope, shared_scope
from plumbline.library import library_policies, library_standards
from plumbline.manifests.parsing import parse_proven
from plumbline.policies import Policy as LibraryPolicy
from plumbline.standards import Standard as LibraryStandard


@dataclass(frozen=True)
class SyncOutcome:
    """How many policies were added, changed and retired, and how many standards the library has."""

    added_count: int
    changed_count: int
    retired_count: int
    standard_count: int


def sync_library() -> SyncOutcome:
    """Make Policy and Standard rows say what the library's folders say; running it again changes nothing.

    A policy that left the library is retired, not deleted: its history stays. Where a severity changed, the
    copies on violations and resources follow, and each cluster's last day, in every organization. Policies of
    organizations' own are left alone.
    """
    with transaction.atomic(), shared_scope():
        known = {policy.slug: policy for policy in Policy.library.select_for_update()}
        written = {policy.id: _columns(policy) for policy in library_policies()}
        changed = {
            slug: columns
            for slug, columns in written.items()
            if slug in known and any(getattr(known[slug], name) != value for name, value in columns.items())
        }
        for slug, columns in changed.items():
            Policy.library.filter(slug=slug).update(**columns)
        Policy.library.bulk_create(
            Policy(slug=slug, **columns) for slug, columns in written.items() if slug not in known
        )
        retired = Policy.library.filter(retired_at=None).exclude(slug__in=written).update(retired_at=now())
        reweighted = [
            known[slug].pk for slug, columns in changed.items() if known[slug].severity != columns["severity"]
        ]
        standard_count = _sync_standards()
        if reweighted:
            _copy_severities_everywhere(reweighted)
    return SyncOutcome(len(set(written) - set(known)), len(changed), retired, standard_count)


def _columns(policy: LibraryPolicy) -> dict[str, Any]:
    severity = Severity[policy.severity.upper()]
    return {
        "title": policy.title,
        "category": policy.category,
        "severity": severity.value,
        "weight": SEVERITY_WEIGHTS[severity],
        "document": _document(policy.file),
        "retired_at": None,
    }


def _document(file: str | None) -> dict[str, Any]:
    """A policy as it is written in its file, read as it is read for evaluation."""
    if file is None:
        raise ValueError("The library's policies come from files.")
    document: dict[str, Any] = parse_proven(Path(file).read_text())
    return document


def _standard_document(standard: LibraryStandard) -> dict[str, Any]:
    """A standard as one file would say it, with the controls of the standard that it extends."""
    return {
        "apiVersion": "plumbline.dev/v1",
        "kind": "Standard",
        "metadata": {"name": standard.name},
        "spec": {
            "title": standard.title,
            "version": standard.version,
            "published": standard.published,
            "url": standard.url,
            "description": standard.description,
            "scope": standard.scope,
            "extends": standard.extends,
            "controls": [
                {
                    "id": control.id,
                    "title": control.title,
                    "policies": list(control.policies),
                    "manual": control.manual,
                }
                for control in standard.controls
            ],
        },
    }


def _sync_standards() -> int:
    ids = dict(Policy.library.values_list("slug", "pk"))
    standards = library_standards()
    selected: set[tuple[str, int]] = set()
    for standard in standards:
        Standard.objects.update_or_create(
            slug=standard.name,
            defaults={
                "title": standard.title,
                "version": standard.version,
                "document": _standard_document(standard),
            },
        )
        selected |= {(standard.name, ids[slug]) for slug in standard.policies if slug in ids}
    Standard.objects.exclude(slug__in=[standard.name for standard in standards]).delete()
    _select(selected)
    return len(standards)


def _select(selected: set[tuple[str, int]]) -> None:
    """Make exactly these the pairs of standard and policy."""
    pairs = Standard.policies.through.objects
    present = {(slug, policy_id): pk for pk, slug, policy_id in pairs.values_list("pk", "standard_id", "policy_id")}
    pairs.filter(pk__in=[pk for pair, pk in present.items() if pair not in selected]).delete()
    pairs.bulk_create(
        Standard.policies.through(standard_id=slug, policy_id=policy_id)
        for slug, policy_id in sorted(selected - set(present))
    )


def _copy_severities_everywhere(policy_ids: list[int]) -> None:
    with directory_scope():
        organization_ids = list(Organization.objects.values_list("pk", flat=True))
    for organization_id in organization_ids:
        with organization_scope(organization_id):
            copy_severities(policy_ids)
