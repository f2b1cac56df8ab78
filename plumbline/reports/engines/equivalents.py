"""The same check under the names of other engines, as the library knows them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from plumbline.library import library_directory
from plumbline.manifests.parsing import parse_document

Names = dict[tuple[str, str], tuple[str, ...]]


@cache
def library_equivalents() -> Names:
    """From (engine, its name for a check) to the library's policies that ask the same, ordered by id."""
    document = parse_document((library_directory() / "policies" / "equivalents.yaml").read_text())
    found: dict[tuple[str, str], set[str]] = {}
    for slug, engines in document.items():
        for engine, names in engines.items():
            for name in names:
                found.setdefault((engine, name), set()).add(slug)
    return {key: tuple(sorted(slugs)) for key, slugs in found.items()}


def equivalents_of(engine: str, names: Iterable[str]) -> list[str]:
    """The library's policies that ask what an engine's policy asks. `names` are the policy's, and its rules'.

    `trivy-config-audit` and `kyverno-validating-policy` go by the engine's first word; a constraint of Gatekeeper,
    `Kind/name`, by its kind.
    """
    known, family = library_equivalents(), engine.split("-")[0]
    return sorted({slug for name in names for slug in known.get((family, name.partition("/")[0]), ())})
