"""Fixes as RFC 6902 patches of the whole object, and as the diff that a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from plumbline import paths

Patch = list[dict[str, Any]]
Step = tuple[str, paths.Path, Any]


class FixError(ValueError):
    """A patch that does not fit the object."""


def build_patch(obj: dict[str, Any], steps: Iterable[Step]) -> Patch | None:
    """Operations for steps `(op, path, value)`, op being `set` (which creates missing parents) or `remove`.

    None when there is nothing to do, or a path leads through something that is neither a map nor a list.
    """
    patch: Patch = []
    remaining = list(steps)
    for index, (op, path, value) in enumerate(remaining):
        made = _set(obj, path, value) if op == "set" else _remove(obj, path)
        if made is None:
            return None
        if made:
            patch.append(made)
            if index + 1 < len(remaining):
                obj = apply_patch(obj, [made])
    return patch or None


def apply_patch(obj: dict[str, Any], patch: Patch) -> dict[str, Any]:
    """The object with `patch` applied; `obj` itself is left alone. Raises FixError when the patch does not
    fit.
    """
    import jsonpatch  # here, because a scan applies few patches and its start is dear

    try:
        patched: dict[str, Any] = jsonpatch.apply_patch(_unshared(obj), _unshared(patch), in_place=True)
    except (
        jsonpatch.JsonPatchException,
        jsonpatch.JsonPointerException,
        TypeError,
        KeyError,
        AttributeError,
    ) as error:
        raise FixError(f"the patch does not fit the object: {error}") from error
    return patched


def unified_diff(obj: dict[str, Any], patch: Patch, context: int = 3) -> str:
    """What `patch` changes, as a unified diff of the object's YAML; the empty string when it changes
    nothing.
    """
    import difflib

    before = render_yaml(obj).splitlines(keepends=True)
    after = render_yaml(apply_patch(obj, patch)).splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, after, "before", "after", n=context))


def render_yaml(obj: Any) -> str:
    """Block-style YAML, two spaces a level, keys in their original order."""
    from plumbline.renderings import render_yaml

    return render_yaml(obj)


@lru_cache(maxsize=16_384)
def pointer(path: paths.Path) -> str:
    """An RFC 6901 pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _unshared(value: Any) -> Any:
    """A copy in which no map or list is there twice: an alias in YAML must not let a patch reach its siblings."""
    if isinstance(value, dict):
        return {key: _unshared(item) for key, item in value.items()}
    return [_unshared(item) for item in value] if isinstance(value, list) else value


def _set(obj: Any, path: paths.Path, value: Any) -> dict[str, Any] | None:
    """One operation, {} when the value is already there, None when it cannot be."""
    at = obj
    for depth, step in enumerate(path):
        child = _child(at, step)
        if child is _IMPOSSIBLE:
            return None
        if child is paths.MISSING or (child is None and depth + 1 < len(path)):
            built = _nested(path[depth + 1 :], value)
            return None if built is _IMPOSSIBLE else {"op": "add", "path": pointer(path[: depth + 1]), "value": built}
        at = child
    if _same(at, value):
        return {}
    return {"op": "replace", "path": pointer(path), "value": value}


def _remove(obj: Any, path: paths.Path) -> dict[str, Any] | None:
    if not path:
        return None
    return {} if paths.lookup(obj, path) is paths.MISSING else {"op": "remove", "path": pointer(path)}


_IMPOSSIBLE = object()


def _child(value: Any, step: paths.Step) -> Any:
    if isinstance(value, dict):
        return value.get(step, paths.MISSING)
    if isinstance(value, list) and isinstance(step, int):
        if step < len(value):
            return value[step]
        return paths.MISSING if step == len(value) else _IMPOSSIBLE
    return _IMPOSSIBLE


def _nested(path: paths.Path, value: Any) -> Any:
    for step in reversed(path):
        if isinstance(step, int):
            if step != 0:
                return _IMPOSSIBLE
            value = [value]
        else:
            value = {step: value}
    return value


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other
