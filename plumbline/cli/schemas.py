"""`plumbline schema`: the JSON schemas, for use without a network."""

from __future__ import annotations

import argparse
from pathlib import Path

import plumbline.schemas
from plumbline.cli.arguments import UsageError
from plumbline.schemas import load_schema, text_of
from plumbline.spelling import nearest

_DIRECTORY = Path(plumbline.schemas.__file__).parent


def run(options: argparse.Namespace) -> int:
    """Print the schema as it is published, or the names that there are."""
    names = sorted(file.stem for file in _DIRECTORY.glob("*.json"))
    if options.name is None:
        for name in names:
            print(f"{name:<40} {load_schema(name).get('title', '')}".rstrip())
        return 0
    name = options.name.removesuffix(".json")
    if name not in names:
        raise UsageError(f"there is no schema {name}{nearest(name, names) or f'; there are {chr(44).join(names)}'}")
    print(text_of(name), end="")
    return 0
