"""Cases from `tests.yaml`: objects, each with the verdict that a policy must give."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from plumbline.manifests import LoadError
from plumbline.manifests.limits import StrictError
from plumbline.manifests.lines import Lines
from plumbline.manifests.parsing import parse_document
from plumbline.paths import Path as Steps
from plumbline.policies.model import dotted
from plumbline.schemas import load_schema, validator

Expectation = Literal["pass", "fail", "error", "skip", "none"]
MAX_CASES_BYTES: Final = 8 * 1024 * 1024
_ONLY: Final = {"path": "fail or error", "message": "fail, error or skip", "fixed": "fail"}
_ONLY_BY_INDEX: Final = tuple(_ONLY)


@dataclass(frozen=True, slots=True)
class Case:
    """One object and what must be said of it; `line` is where the case begins in its file."""

    name: str
    object: dict[str, Any]
    expect: Expectation
    line: int
    policy: str | None = None
    rule: str | None = None
    path: str | None = None
    message: str | None = None
    params: dict[str, Any] | None = None
    related: tuple[dict[str, Any], ...] = ()
    fixed: dict[str, Any] | None = None


def load_cases(file: Path) -> tuple[list[Case], list[LoadError]]:
    """The cases of a file, and everything that is wrong with those that cannot be used, with lines."""
    try:
        raw = file.read_bytes()
        if len(raw) > MAX_CASES_BYTES:
            return [], [LoadError(str(file), None, f"is larger than {MAX_CASES_BYTES} bytes")]
        text = raw.decode("utf-8-sig")
        document = parse_document(text)
    except OSError as error:
        return [], [LoadError(str(file), None, f"cannot be read: {error.strerror or error}")]
    except UnicodeDecodeError as error:
        return [], [LoadError(str(file), None, f"is not UTF-8 text: {error.reason}")]
    except StrictError as error:
        return [], [LoadError(str(file), error.line, error.message)]
    if not isinstance(document, list) or not document:
        return [], [LoadError(str(file), 1, "must be a list of cases, each with name, object and expect")]
    return _cases(file, document, Lines(text, 1))


def _cases(file: Path, document: list[Any], lines: Lines) -> tuple[list[Case], list[LoadError]]:
    problems: list[LoadError] = []
    broken: set[str | int] = set()
    for path, message in _complaints(document):
        broken.add(path[0])
        problems.append(LoadError(str(file), lines(path), message))
    cases: list[Case] = []
    names: dict[str, int] = {}
    for index, item in enumerate(document):
        if index in broken:
            continue
        line = lines((index,)) or 1
        first = names.setdefault(item["name"], line)
        if first == line:
            cases.append(Case(line=line, **{**item, "related": tuple(item.get("related", ()))}))
        else:
            message = f"{_title(item)}: the name is already taken in line {first}"
            problems.append(LoadError(str(file), line, message))
    return cases, problems


def _complaints(document: list[Any]) -> Iterator[tuple[Steps, str]]:
    """Where the document does not fit the schema, and why, in our words where they say more."""
    for error in validator("policy-tests-v1").iter_errors(document):
        path: Steps = tuple(error.instance_path)
        case = _title(document[int(path[0])]) if path else "the file"
        field = dotted(list(path[1:])).lstrip(".")
        kind, details = error.kind.name, error.kind.as_dict()
        if kind == "additionalProperties" and len(path) == 1:
            for name in details["unexpected"]:
                yield (*path, name), f"{case}: unknown key {name}{_nearest(name)}"
        elif kind == "required":
            name = str(details["property"]).strip('"')
            yield path, f"{case}: {field or 'it'} has no {name}"
        elif "allOf" in error.schema_path:
            name = _ONLY_BY_INDEX[error.schema_path[error.schema_path.index("allOf") + 1]]
            yield (*path[:1], name), f"{case}: {name} goes with expect: {_ONLY[name]} alone"
        elif kind == "enum":
            yield path, f"{case}: {field}: {error.instance!r} is none of {', '.join(details['options'])}"
        else:
            yield path or (0,), f"{case}: {f'{field}: ' if field else ''}{error.message}"


def _nearest(name: str) -> str:
    known = load_schema("policy-tests-v1")["$defs"]["case"]["properties"]
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


def _title(item: Any) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return f"case {name!r}" if isinstance(name, str) else "a case"
