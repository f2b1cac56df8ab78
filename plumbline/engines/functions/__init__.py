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
"""What the engine lacks."""

REPLACED = (*texts.REPLACED, *lists.REPLACED)
"""What the engine has and is not used: sources name these functions by other names when they are run."""

DECLARED = formats.DECLARED
"""What is checked as it is written, and rewritten to be run."""
