"""A body of another engine's documents, as findings. Refusals are PlumblineErrors that name document and line."""

from typing import Any

from common.errors import PlumblineError, Unprocessable
from plumbline.manifests import LoadError
from plumbline.manifests.documents import NotAManifest, resources_in
from plumbline.reports.engines import Findings, NoResultsError, results_of

MAX_NAMED = 20


def read_results(body: bytes, *, source: str) -> Findings:
    """What the documents say. Raises PlumblineError for what is no text, Unprocessable for what is no results."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise PlumblineError(
            f"The body is not UTF-8 text: see line {line}.",
            code="malformed_documents",
            fields={"body": f"Line {line}."},
        ) from error
    documents: list[dict[str, Any]] = []
    fields: dict[str, str] = {}
    for found in resources_in(text, None):
        if isinstance(found, LoadError):
            fields[f"line {found.line}"] = found.message[:300]
        elif isinstance(found, NotAManifest):
            fields[f"line {found.line}"] = found.what
        else:
            documents.append(found.object)
        if len(fields) >= MAX_NAMED:
            break
    if fields:
        raise Unprocessable("Some documents cannot be read: see fields.", code="malformed_documents", fields=fields)
    try:
        return results_of(documents, source=source)
    except NoResultsError as error:
        raise Unprocessable(
            f"There is nothing to take in: {error}.", code="no_results", fields={"body": str(error)[:500]}
        ) from error
