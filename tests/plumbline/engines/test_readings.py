"""What expressions read of their values, and that they yield the same for what they read alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.checks import Check, Instance
from plumbline.engines.cel import ExpressionError, compile_expression
from plumbline.engines.readings import EACH, MEMBER, Question, reading_of, reading_of_parts, view
from plumbline.evaluation import Evaluator
from plumbline.library import library_policies
from plumbline.resources import Resource
from tests.plumbline.fleet import FLEET, with_value_at

ALL = None
NO_MORE: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("source", "reading"),
    [
        ("object.kind == 'Pod'", {"object": {"kind": ALL}}),
        ("object.?spec.?os.orValue('') == ''", {"object": {"spec": {"os": ALL}}}),
        ("has(object.spec.os)", {"object": {"spec": {"os": NO_MORE}}}),
        ("object.?spec.?os.hasValue()", {"object": {"spec": {"os": NO_MORE}}}),
        ("object.labels['a.b/c'] == ''", {"object": {"labels": {"a.b/c": ALL}}}),
        ("object.labels[?'a'].orValue('') == ''", {"object": {"labels": {"a": ALL}}}),
        ("object.list[0].name == ''", {"object": {"list": {EACH: {"name": ALL}}}}),
        ("object.map[object.key] == 1", {"object": {"map": {EACH: ALL}, "key": ALL}}),
        ("'a' in object.labels", {"object": {"labels": {MEMBER: ALL}}}),
        ("size(object.list) == 1", {"object": {"list": {MEMBER: NO_MORE}}}),
        ("object.list.exists(item, item.name == '')", {"object": {"list": {MEMBER: {"name": ALL}}}}),
        ("object.list.map(item, item.spec)[0].name == ''", {"object": {"list": {MEMBER: {"spec": {"name": ALL}}}}}),
        ("object.list.filter(item, item.a)[0].b", {"object": {"list": {MEMBER: {"a": ALL, "b": ALL}}}}),
        ("object.map.all(key, value, value.a)", {"object": {"map": {MEMBER: {"a": ALL}, EACH: {"a": ALL}}}}),
        ("(object.a.?x.orValue(object.b)).c", {"object": {"a": {"x": {"c": ALL}}, "b": {"c": ALL}}}),
        ("(object.flag ? object.a : object.b).c", {"object": {"flag": ALL, "a": {"c": ALL}, "b": {"c": ALL}}}),
        ("(object.a + object.b).exists(x, x.c)", {"object": {"a": {MEMBER: {"c": ALL}}, "b": {MEMBER: {"c": ALL}}}}),
        ("cel.bind(spec, object.spec, spec.a == spec.b)", {"object": {"spec": {"a": ALL, "b": ALL}}}),
        ("object.a == object.b", {"object": {"a": ALL, "b": ALL}}),
        ("string(object.a).matches('x')", {"object": {"a": ALL}}),
        ("{'a': object.x}['a'].b", {"object": {"x": {"b": ALL}}}),
        ("object.?a.optMap(x, x.b).orValue(1) == 1", {"object": {"a": {"b": ALL}}}),
        ("1 == 1", NO_MORE),
    ],
)
def test_a_reading_is_what_the_expression_needs(source: str, reading: Any) -> None:
    assert _reading(source) == reading


def test_what_is_read_of_every_value_is_read_of_a_named_one_too() -> None:
    reading = _reading("object.map['a'].x == 1 && object.map[object.key].y == 2")
    assert reading == {"object": {"map": {"a": {"x": ALL, "y": ALL}, EACH: {"y": ALL}}, "key": ALL}}


def test_parts_make_the_reading_that_names_them() -> None:
    assert reading_of_parts([("object", "spec", "a"), ("object", "kind"), ("container",)]) == {
        "object": {"spec": {"a": ALL}, "kind": ALL},
        "container": ALL,
    }


@pytest.mark.parametrize(
    ("value", "reading", "seen"),
    [
        ({"a": 1, "b": 2}, {"a": ALL}, {"a": 1}),
        ({"a": {"x": 1, "y": 2}, "b": 2}, {"a": {"y": ALL}, "c": ALL}, {"a": {"y": 2}}),
        ([{"a": 1, "b": 2}, {"b": 3}], {EACH: {"b": ALL}}, [{"b": 2}, {"b": 3}]),
        ([{"a": 1}, 2], {MEMBER: NO_MORE}, [{}, 0]),
        ([1, 2], {"a": ALL}, []),
        ({"a": 1, "b": {"c": 2}}, {MEMBER: ALL}, {"a": 0, "b": {}}),
        ({"a": "long", "b": True}, {EACH: ALL}, {"a": "long", "b": True}),
        ("text", NO_MORE, ""),
        ("text", {"a": ALL}, "text"),
        (["text"], NO_MORE, []),
        (True, NO_MORE, False),
    ],
)
def test_a_view_holds_what_is_read(value: Any, reading: Any, seen: Any) -> None:
    assert view(value, reading) == seen
    assert type(view(value, reading)) is type(seen)


def test_a_field_named_like_a_marker_is_a_field() -> None:
    assert _yields("object.map['[in]'] == 1", {"map": {"[in]": 1, "[*]": 2, "0": 3}}) is True


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_library_says_the_same_of_what_it_reads_as_of_all(data: st.DataObject) -> None:
    resource = Resource(with_value_at(data, copy.deepcopy(data.draw(st.sampled_from(FLEET)).object)))
    LIBRARY.survey([resource, *data.draw(st.lists(st.sampled_from(FLEET), max_size=4))])
    for check, instance in LIBRARY.instances(resource):
        assert _of_view(check, instance) == _of_all(check, instance), f"{check.policy.id}/{check.rule.name}"


def _reading(source: str) -> Any:
    serialized = compile_expression(source).serialized()
    assert serialized is not None
    return reading_of(serialized)


def _yields(source: str, obj: dict[str, Any]) -> Any:
    return Question(compile_expression(source)).ask({"object": obj})


def _of_view(check: Check, instance: Instance) -> Any:
    try:
        return Question(check.program).ask(instance.values)
    except ExpressionError as error:
        return str(error)


def _of_all(check: Check, instance: Instance) -> Any:
    try:
        return check.program.evaluate(instance.activation)
    except ExpressionError as error:
        return str(error)


LIBRARY = Evaluator(library_policies())
