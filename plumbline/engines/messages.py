"""The messages that the engine reads and writes checked expressions as: `cel.expr.CheckedExpr`, to be rewritten.

Only what a tree is walked and joined by is described here; what else a message holds is kept as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from google.protobuf import (  # type: ignore[import-untyped]
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)

_TYPES: Final = {"bool": 8, "int32": 5, "int64": 3, "string": 9}
_MESSAGE, _OPTIONAL, _REPEATED = 11, 1, 3
_MESSAGES: Final = """
Ident: 1 string name
Select: 1 Expr operand, 2 string field, 3 bool test_only
Call: 1 Expr target, 2 string function, 3 *Expr args
List: 1 *Expr elements, 2 *int32 optional_indices
Entry: 1 int64 id, 2 string field_key, 3 Expr map_key, 4 Expr value, 5 bool optional_entry
Struct: 1 string message_name, 2 *Entry entries
Comprehension: 1 string iter_var, 8 string iter_var2, 2 Expr iter_range, 3 string accu_var, 4 Expr accu_init, \
5 Expr loop_condition, 6 Expr loop_step, 7 Expr result
Constant: 2 bool bool_value = kind, 3 int64 int64_value = kind, 6 string string_value = kind
Expr: 2 int64 id, 3 Constant const_expr = kind, 4 Ident ident_expr = kind, 5 Select select_expr = kind, \
6 Call call_expr = kind, 7 List list_expr = kind, 8 Struct struct_expr = kind, \
9 Comprehension comprehension_expr = kind
Reference: 1 string name, 3 *string overload_id
ReferenceEntry: 1 int64 key, 2 Reference value
PositionEntry: 1 int64 key, 2 int32 value
SourceInfo: 4 *PositionEntry positions
CheckedExpr: 2 *ReferenceEntry reference_map, 5 SourceInfo source_info, 4 Expr expr
"""
_FIELD = re.compile(r"(\d+) (\*?)(\w+) (\w+)(?: = (\w+))?")


def parse(serialized: bytes) -> Any:
    """The CheckedExpr that an expression of the engine serializes to."""
    return _message("CheckedExpr").FromString(any_pb2.Any.FromString(serialized).value)


def serialize(tree: Any, like: bytes) -> bytes:
    """What the engine reads a tree from, in the envelope that `like` came in."""
    envelope = any_pb2.Any.FromString(like)
    envelope.value = tree.SerializeToString()
    return bytes(envelope.SerializeToString())


def new_tree() -> Any:
    """An empty CheckedExpr."""
    return _message("CheckedExpr")()


def new_node(number: int) -> Any:
    """An Expr that is nothing yet."""
    return _message("Expr")(id=number)


def kind_of(node: Any) -> str:
    """`const`, `ident`, `select`, `call`, `list`, `struct` or `comprehension`."""
    return str(node.WhichOneof("kind") or "").removesuffix("_expr")


def children(node: Any) -> Iterator[Any]:
    """The nodes right below, in the order of evaluation. Those that macros make and no author writes are among them."""
    kind = kind_of(node)
    if kind == "select":
        yield node.select_expr.operand
    elif kind == "call":
        if node.call_expr.HasField("target"):
            yield node.call_expr.target
        yield from node.call_expr.args
    elif kind == "list":
        yield from node.list_expr.elements
    elif kind == "struct":
        for entry in node.struct_expr.entries:
            if entry.HasField("map_key"):
                yield entry.map_key
            yield entry.value
    elif kind == "comprehension":
        loop = node.comprehension_expr
        yield from (loop.iter_range, loop.accu_init, loop.loop_condition, loop.loop_step, loop.result)


def renumber(tree: Any, offset: int) -> int:
    """Add `offset` to every number in the tree, so that trees can be joined; the largest number there is then."""
    largest = offset
    for entry in (*tree.reference_map, *tree.source_info.positions):
        entry.key += offset
    waiting = [tree.expr]
    while waiting:
        node = waiting.pop()
        node.id += offset
        largest = max(largest, node.id)
        if kind_of(node) == "struct":
            for entry in node.struct_expr.entries:
                entry.id += offset
                largest = max(largest, entry.id)
        waiting.extend(children(node))
    return largest


@cache
def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"cel.expr.{name}"))


@cache
def _pool() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="plumbline/messages.proto", package="cel.expr", syntax="proto3")
    for line in _MESSAGES.strip().splitlines():
        name, _, fields = line.partition(": ")
        _describe(file.message_type.add(name=name), fields)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _describe(message: Any, fields: str) -> None:
    for number, repeated, type_name, name, choice in _FIELD.findall(fields):
        field = message.field.add(
            name=name,
            number=int(number),
            label=_REPEATED if repeated else _OPTIONAL,
            type=_TYPES.get(type_name, _MESSAGE),
        )
        if type_name not in _TYPES:
            field.type_name = f".cel.expr.{type_name}"
        if choice:
            if not message.oneof_decl:
                message.oneof_decl.add(name=choice)
            field.oneof_index = 0
