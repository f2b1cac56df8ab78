"""The engine's environments, and the programs that are compiled in them.

Sources that use none of Kubernetes' functions are compiled and run in one environment. The engine knows no types but
its own and takes apart functions of one name by the kind of their arguments, so the others are checked in a second
environment, with the types of Kubernetes and the exact signatures, and run in the first, where a stand-in takes the
place of each value of such a type (`plumbline.engines.signatures`).
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from plumbline.engines import references
from plumbline.engines.functions import DECLARED, LIBRARY, REPLACED
from plumbline.engines.rewriting import as_written, internal, renamed, runnable
from plumbline.engines.signatures import Function, Type

VOCABULARY = ("object", "params", "variables", "namespaceObject", "request", "related")

_EXTENSIONS = ("optional", "bindings", "math", "encoders", "lists", "sets")
_STRINGS = {"name": "strings", "version": 2}
_MACROS = ("two-var-comprehensions",)
_PRINTABLE = ("bool", "bytes", "double", "duration", "int", "string", "timestamp", "uint", "net.IP", "net.CIDR")
_BINDING = re.compile(r"\bcel\s*\.\s*bind\b|\.\s*(?:opt(?:Flat)?Map|sortBy)\b")
_EARLY_END = re.compile(r"\.\s*(?:exists|all)\s*\(")
_HOLDERS = ("list", "map", "dyn")
_KINDS = {
    "bool": cel.Type.BOOL,
    "bytes": cel.Type.BYTES,
    "double": cel.Type.DOUBLE,
    "duration": cel.Type.DURATION,
    "dyn": cel.Type.DYN,
    "int": cel.Type.INT,
    "list": cel.Type.LIST,
    "map": cel.Type.MAP,
    "string": cel.Type.STRING,
    "timestamp": cel.Type.TIMESTAMP,
    "uint": cel.Type.UINT,
}

references.keep_none()


def compile(source: str, names: tuple[str, ...]) -> tuple[Any, Any]:
    """The program of `source` and the type that it is known to have. Raises what the engine raises."""
    source = renamed(source)
    if not _SPECIAL.search(source):
        # What fails here may use the comprehensions of two variables that only the second environment has.
        with contextlib.suppress(Exception):
            expression = _run_environment(names).compile(source)
            return _with_bindings(source, expression), expression.return_type()
    checked = _check_environment(names).compile(source)
    rewritten = runnable(source)
    if rewritten != source:
        checked = _check_environment(names).compile(rewritten)
    return _run_environment(()).deserialize(bound_at_once(checked.serialize())), checked.return_type()


def _with_bindings(source: str, expression: Any) -> Any:
    """The program, with names bound at once where a loop that ends early may come before.

    The engine binds names (`cel.bind`, `optMap`, `sortBy`) when they are first read, and knows by an empty slot that
    one was not yet. But a loop that ends early (`exists`, `all`) leaves its element in its slot, which the next binding
    may get: it would read that element. A binding that the engine does not recognize as one is an ordinary loop over
    nothing, whose value is computed and stored when it begins.
    """
    if not (_BINDING.search(source) and _EARLY_END.search(source)):
        return expression
    return _run_environment(()).deserialize(bound_at_once(expression.serialize()))


def bound_at_once(serialized: bytes) -> bytes:
    """A serialized expression whose bindings the engine takes for loops."""
    return serialized.replace(b"\x0a\x07#unused", b"\x0a\x07#Unused")  # the field iter_var of a comprehension


def activate(data: dict[str, Any]) -> Any:
    """Names bound to values, for programs of any environment."""
    return _run_environment(()).Activation(data)


@lru_cache(maxsize=64)
def _run_environment(names: tuple[str, ...]) -> Any:
    return run_environment(names=names)


def run_environment(*extensions: Any, names: tuple[str, ...] = ()) -> Any:
    """An environment in which trees run, with `extensions` besides our functions."""
    return cel.NewEnv(
        config=_configuration(_EXTENSIONS, []),
        variables=_variables(names),
        extensions=[_run_time_functions(), *extensions],
    )


@lru_cache(maxsize=64)
def _check_environment(names: tuple[str, ...]) -> Any:
    return cel.NewEnv(config=_checked_configuration(), variables=_variables(names))


def _variables(names: tuple[str, ...]) -> dict[str, Any]:
    return dict.fromkeys((*VOCABULARY, *names), cel.Type.DYN)


@lru_cache(maxsize=1)
def _checked_configuration() -> Any:
    by_name: dict[str, list[dict[str, Any]]] = {}
    for number, function in enumerate((*LIBRARY, *DECLARED, *_REPLACED)):
        if not function.name.startswith("cel.@"):
            by_name.setdefault(function.name, []).append(_described(function, number))
    by_name["string"] = [
        {"id": f"string_{number}", "args": [{"type_name": name}], "return": {"type_name": "string"}}
        for number, name in enumerate(_PRINTABLE)
    ]
    functions = [{"name": name, "overloads": overloads} for name, overloads in by_name.items()]
    return _configuration((*_EXTENSIONS, *_MACROS), functions)


def _configuration(extensions: tuple[str, ...], functions: list[dict[str, Any]]) -> Any:
    named: list[dict[str, Any]] = [{"name": name} for name in extensions]
    content: dict[str, Any] = {"name": "plumbline", "extensions": [*named, _STRINGS]}
    if functions:  # a name can be declared once: the standard `string` is declared anew, with more overloads
        content |= {"functions": functions, "stdlib": {"exclude_functions": [{"name": "string"}]}}
    return cel.NewEnvConfigFromYaml(json.dumps(content))  # which is YAML, and written sooner


def _described(function: Function, number: int) -> dict[str, Any]:
    parameters = [parameter.described() for parameter in function.parameters]
    described: dict[str, Any] = {"id": f"plumbline_{number}", "return": function.result.described()}
    if function.is_member:
        described["target"] = parameters.pop(0)
    return {**described, "args": parameters}


@lru_cache(maxsize=1)
def _run_time_functions() -> Any:
    """One overload for each kind of arguments; its result is of any kind when the types behind the kind differ."""
    overloads: dict[tuple[str, bool, tuple[str, ...]], list[Function]] = {}
    for function in (*LIBRARY, *_REPLACED):
        kinds = tuple(parameter.at_run_time for parameter in function.parameters)
        overloads.setdefault((function.name, function.is_member, kinds), []).append(function)
    by_name: dict[str, list[Any]] = {}
    for (name, is_member, kinds), functions in overloads.items():
        overload = cel.Overload(
            f"{name}_{'_'.join(kinds)}_{is_member}",
            _result(functions),
            [_run_time_type(parameter) for parameter in functions[0].parameters],
            is_member=is_member,
            impl=references.builtin(
                as_written(name), functions[0].implementation, takes_containers=not {*kinds}.isdisjoint(_HOLDERS)
            ),
        )
        by_name.setdefault(name, []).append(overload)
    return cel.CelExtension("plumbline", [cel.FunctionDecl(name, found) for name, found in by_name.items()])


def _result(functions: list[Function]) -> Any:
    if len({function.result.at_run_time for function in functions}) > 1:
        return cel.Type.DYN
    return _run_time_type(functions[0].result)


def _run_time_type(described: Type) -> Any:
    kind = described.at_run_time
    if kind == "list" and described.parameters and described.parameters[0].name in _KINDS:
        return cel.Type.List(_KINDS[described.parameters[0].name])
    return _KINDS[kind]


_REPLACED = tuple(replace(function, name=internal(function.name)) for function in REPLACED)
_EXACT = {
    *(function.name for function in (*LIBRARY, *DECLARED)),
    *(function.name for function in _REPLACED if any(parameter.is_generic for parameter in function.parameters)),
}
"""What the first environment would check less exactly than the second."""

_SPECIAL = re.compile(rf"\b(?:{'|'.join(sorted(_EXACT))})\s*\(")
