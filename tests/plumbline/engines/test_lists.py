"""Lists, sets and comprehensions of two variables work as in the API server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plumbline.engines.evaluations import error_of, refusal_of, value_of

VALUES: list[tuple[str, Any]] = [
    ("[4, 5, 6].sum()", 15),
    ("[0.5, 0.25].sum()", 0.75),
    ("[].sum()", 0),
    ("object.ports.sum()", 523),
    ("[duration('90s'), duration('30s')].sum() == duration('2m')", True),
    ("[3, 1, 2].min()", 1),
    ("['b', 'c', 'a'].max()", "c"),
    ("[false, true].max()", True),
    ("[timestamp('2024-01-01T00:00:00Z'), timestamp('2023-01-01T00:00:00Z')].min().getFullYear()", 2023),
    ("object.ports.max()", 443),
    ("object.mixed.max()", 1),
    ("[1, 1, 2].isSorted()", True),
    ("object.teams.isSorted()", False),
    ("[].isSorted()", True),
    ("object.mixed.isSorted()", True),
    ("['x', 'y', 'x'].indexOf('x')", 0),
    ("['x', 'y', 'x'].lastIndexOf('x')", 2),
    ("object.ports.indexOf(443)", 1),
    ("object.ports.indexOf(443.0)", 1),
    ("object.ports.indexOf('443')", -1),
    ("dyn([true]).indexOf(1)", -1),
    ("[quantity('1'), quantity('2')].indexOf(quantity('2000m'))", 1),
    ("[3, 1, 2].sort()", [1, 2, 3]),
    ("object.teams.sort()", ["a", "b"]),
    ("['ccc', 'a', 'bb'].sortBy(word, word.size())", ["a", "bb", "ccc"]),
    ("[3, 1].reverse()", [1, 3]),
    ("[1, 2, 3, 4].slice(1, 3)", [2, 3]),
    ("[1, 2, 1].distinct()", [1, 2]),
    ("[[1], [1], [2]].distinct()", [[1], [2]]),
    ("[dyn(1), dyn(1.0), dyn('1'), dyn(true)].distinct().size()", 3),
    ("[duration('1m'), duration('60s')].distinct() == [duration('1m')]", True),
    ("[[1, 2], [3]].flatten()", [1, 2, 3]),
    ("[object.ports, object.ports].flatten().size()", 4),
    ("[dyn(1), dyn([dyn(2), dyn([3])])].flatten(2)", [1, 2, 3]),
    ("lists.range(3)", [0, 1, 2]),
    ("lists.range(-3)", []),
    ("[5, 6].first().value()", 5),
    ("[5, 6].last().value()", 6),
    ("[].first().orValue(7)", 7),
    ("sets.contains(object.ports, [443])", True),
    ("sets.contains(object.ports, [443.0])", True),
    ("sets.contains([1], [])", True),
    ("sets.contains([[1]], [[dyn(1.0)]])", True),
    ("sets.contains([{'a': 1}], [{'a': 2}])", False),
    ("sets.intersects(object.teams, ['z'])", False),
    ("sets.intersects(object.teams, ['a', 'z'])", True),
    ("sets.equivalent([1, 1, 2], [2, 1])", True),
    ("sets.equivalent([quantity('1k')], [quantity('1000')])", True),
    ("sets.contains([dyn(1)], [dyn(true)])", False),
    ("object.ports.all(index, port, index < port)", True),
    ("object.labels.exists(key, value, key == 'app' && value == 'web')", True),
    ("object.labels.existsOne(key, value, value == 'web')", True),
    ("object.labels.exists_one(key, value, value == 'web')", True),
    ("object.ports.exists_one(port, port > 100)", True),
    ("object.ports.transformList(index, port, port + index)", [80, 444]),
    ("object.ports.transformList(index, port, index > 0, port)", [443]),
    ("object.ports.transformMap(index, port, port * 2)", {0: 160, 1: 886}),
    ("object.counts.transformMap(key, count, count > 1, count * 10)", {"a": 20}),
    ("object.labels.transformMapEntry(key, value, {value: key})", {"web": "app", "front": "tier"}),
    ("object.labels.transformMapEntry(key, value, {value: key, key: value}).size()", 4),
    ("object.counts.transformMap(key, count, duration('1m'))['a'] == duration('60s')", True),
]
ERRORS = [
    ("[].max()", "max: called on empty list"),
    ("object.mixed.sum()", "sum: no such overload"),
    ("[9223372036854775807, 1].sum()", "overflow"),
    ("[object.labels].max()", "cannot be compared"),
    ("dyn([int]).max()", "cannot be compared"),
    ("[[1], [2]].flatten(-1)", "non-negative"),
    ("[1, 2].slice(1, 5)", "slice"),
    ("['a', 'a'].transformMapEntry(index, value, {value: index})", "already exists"),
    ("object.name.sum()", "sum"),
    ("sets.contains(object.name, ['w'])", "sets.contains"),
]
REFUSED = [
    ("['a'].sum()", "list(int).sum()"),
    ("[quantity('1')].max()", "'max'"),
    ("sets.contains([1], ['a'])", "'sets.contains'"),
    ("['a'].indexOf(1)", "'indexOf'"),
    ("lists.range('a')", "lists.range(int)"),
]


@pytest.mark.parametrize(("source", "value"), VALUES)
def test_lists_are_the_api_servers(source: str, value: Any) -> None:
    assert value_of(source) == value


@pytest.mark.parametrize(("source", "reason"), ERRORS)
def test_a_list_that_does_not_fit_is_an_error_that_says_why(source: str, reason: str) -> None:
    assert reason in error_of(source)


@pytest.mark.parametrize(("source", "reason"), REFUSED)
def test_lists_are_typed(source: str, reason: str) -> None:
    assert reason in refusal_of(source).message
