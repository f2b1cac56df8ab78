"""A directory of real-looking manifests of any size: the demo fleet's files, repeated under other names."""

from __future__ import annotations

import re
from pathlib import Path

FLEET = Path(__file__).resolve().parent.parent / "examples" / "fleet"
_NAMED = re.compile(r"^metadata:(?: \{|(?:\n  \S.*)*?\n  )name: ([a-z0-9][a-z0-9.-]*)", re.MULTILINE)
_WORD = re.compile(r"(?<=[:,\[{-] )[a-z0-9][a-z0-9.-]*(?=\s*(?:$|[,}\]#]))", re.MULTILINE)
_FIXED = re.compile(r"^\s*(?:- )?(?:image|kind|type): ")
_TAG = re.compile(r"^(\s*(?:- )?image: [^\s@]+:)(?!latest\b)([^\s@:]+)", re.MULTILINE)
_MEMORY = re.compile(r"^(\s*memory: )(\d+)(Mi)\s*$", re.MULTILINE)
_KIND = re.compile(r"^kind: ", re.MULTILINE)


def write_corpus(directory: Path, resources: int) -> int:
    """Fill `directory` with at least `resources` YAML documents; returns how many there are.

    Comments, layout and the mixture of good and bad practice stay as in the fleet. Each copy has names and namespaces
    of its own, and its references, labels and selectors follow them; tags of images and amounts of memory differ too,
    as they do between real workloads: what is remembered of one copy must not answer for all of the next. JSON files
    are left out, because Checkov reads them by other rules.
    """
    sources = [(path, path.read_text()) for path in sorted(FLEET.rglob("*.yaml")) if path.parent != FLEET]
    names = {name for _, text in sources for name in _NAMED.findall(text)}
    written, copy = 0, 0
    while written < resources:
        for path, text in sources:
            target = directory / f"copy-{copy:03d}" / path.relative_to(FLEET)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_varied(text, copy, names))
            written += len(_KIND.findall(text))
            if written >= resources:
                break
        copy += 1
    return written


def _varied(text: str, copy: int, names: set[str]) -> str:
    text = "\n".join(line if _FIXED.match(line) else _renamed(line, copy, names) for line in text.split("\n"))
    text = _TAG.sub(rf"\g<1>\g<2>-{copy:03d}", text)
    return _MEMORY.sub(lambda found: f"{found[1]}{int(found[2]) + copy}{found[3]}", text)


def _renamed(line: str, copy: int, names: set[str]) -> str:
    return _WORD.sub(lambda found: f"{found[0]}-{copy:03d}" if found[0] in names else found[0], line)
