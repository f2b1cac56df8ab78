"""Lines found by indentation are the lines that a parser gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plumbline import paths
from plumbline.manifests import lines
from plumbline.manifests.blocks import Blocks, IntricateError
from plumbline.manifests.documents import split_documents
from plumbline.manifests.lines import Lines
from plumbline.manifests.parsing import parse_document
from plumbline.manifests.strict import StrictError

FLEET = Path(__file__).parents[2] / "examples" / "fleet"


def every_path(value: Any, path: paths.Path = ()) -> Iterator[paths.Path]:
    """Paths of all that is there, and beside it of some that is not."""
    yield path
    yield (*path, "missing")
    yield (*path, 7)
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        yield from every_path(child, (*path, step))


def parsed(text: str, wanted: list[paths.Path]) -> list[int | None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "Blocks", refuse)
        return list(map(Lines(text, 0), wanted))


def refuse(_: str) -> Blocks:
    raise IntricateError


def agrees(text: str) -> bool:
    """Whether indentation told; fails when it told something else than the parser."""
    try:
        value = parse_document(text)
        blocks = Blocks(text)
    except (StrictError, IntricateError):
        return False
    wanted = list(every_path(value))
    for path, line in zip(wanted, parsed(text, wanted), strict=True):
        try:
            found = blocks.line(path)
        except IntricateError:
            continue
        assert found == line, (path, text)
    return True


def test_most_of_the_fleet_is_plain_and_its_lines_agree() -> None:
    told = [
        agrees(document)
        for file in sorted(FLEET.rglob("*.yaml"))[:25]
        for document, _ in split_documents(file.read_text())
    ]
    assert sum(told) > len(told) * 0.6


WORDS = st.sampled_from(
    ["a", "b", "name", "a.b/c", "x y", "|", ">", "- a", "a: b", "#", "'", '"', "1", "", "[", "x\ny"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 99) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(
    data=st.dictionaries(WORDS, VALUES, min_size=1, max_size=4),
    indent=st.integers(2, 4),
    style=st.sampled_from([None, "|", "'"]),
)
def test_lines_of_what_other_tools_write_agree(data: dict[str, Any], indent: int, style: str | None) -> None:
    agrees(yaml.safe_dump(data, indent=indent, default_style=style, width=20))
    agrees(yaml.safe_dump(data, indent=indent))


PIECES = st.sampled_from(
    [
        "a:",
        "b:",
        "a: 1",
        "- ",
        "- a: 1",
        "- b:",
        "|",
        "> ",
        "# a: 1",
        "{a: 1}",
        "[1, 2]",
        '"a',
        'b"',
        "'",
        "\n",
        "text",
    ]
)


@settings(max_examples=400, deadline=None)
@given(written=st.lists(st.tuples(st.integers(0, 6), PIECES), max_size=9))
@example(written=[(0, "a:"), (0, "- a: 1"), (2, "b: |"), (4, "a: 1"), (0, "b:")])
def test_lines_of_whatever_a_person_writes_agree(written: list[tuple[int, str]]) -> None:
    agrees("\n".join(" " * indent + piece for indent, piece in [(0, "k: v"), *written]))


def test_text_over_several_lines_is_left_to_the_parser() -> None:
    text = 'a: "one\nb: two"\nb: 3\n'
    with pytest.raises(IntricateError):
        Blocks(text)
    assert Lines(text, 1)(("b",)) == 3
