"""Engines, started once for the module that asks for them."""

from collections.abc import Iterator

import pytest

from plumbline.engines.rego.engines import RegoEngine
from tests.plumbline.engines.rego.available import STARTS


@pytest.fixture(scope="module", params=list(STARTS))
def engine(request: pytest.FixtureRequest) -> Iterator[RegoEngine]:
    started = STARTS[request.param](5.0)
    yield started
    started.close()


@pytest.fixture(params=list(STARTS))
def hasty(request: pytest.FixtureRequest) -> Iterator[RegoEngine]:
    """An engine that waits for half a second."""
    started = STARTS[request.param](0.5)
    yield started
    started.close()
