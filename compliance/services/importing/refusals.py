"""What could not be used, with the document, the field and the column that it is about."""

import re
from collections.abc import Iterable, Mapping, Sequence

from plumbline.manifests import LoadError

from .matching import ReadPolicy, ids_of
from .outcomes import DocumentOutcome
from .reading import Document

_WHERE = re.compile(r"((?:apiVersion|kind|metadata|spec)(?=[.:\[])[^\s:]*): (?:column (\d+): )?")
_TAKEN = re.compile(r"the id (\S+) is already taken")


def refusals(
    problems: Iterable[LoadError], documents: Sequence[Document], policies: Sequence[ReadPolicy]
) -> list[DocumentOutcome]:
    """One for each problem of the readers of policies. A twin is named by its file and id alone: its document is one
    of that id that no policy came of.
    """
    by_place = {(document.file, document.resource.line): document for document in documents}
    used = {id(read.document) for read in policies}
    twins: dict[tuple[str, str], list[Document]] = {}
    for document in documents:
        if id(document) not in used:
            for name in ids_of(document.resource):
                twins.setdefault((document.file, name), []).append(document)
    return [_refusal(problem, _document(problem, by_place, twins)) for problem in problems]


def _document(
    problem: LoadError,
    by_place: Mapping[tuple[str, int | None], Document],
    twins: Mapping[tuple[str, str], list[Document]],
) -> Document | None:
    file = problem.file or ""
    taken = _TAKEN.match(problem.message)
    if taken and problem.line is None:
        waiting = twins.get((file, taken[1]))
        return waiting.pop(0) if waiting else None
    return by_place.get((file, problem.line))


def _refusal(problem: LoadError, document: Document | None) -> DocumentOutcome:
    """The message of a problem begins with the document's title, then the field and the column, where known."""
    if document is None:
        return DocumentOutcome(problem.file or "", problem.line, "refused", reason=problem.message)
    resource = document.resource
    message = problem.message.removeprefix(f"{resource.kind} {resource.name or '(unnamed)'}: ")
    where = _WHERE.match(message)
    field = where[1] if where else ""
    return DocumentOutcome(
        file=document.file,
        line=(resource.line_of(field) if field else None) or resource.line,
        outcome="refused",
        kind=resource.kind,
        name=resource.name,
        reason=message[where.end() :] if where else message,
        field=field,
        column=int(where[2]) if where and where[2] else None,
    )
