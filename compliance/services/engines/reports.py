"""Another engine's documents made durable: one report for each engine, under ids that a repetition shares."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import orjson

from clusters.services.intake import Receipt
from clusters.services.intake.documents import collector_paused, parse_document
from clusters.services.intake.receipts import commit_report
from clusters.services.intake.validation import judge
from common.clock import now
from common.errors import Unprocessable
from plumbline.reports.engines import EngineReport, Findings, NoResultsError, convert, read_sarif

from .known import add_known_owners
from .policies import discover_policies
from .reading import read_results


@dataclass(frozen=True)
class ResultsOutcome:
    """A receipt for each engine, how many of its results there were, and the documents that were left out."""

    receipts: list[tuple[EngineReport, Receipt]]
    problems: list[str]


def accept_results(
    *,
    cluster_id: UUID,
    body: bytes,
    report_id: UUID | None = None,
    scanned_at: datetime | None = None,
    source: str = "",
    is_complete: bool = False,
    clock_skew: float | None = None,
) -> ResultsOutcome:
    """Commit what other engines say of the cluster, and have it processed.

    `is_complete`: the documents are all that their engines say of the cluster. Must not run inside a transaction:
    when this returns, the reports are durable. Raises PlumblineError (400), Unprocessable (422), Conflict.
    """
    with collector_paused():
        findings = read_results(body, source=source)
    return commit_results(
        cluster_id=cluster_id,
        findings=findings,
        digest=hashlib.sha256(body).hexdigest(),
        report_id=report_id,
        scanned_at=scanned_at,
        is_complete=is_complete,
        clock_skew=clock_skew,
    )


def accept_sarif(
    *,
    cluster_id: UUID,
    body: bytes,
    report_id: UUID | None = None,
    scanned_at: datetime | None = None,
    context: str = "",
    is_complete: bool = False,
    clock_skew: float | None = None,
) -> ResultsOutcome:
    """Commit what a scanner's SARIF log says of the files of `context`. As `accept_results`, but for `is_complete`:
    the log lists every failure of its rules in the context, so that what it does not list has been mended.
    """
    with collector_paused():
        document = parse_document(body)
        try:
            findings = read_sarif(document, context=context, is_complete=is_complete)
        except NoResultsError as error:
            raise Unprocessable(f"There is nothing to take in: {error}.", code="no_results") from error
    return commit_results(
        cluster_id=cluster_id,
        findings=findings,
        digest=hashlib.sha256(body).hexdigest(),
        report_id=report_id,
        scanned_at=scanned_at,
        is_complete=False,
        clock_skew=clock_skew,
    )


def commit_results(
    *,
    cluster_id: UUID,
    findings: Findings,
    digest: str,
    report_id: UUID | None,
    scanned_at: datetime | None,
    is_complete: bool,
    clock_skew: float | None,
) -> ResultsOutcome:
    """As `accept_results`, of findings that were read; `digest` is that of what was sent."""
    known = add_known_owners(findings, cluster_id=cluster_id)
    base = str(report_id or uuid4())
    try:
        reports = convert(findings, scanned_at=scanned_at or now(), report_id=base, known=known)
    except ValueError as error:
        raise Unprocessable(f"This is more than one report may hold: {error}.", code="too_many_results") from error
    for report in reports:
        judge(report.body | {"policies": [], "resources": []})  # refused before anything is made for it
    discover_policies(reports=reports, actor_label="agent")
    heads = [judge(report.body) for report in reports]
    receipts = []
    for report, head in zip(reports, heads, strict=True):
        receipt = commit_report(
            cluster_id=cluster_id,
            head=head,
            body=orjson.dumps(_kept(report, findings.within, is_complete)),
            digest=digest,
            clock_skew=clock_skew,
            source=report.engine,
        )
        receipts.append((report, receipt))
    return ResultsOutcome(receipts, findings.problems)


def _kept(report: EngineReport, within: str | None, is_complete: bool) -> dict[str, object]:
    slugs: list[str] = report.body["policies"]
    exhaustive = [slugs.index(slug) for slug in report.exhaustive]
    about = {
        "title": report.title,
        "exhaustive": exhaustive,
        "within": within,
        "folded": [list(identity) for identity in report.folded],
        "is_complete": is_complete,
    }
    return report.body | {"engine": about}
