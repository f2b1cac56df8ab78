"""What expressions read of the values that they are given, down to the fields of elements, and those values cut down
to it: an expression yields the same for a value and for what it reads of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final, TypeAlias

from plumbline.engines.cel import Program, activate
from plumbline.engines.dependencies import Part
from plumbline.engines.messages import parse

EACH: Final = 0  # no number is a field's name
"""Stands for every element of a list, and every value of a map."""

MEMBER: Final = 1
"""Stands for every element of a list, and every key of a map: what loops go through."""

Reading: TypeAlias = "Mapping[str | int, Reading] | None"
"""The fields that are read of a map, each with what is read of it in turn. {} when no more is read than whether there
is a value; None when all of it is. Of what is neither map nor list, anything but {} reads all.
"""

UNREAD: Final[Reading] = {}
_BLANK: Final[dict[type, Any]] = {str: "", bool: False, int: 0, float: 0.0, dict: {}, list: []}

_ROUNDS: Final = 4  # of a loop, after which all that it gathered counts as read
_CHOICES: Final = frozenset(("orValue", "or", "_+_"))
_SAME: Final = frozenset(("dyn", "value", "optional.of", "@not_strictly_false", "__not_strictly_false__"))
_COUNTS: Final = frozenset(("size", "optional.ofNonZeroValue"))
_INDEXES: Final = frozenset(("_[_]", "_?._", "_[?_]"))


def view(value: Any, reading: Reading) -> Any:
    """`value` without what is not read of it. Lists keep their length where any element counts, else become empty."""
    if reading is None:
        return value
    if not reading:
        return _BLANK.get(value.__class__, value)
    if value.__class__ is dict:
        if EACH in reading or MEMBER in reading:
            each = reading.get(EACH, UNREAD)
            return {name: view(item, reading.get(name, each)) for name, item in value.items()}
        seen = {}
        for name, below in reading.items():
            if name in value:
                item = value[name]
                seen[name] = item if below is None else view(item, below)
        return seen
    if value.__class__ is list:
        member = reading[MEMBER] if MEMBER in reading else reading.get(EACH, UNREAD)
        return [view(item, member) for item in value] if EACH in reading or MEMBER in reading else []
    return value


def reading_of_parts(parts: Iterable[Part]) -> Reading:
    """The reading that names these parts."""
    root = _Place()
    for part in parts:
        place = root
        for step in part:
            place = place.at(step)
        place.is_whole = True
    return root.reading()


class Question:
    """A program that is asked about what it reads alone of the values that there are."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def ask(self, values: Mapping[str, Any]) -> Any:
        """The program's value. Raises ExpressionError."""
        if not self._reading:
            return self._constant
        seen = {name: view(values[name], reading) for name, reading in self._reading if name in values}
        return self._program.evaluate(activate(seen))

    @cached_property
    def _constant(self) -> Any:
        return self._program.evaluate(activate({}))

    @cached_property
    def _reading(self) -> tuple[tuple[str, Reading], ...]:
        serialized = self._program.serialized()
        reading = None if serialized is None else reading_of(serialized)
        return () if reading is None else tuple((str(name), below) for name, below in reading.items())


def reading_of(serialized: bytes) -> Reading:
    """What a checked expression reads, by the names that it is given."""
    root = _Place()
    _Reader(root).value(parse(serialized).expr, {}).read()
    return root.reading()


class _Place:
    """Where a value may come from, with what is read of it."""

    __slots__ = ("below", "is_whole")

    def __init__(self) -> None:
        self.below: dict[str | int, _Place] = {}
        self.is_whole = False

    def at(self, step: str | int) -> _Place:
        return self.below.setdefault(step, _Place())

    def reading(self) -> Reading:
        if self.is_whole:
            return None
        each = self.below.get(EACH)
        if each is not None:  # what is read of every value is read of the named ones too
            for place in self.below.values():
                if place is not each:
                    place.take(each)
        return {name: place.reading() for name, place in self.below.items()}

    def take(self, other: _Place) -> None:
        self.is_whole = self.is_whole or other.is_whole
        for name, place in other.below.items():
            self.at(name).take(place)


