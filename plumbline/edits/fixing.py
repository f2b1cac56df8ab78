"""Fixing the text of a file until no fix is left: each change may move what the others speak of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from plumbline import fixes, paths
from plumbline.edits.documents import Edition, Proposal, edit
from plumbline.edits.histories import Author, History, writes_of
from plumbline.edits.refusals import Refusal
from plumbline.evaluation import Evaluator
from plumbline.manifests.documents import NotAManifest, objects_in, split_documents
from plumbline.manifests.limits import StrictError
from plumbline.manifests.lines import Lines
from plumbline.manifests.parsing import LoadError, parse_document
from plumbline.resources import Resource
from plumbline.results import Result

_MAX_ROUNDS = 200
_Key = tuple[paths.Path, str, str, str]


class Remaining(NamedTuple):
    """A violation that is still there, with its line in the fixed text; `reason` says why its fix was not made, None
    when it has no fix.
    """

    policy: str
    rule: str
    path: str
    line: int | None
    reason: str | None


@dataclass(slots=True)
class Fixed:
    """`text` after its fixes. With `errors` it is the text that was given."""

    text: str
    fixed: int = 0
    remaining: list[Remaining] = field(default_factory=list)
    errors: list[LoadError] = field(default_factory=list)

    @property
    def refused(self) -> list[Remaining]:
        return [violation for violation in self.remaining if violation.reason is not None]


def fix_text(text: str, evaluator: Evaluator, file: str | None = None) -> Fixed:
    """All fixes of the evaluator's policies for the documents in `text`. A text with a document that cannot be read is
    left alone.
    """
    outcome = Fixed(text)
    documents = list(_documents(text))
    for document in documents:
        try:
            document.open(file)
        except StrictError as error:
            outcome.errors.append(LoadError(file, error.line, error.message))
    if outcome.errors:
        return outcome
    parts: list[str] = []
    at, added_lines = 0, 0
    for document in documents:
        parts.append(text[at : document.start])
        at = document.start + len(document.text)
        before = document.text.count("\n")
        document.line += added_lines
        document.fix(evaluator, outcome)
        added_lines += document.text.count("\n") - before
        parts.append(document.text)
    outcome.text = "".join((*parts, text[at:]))
    return outcome


def _opposed(rule: str) -> str:
    return f"contradicts {rule}: each would undo what the other sets"


def _documents(text: str) -> Iterator[_Document]:
    start, line = 0, 1
    for piece, at_line in split_documents(text):
        while line < at_line:
            start = text.index("\n", start) + 1
            line += 1
        start = text.index(piece, start)
        yield _Document(piece, start, at_line)
        start += len(piece)
        line += piece.count("\n")


class _Contradiction(Exception):
    """Two fixes undo each other; one of them must not be made at all."""


class _Document:
    """One document on its way from what it was to what it should be."""

    def __init__(self, text: str, start: int, line: int) -> None:
        self.text, self.start, self.line = text, start, line
        self._value: Any = None
        self._file: str | None = None
        self._original = text
        self._banned: dict[_Key, str] = {}
        self._first: set[_Key] = set()
        self._begin()

    def _begin(self) -> None:
        self.text = self._original
        self._refused = dict(self._banned)
        self._histories: dict[paths.Path, History] = {}
        self._seen: Counter[str] = Counter()
        self._applied: set[_Key] = set()

    def open(self, file: str | None) -> None:
        self._file = file
        self._value = parse_document(self.text, self.line)

    def fix(self, evaluator: Evaluator, outcome: Fixed) -> None:
        failing = self._failing(evaluator)
        self._first = set(failing)
        for _ in range(_MAX_ROUNDS):
            try:
                proposals = self._proposals(failing)
            except _Contradiction:
                self._begin()
                self._value = parse_document(self.text, self.line)
            else:
                if not proposals:
                    break
                self._apply(proposals, failing)
            failing = self._failing(evaluator)
        outcome.fixed += len(self._first - set(failing))
        outcome.remaining.extend(self._remaining(failing))

    def _failing(self, evaluator: Evaluator) -> dict[_Key, tuple[Resource, Result]]:
        failing: dict[_Key, tuple[Resource, Result]] = {}
        for resource in objects_in(self._value, Lines(self.text, self.line), self._file, self.line):
            if isinstance(resource, LoadError | NotAManifest):
                continue
            for result in evaluator.judge(resource).results:
                if result.status == "fail":
                    failing[resource.prefix, result.policy, result.rule, result.place] = resource, result
        return failing

    def _proposals(self, failing: dict[_Key, tuple[Resource, Result]]) -> list[Proposal]:
        proposals: list[Proposal] = []
        for key, (resource, result) in failing.items():
            if not result.fix or key in self._refused:
                continue
            rule = f"{result.policy}/{result.rule}"
            self._check_turns(key, rule, resource, result.fix)
            prefix = fixes.pointer(resource.prefix)
            patch = [{**op, "path": prefix + op["path"]} for op in result.fix]
            proposals.append(Proposal(key, rule, patch))
        return proposals

    def _check_turns(self, key: _Key, rule: str, resource: Resource, patch: fixes.Patch) -> None:
        """Raises _Contradiction when a fix that was made is to be made again because another one undid it."""
        if key not in self._applied:
            return
        author = self._history(key).overwriter(rule, writes_of(resource.object, patch))
        if author is None:
            return
        other: Any = author.key
        if key in self._first and other not in self._first:  # the other rule passed before: this fix broke it
            self._banned[key] = _opposed(author.rule)
        else:
            self._banned[other] = _opposed(rule)
        raise _Contradiction

    def _apply(self, proposals: list[Proposal], failing: dict[_Key, tuple[Resource, Result]]) -> None:
        self._seen[self.text] += 1
        edition = edit(self.text, self._value, proposals)
        for proposal, refusal in edition.refused:
            self._refuse(proposal, refusal)
        if edition.text == self.text or self._seen[edition.text] > 1:
            for proposal in edition.applied:
                self._refuse(proposal, Refusal("changes nothing, or what another fix changes back"))
            return
        for proposal in edition.applied:
            key: Any = proposal.key
            resource, result = failing[key]
            self._applied.add(key)
            author = Author(str(proposal.origin), key)
            self._history(key).record(author, writes_of(resource.object, result.fix or []))
        self._take(edition)

    def _take(self, edition: Edition) -> None:
        self.text, self._value = edition.text, parse_document(edition.text, self.line)

    def _refuse(self, proposal: Proposal, refusal: Refusal) -> None:
        key: Any = proposal.key
        where = "" if refusal.at is None else f" (see line {self.line + self.text.count(chr(10), 0, refusal.at)})"
        self._refused[key] = refusal.reason + where

    def _history(self, key: _Key) -> History:
        return self._histories.setdefault(key[0], History())

    def _remaining(self, failing: dict[_Key, tuple[Resource, Result]]) -> Iterator[Remaining]:
        for key, (resource, result) in failing.items():
            reason = self._refused.get(key)
            if reason is None and result.fix:
                reason = f"was not reached in {_MAX_ROUNDS} rounds"
            yield Remaining(result.policy, result.rule, result.path, resource.line_of(result.path), reason)
