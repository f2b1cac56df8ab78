"""Sources are rewritten and read as code: never inside strings, and never with less seen than is read."""

from __future__ import annotations

import pytest

from plumbline.engines import trees
from plumbline.engines.cel import compile_expression
from plumbline.engines.dependencies import parts_of
from plumbline.engines.environments import compile as compile_source
from plumbline.engines.rewriting import renamed, runnable

RENAMED = [
    ("x.replace('a', 'b')", "x.replac_('a', 'b')"),
    ("x . join (y)", "x . joi_ (y)"),
    ("strings.quote(x)", "strings.quot_(x)"),
    ("'x.replace(' + r\"\\\" + x.format([])", "'x.replace(' + r\"\\\" + x.forma_([])"),
    ("x.y // .replace('a', 'b')", "x.y // .replace('a', 'b')"),
    ("object.replace == 'a'", "object.replace == 'a'"),
    ("object.format.a", "object.format.a"),
    ("m.exists_one(k, v, f(k, [v, k]))", "m.existsOne(k, v, f(k, [v, k]))"),
    ("m.exists_one(k, f(k, [k, k]))", "m.exists_one(k, f(k, [k, k]))"),
]
RUNNABLE = [
    ("format.date().validate(x).hasValue()", "format.date().validat_(x).?errors.hasValue()"),
    ("f.validate(g.validate(')')) || b", "f.validat_(g.validat_(')').?errors).?errors || b"),
    ("format.named('a').value()", "format.name_('a').?format.value()"),
    ("'.validate(x)'", "'.validate(x)'"),
]
READ = [
    ("quantity(object.spec.memory).isLessThan(quantity('1'))", {("object", "spec", "memory")}),
    ("object.spec.hosts.all(index, host, ip(host).isLoopback())", {("object", "spec", "hosts")}),
    ("object.metadata.labels.exists // a comment\n (key, key == '')", {("object", "metadata", "labels")}),
    ("sets.contains(container.args, ['a'])", {("container", "args")}),
    ("container.ports[?0].hasValue()", {("container", "ports")}),
    ("container.`image-name` == ''", {("container",)}),
    ("'%s'.format([container])", {("container",)}),
    ("object[?'spec'].hasValue()", None),
]


@pytest.mark.parametrize(("source", "result"), RENAMED)
def test_our_functions_take_the_place_of_the_engines(source: str, result: str) -> None:
    assert renamed(source) == result


@pytest.mark.parametrize(("source", "result"), RUNNABLE)
def test_what_yields_an_optional_is_made_runnable(source: str, result: str) -> None:
    assert runnable(source) == result


@pytest.mark.parametrize(("source", "parts"), READ)
def test_what_an_expression_reads_is_seen(source: str, parts: set[tuple[str, ...]] | None) -> None:
    assert parts_of(source, ["container"]) == (None if parts is None else frozenset(parts))
    assert compile_expression(source, ["container"])


def test_trees_tell_calls_positions_and_what_is_optional() -> None:
    expression, _ = compile_source("[1, ?object.?name]", ())
    tree = trees.tree(expression.serialize())
    assert (tree.kind, tree.optional_entries) == ("list", frozenset({1}))
    assert [(child.kind, child.name, child.is_optional) for child in tree.children] == [
        ("constant", "", False),
        ("call", "_?._", True),
    ]
    assert len(list(tree.walk())) == 5
