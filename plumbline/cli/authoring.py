"""`plumbline policy new`: a policy that works, to be changed."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, Final

from plumbline.cli.arguments import UsageError
from plumbline.library import library_policies
from plumbline.schemas import load_schema, text_of
from plumbline.spelling import nearest
from plumbline.testing import drafts

_SCHEMAS: Final = ("policy-v1", "policy-tests-v1")
_SCHEMA_FOLDER: Final = ".schemas"


def new(options: argparse.Namespace) -> int:
    """Write the folder and say what to do next. Raises UsageError for what cannot be used, and overwrites nothing."""
    schema = load_schema("policy-v1")["properties"]
    identifier, category = _identifier(options.id, schema), _category(options.category, schema)
    kinds = _kinds(options.kinds, load_schema("policy-v1")["$defs"]["kinds"])
    root = Path(options.dir)
    folder = root / category / identifier
    taken = [file for name in ("policy.yaml", "tests.yaml") if (file := folder / name).exists()]
    if taken:
        raise UsageError(f"{taken[0]} exists already: nothing was written")
    draft = drafts.draft(identifier, category, options.severity, kinds)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_schemas(root / _SCHEMA_FOLDER)
        for name, schema_name, text in zip(("policy.yaml", "tests.yaml"), _SCHEMAS, draft, strict=True):
            link = f"# yaml-language-server: $schema=../../{_SCHEMA_FOLDER}/{schema_name}.json\n"
            with (folder / name).open("x", encoding="utf-8") as stream:
                stream.write(link + text)
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from error
    print(f"Wrote {folder}/policy.yaml and tests.yaml.")
    if identifier in {policy.id for policy in library_policies()}:
        print(f"The library has a policy {identifier}, too: with --policies, yours takes its place.")
    print(f"Next: plumbline test {root} --policy {identifier} --coverage")
    return 0


def _identifier(text: str, schema: dict[str, Any]) -> str:
    name = schema["metadata"]["properties"]["name"]
    if len(text) > name["maxLength"] or not re.fullmatch(name["pattern"], text):
        raise UsageError(
            f"{text!r} is no id: use small letters, digits and hyphens, at most {name['maxLength']} characters, "
            "neither first nor last a hyphen"
        )
    return text


def _category(text: str, schema: dict[str, Any]) -> str:
    known: list[str] = schema["spec"]["properties"]["category"]["enum"]
    if text not in known:
        raise UsageError(f"there is no category {text}{nearest(text, known)}; there are {', '.join(known)}")
    return text


def _kinds(text: str, schema: dict[str, Any]) -> list[str]:
    kinds = [kind.strip() for kind in text.split(",") if kind.strip()]
    for kind in kinds:
        if not re.fullmatch(schema["items"]["pattern"].strip("^$"), kind):
            raise UsageError(
                f"{kind!r} is no kind: use workloads, Kind, group/Kind (without a version), or '*' for every kind"
            )
    if not kinds:
        raise UsageError("--kinds names none: use workloads, Kind, group/Kind, or '*' for every kind")
    return kinds


def _write_schemas(folder: Path) -> None:
    """Copies for editors, which need no network then; brought up to date when they differ."""
    folder.mkdir(exist_ok=True)
    for name in _SCHEMAS:
        file = folder / f"{name}.json"
        text = text_of(name)
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")
