"""Objects are completed here as the API server completed them before it asked its policies."""

import json
from typing import Any

import pytest

from plumbline.defaults import defaulted
from plumbline.nulls import without_nulls
from tests.e2e.defaulting import compared
from tests.e2e.record import answers
from tests.e2e.scenarios import label

PAIRS: list[list[dict[str, Any]]] = answers("defaults")


@pytest.mark.parametrize(("given", "made"), PAIRS, ids=[label(given) for given, _ in PAIRS])
def test_an_object_gets_the_defaults_that_the_server_gave(given: dict[str, Any], made: dict[str, Any]) -> None:
    assert compared(defaulted(without_nulls(given))) == made


def test_what_was_given_is_not_touched() -> None:
    before = json.dumps(PAIRS)

    assert len([defaulted(given) for given, _ in PAIRS]) == len(PAIRS)
    assert json.dumps(PAIRS) == before


def test_the_objects_are_of_many_kinds() -> None:
    assert len(PAIRS) > 150
    assert len({made["kind"] for _, made in PAIRS}) > 30
