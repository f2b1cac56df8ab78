"""Signatures of functions, written as CEL's documentation writes them: `<list<int>>.sum() -> int`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_SIGNATURE = re.compile(r"(?:<(?P<target>.+)>\.)?(?P<name>[\w.@]+)\((?P<parameters>.*)\) -> (?P<result>.+)")
_TYPE = re.compile(r"\s*([\w.]+)\s*(<)?")

OPAQUE = {
    "kubernetes.Quantity": "list",
    "kubernetes.URL": "bytes",
    "kubernetes.Semver": "bytes",
    "kubernetes.NamedFormat": "bytes",
    "net.IP": "bytes",
    "net.CIDR": "bytes",
}
"""The types of Kubernetes that the engine does not have, and what stands for their values at run time. Equality
must follow from the stand-in: equal values have equal ones. JSON has no bytes, so no object can pose as one."""


@dataclass(frozen=True, slots=True)
class Type:
    """A CEL type: `list` with the parameter `int`. A single capital letter is a type parameter."""

    name: str
    parameters: tuple[Type, ...] = ()

    @property
    def is_generic(self) -> bool:
        """Whether it is, or has, a type parameter."""
        return len(self.name) == 1 or any(parameter.is_generic for parameter in self.parameters)

    @property
    def at_run_time(self) -> str:
        """The kind by which the engine chooses among the functions of one name."""
        if len(self.name) == 1:
            return "dyn"
        return OPAQUE.get(self.name, self.name)

    def described(self) -> dict[str, Any]:
        """As the engine's environment files want it."""
        if len(self.name) == 1:
            return {"type_name": self.name, "is_type_param": True}
        if not self.parameters:
            return {"type_name": self.name}
        return {"type_name": self.name, "params": [parameter.described() for parameter in self.parameters]}


@dataclass(frozen=True, slots=True)
class Function:
    """One overload of a function and what computes it."""

    name: str
    is_member: bool
    parameters: tuple[Type, ...]
    result: Type
    implementation: Callable[..., Any]


def declare(implementation: Callable[..., Any], *signatures: str) -> list[Function]:
    """The overloads that `implementation` computes. With a target, that is its first argument."""
    return [_read(signature, implementation) for signature in signatures]


def _read(signature: str, implementation: Callable[..., Any]) -> Function:
    found = _SIGNATURE.fullmatch(signature)
    if found is None:
        raise ValueError(f"not a signature: {signature}")
    parameters = tuple(_types(found["parameters"]))
    if found["target"]:
        parameters = (*_types(found["target"]), *parameters)
    (result,) = _types(found["result"])
    return Function(found["name"], bool(found["target"]), parameters, result, implementation)


def _types(text: str) -> Iterator[Type]:
    at = 0
    while at < len(text):
        found, at = _type(text, at)
        yield found
        at = len(text) if text.find(",", at) < 0 else text.index(",", at) + 1


def _type(text: str, at: int) -> tuple[Type, int]:
    found = _TYPE.match(text, at)
    if found is None:
        raise ValueError(f"not a type: {text[at:]}")
    at, parameters = found.end(), []
    while found[2] and text[at - 1] != ">":
        parameter, at = _type(text, at)
        parameters.append(parameter)
        at += 1  # the comma or the closing bracket
    return Type(found[1], tuple(parameters)), at
