"""An organization's own policies: brought in from files, and retired."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import transaction

from common.clock import now
from common.errors import Conflict, NotFound
from compliance.models import Policy, PolicyFormat
from compliance.services.importing.columns import columns_of, is_unchanged
from compliance.services.importing.matching import ReadPolicy, matched
from compliance.services.importing.outcomes import ACCEPTED, DocumentOutcome, ImportOutcome, Outcome, in_order
from compliance.services.importing.own_tests import tried
from compliance.services.importing.reading import Document, PolicyFile, Reading, read_files
from compliance.services.importing.refusals import refusals
from compliance.services.severities import copy_severities
from organizations.models import Organization, User
from organizations.scope import current_organization_id
from organizations.services.audit import record
from plumbline.dialects.loading import read_documents

MAX_OWN_POLICIES = 2000
RESERVED = frozenset({"import", "imports"})  # names of pages beside those of policies
_CHANGED: tuple[Outcome, ...] = ("imported", "replaced", "restored")


def import_policies(*, files: Sequence[PolicyFile], actor: User | None) -> ImportOutcome:
    """Make the policies in the files the organization's own; each is taken whole or refused, whatever its neighbours.

    An id that the organization has is replaced, a retired one is restored, and one that says what it said before
    changes nothing. Raises PlumblineError for no file, TooLarge beyond a limit, Conflict when there would be more
    than 2,000 policies: then nothing is changed.
    """
    reading = read_files(files)
    loaded = read_documents([document.resource for document in reading.documents])
    policies, of_tests = tried(matched(loaded.policies, reading.documents), reading)
    problems = refusals(loaded.problems, reading.documents, policies)
    with transaction.atomic():
        found = list(_store(policies))
        _record(found, actor)
    outcomes = [*reading.problems, *of_tests, *problems, *found]
    outcomes += _others(reading, policies, outcomes)
    return ImportOutcome(in_order(outcomes, [file.name for file in reading.files]))


def retire_policy(*, slug: str, actor: User | None) -> Policy:
    """Take an own policy out of the lists; its history stays, and importing it again restores it.

    Raises NotFound, and Conflict (library_policy) for one of the library.
    """
    with transaction.atomic():
        own = Policy.objects.filter(organization_id=current_organization_id())
        policy = own.select_for_update().filter(slug=slug).first()
        if policy is None:
            if Policy.library.filter(slug=slug).exists():
                raise Conflict("This policy is the library's, and not yours to retire.", code="library_policy")
            raise NotFound("There is no such policy.")
        if policy.retired_at is None:
            policy.retired_at = now()
            policy.save(update_fields=["retired_at"])
            record(verb="policy.retired", target=policy.slug, actor=actor, data={"format": policy.format})
    return policy


def _store(policies: Sequence[ReadPolicy]) -> Iterator[DocumentOutcome]:
    """Write what is new or has changed, in as many queries for one policy as for many."""
    organization_id = current_organization_id()
    # Two imports at once would not see each other's rows; reports go on meanwhile.
    Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    own = {policy.slug: policy for policy in Policy.objects.filter(organization_id=organization_id)}
    slugs = [read.policy.id for read in policies]
    library = set(Policy.library.filter(slug__in=slugs).values_list("slug", flat=True))
    created: list[Policy] = []
    changed: list[Policy] = []
    reweighted: list[int] = []
    for read in policies:
        slug, columns = read.policy.id, columns_of(read)
        row = own.get(slug)
        if slug in library or slug in RESERVED:
            whose = "is the id of a policy of the library" if slug in library else "is no id for a policy"
            reason = f"“{slug}” {whose}: give yours another name"
            yield _of_policy(read, "refused", reason=reason, field="metadata.name")
        elif row is not None and row.format == PolicyFormat.RESULTS:
            reason = f"“{slug}” is the id of a policy of another engine whose results are kept: give yours another name"
            yield _of_policy(read, "refused", reason=reason, field="metadata.name")
        elif row is None:
            created.append(
                Policy(organization_id=organization_id, slug=slug, imported_at=now(), **columns)
            )
            yield _of_policy(read, "imported")
        elif is_unchanged(row, columns):
            yield _of_policy(read, "unchanged")
        else:
            yield _of_policy(read, "restored" if row.retired_at else "replaced", reason=_difference(row, columns))
            reweighted += [row.pk] if row.severity != columns["severity"] else []
            _change(row, columns)
            changed.append(row)
    kept_count = sum(row.format != PolicyFormat.RESULTS for row in own.values())
    if kept_count + len(created) > MAX_OWN_POLICIES:
        raise Conflict(
            f"An organization has at most {MAX_OWN_POLICIES} policies of its own, retired ones counted.",
            code="too_many_policies",
        )
    Policy.objects.bulk_create(created)
    # An upsert, for an UPDATE with a CASE for each column of each row takes PostgreSQL ten times as long.
    Policy.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["id"], update_fields=[*_WRITTEN, "imported_at", "retired_at"]
    )
    if reweighted:
        copy_severities(reweighted)


_WRITTEN = ("title", "category", "severity", "weight", "format", "engine", "document", "sources", "tests")


def _change(row: Policy, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
    row.imported_at, row.retired_at = now(), None


def _difference(row: Policy, columns: dict[str, Any]) -> str:
    """What a reader of the list should know of a replacement."""
    names = (("format", row.get_format_display()), ("severity", row.get_severity_display().lower()))
    return "; ".join(f"its {name} was {shown}" for name, shown in names if getattr(row, name) != columns[name])


def _of_policy(read: ReadPolicy, outcome: Outcome, *, reason: str = "", field: str = "") -> DocumentOutcome:
    resource = read.document.resource
    return DocumentOutcome(
        file=read.document.file,
        line=(resource.line_of(field) if field else None) or resource.line,
        outcome=outcome,
        kind=resource.kind,
        name=resource.name,
        id=read.policy.id,
        format=read.format.value,
        engine=read.engine,
        reason=reason,
        field=field,
    )


def _record(outcomes: Sequence[DocumentOutcome], actor: User | None) -> None:
    by_outcome = {word: [o.id for o in outcomes if o.outcome == word] for word in _CHANGED}
    ids = [slug for slugs in by_outcome.values() for slug in slugs]
    if ids:
        data = {word: slugs for word, slugs in by_outcome.items() if slugs}
        record(verb="policy.imported", target=", ".join(ids), actor=actor, data=data)


def _others(
    reading: Reading, policies: Sequence[ReadPolicy], known: Sequence[DocumentOutcome]
) -> Iterator[DocumentOutcome]:
    """The documents that nothing has been said of yet: parts of policies, and what no policy refers to."""
    said = {(outcome.file, outcome.kind, outcome.name) for outcome in known}
    accepted = {outcome.id for outcome in known if outcome.outcome in ACCEPTED}
    parts: dict[int, list[str]] = {}
    for read in policies:
        for other in read.others if read.policy.id in accepted else ():
            parts.setdefault(id(other), []).append(read.policy.id)
    for document in reading.documents:
        resource = document.resource
        if (document.file, resource.kind, resource.name) not in said:
            yield _of_other(document, tuple(parts.get(id(document), ())))


def _of_other(document: Document, policies: tuple[str, ...]) -> DocumentOutcome:
    resource = document.resource
    return DocumentOutcome(
        file=document.file,
        line=resource.line,
        outcome="attached" if policies else "ignored",
        kind=resource.kind,
        name=resource.name,
        reason="" if policies else "is no policy, and no policy of this import refers to it",
        policies=policies,
    )