class _Value:
    """What a part of an expression may yield: values from `places`, or lists and maps made of `elements`."""

    __slots__ = ("elements", "places")

    def __init__(self, places: Iterable[_Place] = (), elements: _Value | None = None) -> None:
        self.places = tuple(dict.fromkeys(places))
        self.elements = elements

    def at(self, step: str | int) -> _Value:
        inner = _Value(place.at(step) for place in self.places)
        return inner.or_else(self.elements) if self.elements else inner

    def or_else(self, other: _Value) -> _Value:
        if self.elements and other.elements:
            elements: _Value | None = self.elements.or_else(other.elements)
        else:
            elements = self.elements or other.elements
        return _Value((*self.places, *other.places), elements)

    def read(self) -> None:
        for place in self.places:
            place.is_whole = True
        if self.elements:
            self.elements.read()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Value) and {*self.places} == {*other.places} and self.elements == other.elements
        )

    __hash__ = None  # type: ignore[assignment]


_NOTHING: Final = _Value()


class _Reader:
    """Follows values through an expression; what is done with them beyond selecting from them reads them whole."""

    def __init__(self, root: _Place) -> None:
        self._root = root

    def value(self, node: Any, bound: Mapping[str, _Value]) -> _Value:
        match node.WhichOneof("kind"):
            case "ident_expr":
                name = node.ident_expr.name
                found = bound.get(name)
                return _Value((self._root.at(name),)) if found is None else found
            case "select_expr":
                select = node.select_expr
                selected = self.value(select.operand, bound).at(select.field)
                return _NOTHING if select.test_only else selected
            case "call_expr":
                return self._call(node.call_expr, bound)
            case "list_expr":
                return self._made(node.list_expr.elements, bound)
            case "struct_expr":
                return self._map(node.struct_expr.entries, bound)
            case "comprehension_expr":
                return self._comprehension(node.comprehension_expr, bound)
        return _NOTHING

    def _made(self, nodes: Iterable[Any], bound: Mapping[str, _Value]) -> _Value:
        elements = _NOTHING
        for node in nodes:
            elements = elements.or_else(self.value(node, bound))
        return _Value((), elements)

    def _map(self, entries: Iterable[Any], bound: Mapping[str, _Value]) -> _Value:
        for entry in entries:
            self.value(entry.map_key, bound).read()
        return self._made((entry.value for entry in entries), bound)

    def _call(self, call: Any, bound: Mapping[str, _Value]) -> _Value:
        name = call.function
        given = [self.value(argument, bound) for argument in call.args]
        if call.HasField("target"):
            given.insert(0, self.value(call.target, bound))
        if name == "_?_:_":
            given[0].read()
            return given[1].or_else(given[2])
        if name in _INDEXES:
            given[1].read()
            return given[0].at(call.args[-1].const_expr.string_value or EACH)
        if name in _SAME and len(given) == 1:
            return given[0]
        if name in _CHOICES and len(given) == 2:
            return given[0].or_else(given[1])
        if name == "hasValue":
            return _NOTHING
        if name == "@in":
            given[0].read()
            given[1].at(MEMBER).read()
            return _NOTHING
        if name in _COUNTS and len(given) == 1:
            given[0].at(MEMBER)
            return given[0] if name != "size" else _NOTHING
        for value in given:
            value.read()
        return _NOTHING

    def _comprehension(self, loop: Any, bound: Mapping[str, _Value]) -> _Value:
        over = self.value(loop.iter_range, bound)
        member = over.at(MEMBER)
        gathered = self.value(loop.accu_init, bound)
        for _ in range(_ROUNDS):
            inside = {**bound, loop.iter_var: member, loop.accu_var: gathered}
            if loop.iter_var2:  # the first is an index or a key then
                inside[loop.iter_var2] = over.at(EACH)
            self.value(loop.loop_condition, inside).read()
            before, gathered = gathered, gathered.or_else(self.value(loop.loop_step, inside))
            if gathered == before:
                break
        else:
            gathered.read()
        return self.value(loop.result, {**bound, loop.accu_var: gathered})
