"""What is wrong with a module is said when it is read, with its line."""

import pytest

from plumbline.engines.rego.engines import RegoEngine
from plumbline.engines.rego.errors import RegoError
from plumbline.engines.rego.linking import Module, link
from plumbline.engines.rego.regopy_engine import RegopyEngine
from tests.plumbline.engines.rego.available import asked


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("p[1] { true }", "main: line 1, column 1: unexpected 'p': a module begins with its package"),
        ("package t\np[x] { x := := 1 }", "main: line 2, column 13: unexpected ':=': expected a value"),
        ("package t\np[x] { x := 1", "unexpected the end"),
        ("package t\np[x] { x := 1 y := 2 }", "line 2, column 15: unexpected 'y': expected a new line, ; or }"),
        ('package t\np[x] { x := "abc }', "line 2, column 13: a string that does not end"),
        ("package t\n\np[x] { x := ? }", "main: line 3, column 13: unexpected '?'"),
        ("package t\np[x] { }", "a body must not be empty"),
        ("package t\nimport foo.bar\np[1] { true }", "line 2: imports foo.bar"),
        ("package t\nimport rego.v1\np[x] { x := 1 }", "a body begins with if in version 1"),
        ("package t\np[x] { x := " + "[" * 200 + "]" * 200 + " }", "brackets are nested deeper than 100"),
        ("package t\np[x] {\n x := http.send({}) }", "line 3: uses http.send, which is refused: it would reach out"),
        ("package t\np[x] { x := opa.runtime() }", "line 2: uses opa.runtime, which is refused: it would read the env"),
        ("package t\np[x] { x := external_data({}) }", "external data providers are not asked here"),
        ('package t\np[x] { x := cast_array("a") }', "which later versions of Rego no longer have"),
    ],
)
def test_unusable_modules_are_named_with_their_line(source: str, said: str) -> None:
    with pytest.raises(RegoError) as caught:
        link([Module("main", source)])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("package t\np[x] {\n x := 1\n not q == 2 }", "main: line 4: var q is unsafe"),
        ("package t\np[x] { true }", "main: line 2: var x is unsafe"),
        ("package t\nf(x) = f(x)\np[x] { x := f(1) }", "recursive"),
        ("package t\np[x] { x := nope(1) }", "main: line 2"),
        ("package t\np[x] { x := lower() }", "main: line 2"),
    ],
)
def test_every_engine_refuses_what_cannot_be_evaluated(engine: RegoEngine, source: str, said: str) -> None:
    with pytest.raises(RegoError) as caught:
        asked(engine, source)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            'package t\np[x] { x := net.cidr_contains("10.0.0.0/8", "10.1.1.1") }',
            "main: line 2: uses net.cidr_contains, which the built-in engine lacks: set OPA_URL or install opa",
        ),
        ('package t\np[x] { x := re_match("(?i)a", "A") }', "line 2: uses the regular expression '(?i)a'"),
        ('package t\nh { input.a }\np[x] { x := [1 | h with input as {"a": 1}] }', "line 3: uses with inside another"),
    ],
)
def test_built_in_engine_names_what_it_lacks(source: str, said: str) -> None:
    with pytest.raises(RegoError) as caught:
        asked(RegopyEngine(), source)
    assert said in str(caught.value)
