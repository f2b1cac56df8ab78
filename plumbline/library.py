"""The library of policies and standards, from a checkout or from the installed package."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from plumbline.policies import Policy, load_policies

if TYPE_CHECKING:
    from plumbline.standards import Standard

_PACKAGE = Path(__file__).parent


def library_directory() -> Path:
    """Where `policies/` and `standards/` lie: inside the installed package, else at the root of the
    checkout.
    """
    installed = _PACKAGE / "library_data"
    return installed if installed.is_dir() else _PACKAGE.parent


@cache
def library_policies() -> tuple[Policy, ...]:
    """All policies of the library, ordered by id."""
    return tuple(load_policies(library_directory() / "policies", is_proven=True))


@cache
def library_standards() -> tuple[Standard, ...]:
    """All standards of the library, ordered by name."""
    from plumbline.standards import load_standards

    return tuple(load_standards(library_directory() / "standards", is_proven=True))
