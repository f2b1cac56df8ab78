"""What a fix would change, shown on the manifest as it was last reported."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jsonpatch

from clusters.models import Resource
from compliance.models import Violation
from plumbline.fixes import FixError, apply_patch, unified_diff

from .manifests import in_order

Patch = list[dict[str, Any]]
_ABSENT = object()


class _Conflict(ValueError):
    """Two fixes want different things of the same field."""


@dataclass(frozen=True, slots=True)
class CombinedFix:
    """All automatic fixes of a resource as one RFC 6902 patch, its diff, and how many it closes."""

    patch: Patch
    diff: str
    closed_count: int


def violation_diff(violation: Violation) -> str | None:
    """The unified diff of a fix; None without one, or when the manifest has moved on from it."""
    manifest = violation.resource.manifest
    if violation.fix is None or manifest is None or _mended(manifest, violation.fix) is None:
        return None
    return unified_diff(in_order(manifest), violation.fix)


def combined_fix(resource: Resource, violations: Iterable[Violation]) -> CombinedFix | None:
    """One fix for all violations that have one; those that contradict an earlier one are left out.

    None when nothing can be mended automatically.
    """
    manifest = resource.manifest
    if manifest is None:
        return None
    merged, closed_count = manifest, 0
    for violation in violations:
        mended = _mended(manifest, violation.fix) if violation.fix else None
        if mended is None:
            continue
        try:
            merged = _merge(manifest, merged, mended)
        except _Conflict:
            continue
        closed_count += 1
    patch = jsonpatch.make_patch(manifest, merged).patch
    if not patch:
        return None
    return CombinedFix(patch=patch, diff=unified_diff(in_order(manifest), patch), closed_count=closed_count)


def _mended(manifest: dict[str, Any], patch: Patch) -> dict[str, Any] | None:
    try:
        return apply_patch(manifest, patch)
    except FixError:
        return None


def _merge(base: Any, ours: Any, theirs: Any) -> Any:
    """Both changes of `base` at once. Raises _Conflict when they differ on one field."""
    if theirs in (base, ours):
        return ours
    if ours == base:
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return _merge_objects(base if isinstance(base, dict) else {}, ours, theirs)
    if isinstance(ours, list) and isinstance(theirs, list):
        return _merge_lists(base if isinstance(base, list) else [], ours, theirs)
    raise _Conflict


def _merge_objects(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    merged = {
        key: _merge(base.get(key, _ABSENT), ours.get(key, _ABSENT), theirs.get(key, _ABSENT))
        for key in {**ours, **theirs}
    }
    return {key: value for key, value in merged.items() if value is not _ABSENT}


def _merge_lists(base: list[Any], ours: list[Any], theirs: list[Any]) -> list[Any]:
    if len(base) == len(ours) == len(theirs):
        return [_merge(*members) for members in zip(base, ours, theirs, strict=True)]
    if any(isinstance(member, dict | list) for member in (*base, *ours, *theirs)):
        raise _Conflict
    kept = [member for member in ours if member in theirs or member not in base]
    return kept + [member for member in theirs if member not in ours and member not in base]
