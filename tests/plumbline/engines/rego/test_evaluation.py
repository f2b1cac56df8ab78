"""The same value on every engine, for both versions of the language."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.engines.rego.engines import RegoEngine
from plumbline.engines.rego.errors import EngineError
from tests.plumbline.engines.rego.available import STARTS, asked

INPUT: dict[str, Any] = {
    "l": ["a", "b"],
    "m": ["b", "c"],
    "o": {"k1": 1, "k2": "a"},
    "k": "k1",
    "f": False,
    "n": [{"l": ["x", "y"]}, {"l": ["q"]}],
    "s": 'q"uo\\te\nnl',
}
# Rules of version 0; what `p` holds then.
CASES: dict[str, tuple[str, list[Any]]] = {
    "partial set": ('p[x] { x := input.l[_]; x != "a" }', ["b"]),
    "set of objects": ('p[{"msg": m}] { m := input.l[_] }', [{"msg": "a"}, {"msg": "b"}]),
    "two bodies": ("p[x] { x := 1 } { x := 2 }", [1, 2]),
    "wildcard in a call": ("p[x] { x := upper(input.l[_]) }", ["A", "B"]),
    "name in a call": ("p[x] { some i; x := upper(input.l[i]) }", ["A", "B"]),
    "wildcard in a list": ("p[x] { x := [input.l[_], 1] }", [["a", 1], ["b", 1]]),
    "wildcards compared": ("p[x] { input.l[_] == input.m[_]; x := 1 }", [1]),
    "reference in the head": ("p[input.l[_]] { true }", ["a", "b"]),
    "step that is a reference": ("p[x] { x := input.o[input.k] }", [1]),
    "step that is arithmetic": ("p[x] { x := input.l[count(input.l) - 1] }", ["b"]),
    "pattern in a step": (
        'g[{"m": x, "f": "c"}] { x := input.l[_] }\ng[{"m": x, "f": "d"}] { x := input.m[_] }\n'
        'p[x] { g[{"m": x, "f": "c"}] }',
        ["a", "b"],
    ),
    "own name like a rule's": ('i := 5\np[x] { some i; input.l[i] == "b"; x := i }', [1]),
    "else": ('f(v) = 1 { v == "a" } else = 2 { v == "b" } else = 3\np[x] { x := f(input.m[_]) }', [2, 3]),
    "default": ("default q = 7\nq = 1 { false }\np[x] { x := q }", [7]),
    "function on a constant": ('f("a") = 1\nf("b") = 2\np[x] { x := f("b") }', [2]),
    "any": ('p[x] { any([v | v := input.l[_] == "a"]); x := 1 }', [1]),
    "all of nothing": ("p[x] { all([]); not any([]); x := 1 }", [1]),
    "any of no collection": ('p[x] { any("a"); x := 1 }', []),
    "re_match": (r'p[x] { x := re_match("^\\d+\\.$", "12.") }', [True]),
    "set_diff": ("p[x] { x := set_diff({1, 2}, {2}) }", [[1]]),
    "not of a call whose argument is undefined": ('p[x] { x := 1; not startswith(input.zz, "a") }', []),
    "not of a comparison that is undefined": ('p[x] { x := 1; not input.zz == "a" }', [1]),
    "not of an inequality that is undefined": ('p[x] { x := 1; not input.zz != "a" }', []),
    "not of a step that is undefined": ("r := input.zz\np[x] { x := 1; not input.o[r] }", []),
    "not of an own function": ("f(c) { c.zz }\np[x] { x := 1; not f(input.o) }", [1]),
    "quotes in text": ("p[input.s] { true }", ['q"uo\\te\nnl']),
    "length of text with quotes": ("p[x] { x := count(input.s) }", [10]),
    "quotes and sprintf": ('p[x] { x := sprintf("<%v> %v %q", [input.s, ["a"], "b"]) }', ['<q"uo\\te\nnl> ["a"] "b"']),
    "sprintf with a constant through a function": (
        'm(n) = x { x := sprintf("%v is %v", [n, input.k]) }\np[x] { g := "a:b"; x := m(g) }',
        ["a:b is k1"],
    ),
    "sprintf with too few values": ('p[x] { x := sprintf("%v %v", ["a"]) }', ["a %!v(MISSING)"]),
    "sprintf with values elsewhere": ('p[x] { a := ["a", 1]; x := sprintf("%v-%d%%", a) }', ["a-1%"]),
    "line that begins with a bracket": ("p[x] { input.o.k1\n(input.o.k1 + 1) >= 2\nx := 1 }", [1]),
    "number that is none": ('p[x] { x := to_number("12abc") }', []),
    "space around text": ('p[x] { x := trim_space("\\n a\\t") }', ["a"]),
    "JSON in text": (r'p[x] { x := json.unmarshal("{\"a\":\n[1]}") }', [{"a": [1]}]),
    "division by zero": ("p[x] { x := 1 / 0 }", []),
    "user's function named contains": (
        "contains(a, b) { a[_] = b }\np[x] { contains(input.l, input.m[_]); x := 1 }",
        [1],
    ),
    "version 1 in version 0": (
        "import future.keywords\np contains x if { some x in input.l; every y in input.m { y != x } }",
        ["a"],
    ),
    "import of input": ("import input.o as obj\np[x] { x := obj.k1 }", [1]),
}


@pytest.mark.parametrize("name", CASES)
def test_version_0_means_the_same_everywhere(engine: RegoEngine, name: str) -> None:
    source, expected = CASES[name]
    (answer,) = asked(engine, f"package t\n{source}", INPUT)
    assert not isinstance(answer, EngineError), str(answer)
    assert sorted(answer, key=str) == sorted(expected, key=str)


def test_parameters_and_inventory_are_found(engine: RegoEngine) -> None:
    source = """package t
    p[x] { x := sprintf("%v in %v", [input.parameters.names[_], ns]); data.inventory.namespace[ns].v1.Pod.web }
    p["no b"] { not input.parameters.b }
    p["no services"] { not data.inventory.cluster.v1.Service }
    """
    inventory = {"namespace": {"shop": {"v1": {"Pod": {"web": {"kind": "Pod"}}}}}, "cluster": {}}
    (answer,) = asked(engine, source, {}, parameters={"names": ['a"b']}, inventory=inventory)
    assert sorted(answer) == ['a"b in shop', "no b", "no services"]


def test_libraries_are_called(engine: RegoEngine) -> None:
    lib = 'package lib.images\nis_latest(i) { endswith(i, ":latest") }\n'
    main = "package t\nimport data.lib.images\np[i] { i := input.l[_]; images.is_latest(i) }"
    assert asked(engine, main, {"l": ["a:latest", "b:1"]}, libs=(lib,)) == [["a:latest"]]


def test_policies_of_one_package_do_not_mix(engine: RegoEngine) -> None:
    first = asked(engine, "package t\np[1] { true }")
    assert asked(engine, "package t\np[2] { true }") == [[2]]
    assert first == [[1]]


_CHARACTERS = st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]) | st.sampled_from('"\\\n\té')
_NAMES = st.text(_CHARACTERS, max_size=8)


@pytest.mark.parametrize("name", list(STARTS))
def test_any_text_survives(name: str) -> None:
    engine = STARTS[name](5.0)
    source = """package t
    p[{"msg": sprintf("%v|%v", [c.name, c.image]), "n": count(c.name)}] {
        c := input.containers[_]
        not startswith(c.image, input.parameters.repos[0])
    }"""

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(_NAMES, _NAMES), max_size=4), _NAMES)
    def survives(containers: list[tuple[str, str]], repo: str) -> None:
        value = {"containers": [{"name": name, "image": image} for name, image in containers]}
        (answer,) = asked(engine, source, value, parameters={"repos": [repo]})
        expected = {(f"{name}|{image}", len(name)) for name, image in containers if not image.startswith(repo)}
        assert {(item["msg"], item["n"]) for item in answer} == expected

    try:
        survives()
    finally:
        engine.close()
