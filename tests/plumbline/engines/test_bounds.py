"""What an expression can cost is bounded, whoever wrote it, and nothing that it yields ends the process."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from plumbline.engines import patterns
from plumbline.engines.cel import ExpressionError, activate, compile_expression, compile_list
from plumbline.engines.expressions import scoped
from tests.plumbline.engines.evaluations import error_of, refusal_of, value_of

REPEATED = [
    "['ab']" + ".map(x, x + x)" * 20 + "[0].size()",
    "['ab']" + ".map(x, [x, x])" * 20 + ".size()",
    "cel.bind(a, 'ab', cel.bind(b, a + a + a + a, cel.bind(c, b + b + b + b, cel.bind(d, c + c + c + c, "
    "cel.bind(e, d + d + d + d, cel.bind(f, e + e + e + e, cel.bind(g, f + f + f + f, g + g + g + g)))))))",
]
OVERSIZE = [
    "'aaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')" * 8,
    "lists.range(50).map(i, lists.range(100).map(j, 'aaaaaaaaaa').join()).map(s, [s, s, s, s, s]).flatten()"
    ".map(s, s.replace('a', 'aaaaa')).join()",
    "lists.range(10000000000)",
    "lists.range(5000).transformMap(i, v, v)",
    "lists.range(200).map(i, lists.range(9000)).flatten()",
]
HIDDEN = [
    "{'a': object.?name}",
    "[{'a': optional.of(1)}]",
    "dyn({'a': dyn(optional.of(1))})",
    "{'a': [optional.of(1), 2][0]}",
    "{'a': object.labels[?'app']}",
    "object.labels.transformMap(key, value, object.?name)",
    "object.labels.transformMapEntry(key, value, {key: object.?name})",
    "'%s'.format([{'a': format.named('x')}])",
    "{'a': cel.bind(o, object.?name, o)}",
]


@pytest.mark.parametrize("source", REPEATED)
def test_what_doubles_at_each_step_is_refused(source: str) -> None:
    assert "more than 10000 times over" in refusal_of(source).message


@pytest.mark.parametrize("source", OVERSIZE)
def test_results_of_functions_are_bounded(source: str) -> None:
    assert "more than" in error_of(source)


def test_an_honest_sum_of_many_parts_is_not_refused() -> None:
    assert value_of(" + ".join(["object.replicas"] * 30)) == 90
    assert value_of(" + ".join(["'a'"] * 30)) == "a" * 30


def test_nesting_is_bounded_and_the_message_says_what_counts() -> None:
    assert "more than 32 levels deep" in refusal_of("(" * 200 + "1" + ")" * 200).message


def test_macros_that_double_the_tree_are_refused_before_it_is_made() -> None:
    assert "more than 10 times" in refusal_of("optional.of(1)" + ".optMap(x, x + x)" * 30 + ".value()").message
    assert value_of("optional.of(1)" + ".optMap(x, x + x)" * 8 + ".value()") == 256


def test_iterations_are_bounded() -> None:
    assert "Iteration budget exceeded" in error_of("lists.range(200).map(i, lists.range(200).map(j, j)).size()")


def test_a_pattern_that_would_need_much_memory_is_an_error() -> None:
    assert "not a regular expression" in error_of("object.name.matches('(a{0,300}){0,300}' + object.name)")
    assert value_of("('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' + object.name).matches('^(a+)+$')") is False


def test_a_source_that_is_too_long_is_refused() -> None:
    assert "longer than 16384 characters" in refusal_of("1 + " * 5000 + "1").message


def test_variables_that_double_together_are_an_error_when_evaluated() -> None:
    variables = [("v0", "'ab'")] + [(f"v{n}", f"variables.v{n - 1} + variables.v{n - 1}") for n in range(1, 24)]
    composed = scoped("variables.v23.size() > 5", "p", variables)
    for program in (compile_expression(composed), compile_list(["true", composed])):
        with pytest.raises(ExpressionError, match="more than 10000 times over"):
            program.evaluate(activate({"object": {}}))


def test_what_compiles_alone_but_not_together_is_an_error_when_evaluated() -> None:
    variables = [("v0", "1")] + [(f"v{n}", f"variables.v{n - 1}") for n in range(1, 60)]
    composed = scoped("variables.v59 == 1", "p", variables)
    for program in (compile_expression(composed), compile_list(["true", composed])):
        with pytest.raises(ExpressionError, match="more than 32 levels"):
            program.evaluate(activate({"object": {}}))


@pytest.mark.parametrize("source", HIDDEN)
def test_an_optional_in_a_map_is_refused(source: str) -> None:
    assert "an optional cannot be kept in a map" in refusal_of(source).message


def test_optional_entries_of_maps_are_no_optionals_in_maps() -> None:
    assert value_of("{?'a': object.?name, 'b': object.labels[?'app'].orValue('')}") == {"a": "web", "b": "web"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("dyn([optional.of(1)]).sum()", "sum: no such overload: an optional is among the arguments"),
        ("'%s'.format([optional.of(1)])", "format: no such overload: an optional is among the arguments"),
        ("sets.contains([object.?name], [object.?name])", "sets.contains"),
    ],
)
def test_an_optional_given_to_a_function_is_an_error(source: str, reason: str) -> None:
    assert reason in error_of(source)


def test_functions_leave_nothing_behind() -> None:
    program = compile_expression("[object.text, object.text].join('-').replace('-', '+').matches('^a+')")
    activations = [activate({"object": {"text": "a" * 1000}}) for _ in range(10)]
    for activation in activations:
        program.evaluate(activation)
    before = _resident_kilobytes()
    for _ in range(3000):
        program.evaluate(activate({"object": {"text": "a" * 1000}}))
    assert _resident_kilobytes() - before < 4000


def _resident_kilobytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4


@pytest.mark.parametrize("source", ["object.n", "[object.n, object.n]", "{'a': object.n}"])
def test_nulls_do_not_wear_out_none(source: str) -> None:
    code = (
        "from plumbline.engines.cel import activate, compile_expression\n"
        f"program = compile_expression({source!r})\n"
        "for _ in range(200_000):\n    program.evaluate(activate({'object': {'n': None}}))\n"
        "print('alive')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("alive\n", 0)


class TimeIsUp(Exception):
    """What a worker raises from a signal, wherever it is."""


def test_what_interrupts_a_function_is_not_taken_for_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(pattern: str) -> Any:
        raise TimeIsUp

    monkeypatch.setattr(patterns, "_compiled", interrupted)
    program = compile_expression("object.find('interrupted') == '' || true")
    with pytest.raises(TimeIsUp):
        program.evaluate(activate({"object": "text"}))
