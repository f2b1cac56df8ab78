"""A directory of real-looking manifests of any size: the demo fleet's files, repeated under other names."""

from __future__ import annotations

import re
from pathlib import Path

FLEET = Path(__file__).resolve().parent.parent / "examples" / "fleet"
_NAME = re.compile(r"^(\s*(?:- )?name: )([a-z0-9][a-z0-9.-]*)\s*$", re.MULTILINE)
_TAG = re.compile(r"^(\s*(?:- )?image: [^\s@]+:)(?!latest\b)([^\s@:]+)", re.MULTILINE)
_MEMORY = re.compile(r"^(\s*memory: )(\d+)(Mi)\s*$", re.MULTILINE)
_KIND = re.compile(r"^kind: ", re.MULTILINE)


def write_corpus(directory: Path, resources: int) -> int:
    """Fill `directory` with at least `resources` YAML documents; returns how many there are.

    Comments, layout and the mixture of good and bad practice stay as in the fleet. Names, tags of images and
    amounts of memory differ from copy to copy, as they do between real workloads: what is remembered of one copy
    must not answer for all of the next. JSON files are left out, because Checkov reads them by other rules.
    """
    sources = [(path, path.read_text()) for path in sorted(FLEET.rglob("*.yaml")) if path.parent != FLEET]
    written, copy = 0, 0
    while written < resources:
        for path, text in sources:
            target = directory / f"copy-{copy:03d}" / path.relative_to(FLEET)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_varied(text, copy))
            written += len(_KIND.findall(text))
            if written >= resources:
                break
        copy += 1
    return written


def _varied(text: str, copy: int) -> str:
    text = _NAME.sub(rf"\g<1>\g<2>-{copy:03d}", text)
    text = _TAG.sub(rf"\g<1>\g<2>-{copy:03d}", text)
    return _MEMORY.sub(lambda found: f"{found[1]}{int(found[2]) + copy}{found[3]}", text)
