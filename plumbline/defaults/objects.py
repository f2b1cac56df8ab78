"""Objects walked along the shapes of their kinds.

`shapes.json` says how Kubernetes 1.36 writes each field whose absence or emptiness shows; all others stay as they are:

    0               left out when it is zero, false or empty text
    !VALUE          VALUE when it is absent
    []X  {}X        a list or map of X, left out when it is empty; with ! in between, null when it is absent
    *X   .X         a structure X when it is given; one that is always there
    Quantity        one that is always there; *Quantity when it is given
    IntOrString     0 when it is absent

X is the name of a shape, `Quantity`, or nothing for plain values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from plumbline.defaults.constants import CONSTANTS
from plumbline.defaults.parts import Fields
from plumbline.defaults.quantities import canonical
from plumbline.defaults.rules import AFTER, BEFORE, WHOLE


class Field(NamedTuple):
    """How a field is written: `form` is the code's beginning, `of` the shape or the value after it."""

    form: str
    of: Any


class Shapes(NamedTuple):
    """`kinds` by apiVersion and kind, `fields` by shape."""

    kinds: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, Mapping[str, Field]]


def defaulted(obj: Fields) -> Fields:
    """A copy of an object without nulls as the API server completes it before it asks policies; the object itself when
    its kind is none of Kubernetes' own. Fields of a wrong type, and fields that are not known, stay as they are.
    """
    version, kind = obj.get("apiVersion"), obj.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        return obj
    shape = _shapes().kinds.get(version, {}).get(kind)
    if shape is None:
        return obj
    whole = dict(obj)
    for rule in WHOLE.get(shape, ()):
        rule(whole)
    return _completed(whole, shape)


@cache
def _shapes() -> Shapes:
    data = json.loads(Path(__file__).with_name("shapes.json").read_text("utf-8"))
    fields = {shape: {name: _field(code) for name, code in codes.items()} for shape, codes in data["shapes"].items()}
    return Shapes(data["kinds"], fields)


def _field(code: str) -> Field:
    form = next(form for form in ("0", "[]!", "[]", "{}!", "{}", "!", "*", ".", "") if code.startswith(form))
    rest = code[len(form) :]
    return Field(form, json.loads(rest) if form == "!" else rest)


def _completed(given: Fields, shape: str) -> Fields:
    value = dict(given)
    fields = _shapes().fields.get(shape, {})
    for name, constant in CONSTANTS.get(shape, {}).items():
        if name not in value or (not value[name] and name in fields and fields[name].form == "0"):
            value[name] = constant.copy() if isinstance(constant, (dict, list)) else constant
    for rule in BEFORE.get(shape, ()):
        rule(value)
    for name, field in fields.items():
        _FORMS[field.form](value, name, field.of)
    for rule in AFTER.get(shape, ()):
        rule(value)
    return value


def _scalar(value: Fields, name: str, _of: str) -> None:
    if name in value and not value[name] and not isinstance(value[name], (dict, list)):
        del value[name]


def _present(value: Fields, name: str, zero: Any) -> None:
    value.setdefault(name, zero)


def _pointer(value: Fields, name: str, shape: str) -> None:
    if name in value:
        value[name] = _inside(value[name], shape)


def _structure(value: Fields, name: str, shape: str) -> None:
    value[name] = _inside(value.get(name, {}), shape)


def _list(value: Fields, name: str, shape: str) -> None:
    items = value.get(name)
    if items == []:
        del value[name]
    elif shape and isinstance(items, list):
        value[name] = [_inside(item, shape) for item in items]


def _map(value: Fields, name: str, shape: str) -> None:
    entries = value.get(name)
    if entries == {}:
        del value[name]
    elif shape and isinstance(entries, dict):
        value[name] = {key: _inside(item, shape) for key, item in entries.items()}


def _nullable(fill: Callable[[Fields, str, str], None]) -> Callable[[Fields, str, str], None]:
    def filled(value: Fields, name: str, shape: str) -> None:
        if value.get(name):
            fill(value, name, shape)
        elif not value.get(name):
            value[name] = None

    return filled


def _bare(value: Fields, name: str, of: str) -> None:
    """A quantity, or a number or name, which is zero when it is absent."""
    if of == "Quantity":
        value[name] = canonical(value.get(name, "0"))
    else:
        value.setdefault(name, 0)


def _inside(value: Any, shape: str) -> Any:
    if shape == "Quantity":
        return canonical(value)
    return _completed(value, shape) if isinstance(value, dict) else value


_FORMS: Final[Mapping[str, Callable[[Fields, str, Any], None]]] = {
    "0": _scalar,
    "!": _present,
    "*": _pointer,
    ".": _structure,
    "[]": _list,
    "{}": _map,
    "[]!": _nullable(_list),
    "{}!": _nullable(_map),
    "": _bare,
}
