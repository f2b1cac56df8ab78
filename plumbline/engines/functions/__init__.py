"""Kubernetes' function libraries for CEL, with the API server's results."""

from __future__ import annotations

from plumbline.engines.functions import addresses, formats, lists, maps, quantities, semvers, texts, urls

LIBRARY = (
    *quantities.FUNCTIONS,
    *urls.FUNCTIONS,
    *addresses.FUNCTIONS,
    *semvers.FUNCTIONS,
    *formats.FUNCTIONS,
    *lists.FUNCTIONS,
    *texts.FUNCTIONS,
    *maps.FUNCTIONS,
)
"""What the engine runs."""

DECLARED = formats.DECLARED
"""What is checked as it is written, and rewritten to be run."""
