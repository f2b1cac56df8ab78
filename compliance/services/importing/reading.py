"""Uploaded files as documents, each with the text that it was written as; limits before anything is parsed."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from common.errors import PlumblineError, TooLarge
from compliance.selectors.manifests import in_order
from plumbline.fixes import render_yaml
from plumbline.manifests import LoadError
from plumbline.manifests.documents import NotAManifest, resources_in, split_documents
from plumbline.resources import Resource

from .outcomes import DocumentOutcome

MAX_FILES = 200
MAX_DOCUMENTS = 1000
MAX_NAME = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TESTS = re.compile(r"(?:^|[/.])tests\.ya?ml$")


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A file as somebody sent it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """An object with the text of its document; one out of a List has a rendering of its own."""

    resource: Resource
    text: str

    @property
    def file(self) -> str:
        return self.resource.file or ""


@dataclass(slots=True)
class Reading:
    """Everything that the files hold: documents, files of tests, and what could not be read."""

    files: list[PolicyFile] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    tests: list[PolicyFile] = field(default_factory=list)
    problems: list[DocumentOutcome] = field(default_factory=list)


def read_files(files: Sequence[PolicyFile]) -> Reading:
    """Raises PlumblineError for nothing at all, TooLarge beyond a limit; a broken document is among the problems."""
    if not files:
        raise PlumblineError("Send at least one file.", fields={"files": "At least one."})
    if len(files) > MAX_FILES:
        raise TooLarge(f"At most {MAX_FILES} files at once; these are {len(files)}.", code="too_many_files")
    if sum(len(file.content) for file in files) > settings.UPLOAD_MAX_BYTES:
        raise TooLarge(f"The files are over {settings.UPLOAD_MAX_BYTES} bytes together. Send them in parts.")
    reading = Reading(files=_with_names(files))
    for file in reading.files:
        if _TESTS.search(file.name):
            reading.tests.append(file)
            continue
        for found in _documents(file):
            (reading.documents if isinstance(found, Document) else reading.problems).append(found)  # type: ignore[arg-type]
            if len(reading.documents) + len(reading.problems) > MAX_DOCUMENTS:
                raise TooLarge(f"At most {MAX_DOCUMENTS} documents at once.", code="too_many_documents")
    return reading


def _with_names(files: Sequence[PolicyFile]) -> list[PolicyFile]:
    """The files under names of their own, without control characters and of bearable length."""
    named: dict[str, PolicyFile] = {}
    for number, file in enumerate(files, 1):
        wanted = _CONTROL.sub("", file.name).strip()[-MAX_NAME:] or f"file-{number}.yaml"
        name, twin = wanted, 1
        while name in named:
            twin += 1
            name = f"{wanted} ({twin})"
        named[name] = PolicyFile(name, file.content)
    return list(named.values())


def _documents(file: PolicyFile) -> Iterator[Document | DocumentOutcome]:
    try:
        text = file.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield _refused(file.name, None, f"is not UTF-8 text: byte {error.start + 1} is no part of a character")
        return
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        yield _refused(file.name, line, "holds a NUL character")
        return
    texts = list(split_documents(text))
    if not texts:
        yield _refused(file.name, None, "holds no document")
    starts = [line for _, line in texts]
    for found in resources_in(text, file.name):
        if isinstance(found, LoadError):
            yield _refused(file.name, found.line, found.message)
        elif isinstance(found, NotAManifest):
            yield _refused(file.name, found.line, found.what)
        else:
            yield Document(found, _text_of(found, texts, starts))


def _text_of(resource: Resource, texts: Sequence[tuple[str, int]], starts: Sequence[int]) -> str:
    if resource.prefix:
        return render_yaml(in_order(resource.object))
    return texts[bisect_right(starts, resource.line or 1) - 1][0].strip("\n").removeprefix("---\n").rstrip() + "\n"


def _refused(file: str, line: int | None, reason: str) -> DocumentOutcome:
    return DocumentOutcome(file, line, "refused", reason=reason)
