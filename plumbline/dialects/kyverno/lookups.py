"""`resource.get` and `resource.list` of Kyverno: other objects, taken from the set instead of from a cluster.

The calls are rewritten into look-ups in maps that hold the set, so that the engine needs no function of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from plumbline.engines.expressions import LITERAL
from plumbline.inventories import Entry, Inventory
from plumbline.kinds import plural

NAMES: Final = ("objectsByName", "objectsInNamespace")
_GET: Final = ("][", "]")
_LIST: Final = ("][?", "].orValue({'items': []})")
_CALL: Final = re.compile(
    rf"{LITERAL}|(?<![\w.])resource\.(?P<verb>[gG]et|[lL]ist)\((?P<open>)|(?P<bracket>[()\[\]{{}},])", re.DOTALL
)


def rewrite(source: str) -> str:
    """The source with `resource.get(version, plural, namespace, name)` and `resource.list(version, plural, namespace)`
    as indexes. Calls with another number of arguments are left for the compiler to refuse.
    """
    out: list[str] = []
    calls: list[tuple[str, str] | None] = []  # for each open bracket that is a call: what parts and what closes it
    at = 0
    for found in _CALL.finditer(source):
        if found["verb"] is None and found["bracket"] is None:
            continue
        out.append(source[at : found.start()])
        at = found.end()
        call = calls[-1] if calls else None
        if found["verb"] is not None:
            is_list = found["verb"].lower() == "list"
            out.append(f"{NAMES[1]}[?" if is_list else f"{NAMES[0]}[")
            calls.append(_LIST if is_list else _GET)
        elif found["bracket"] in "([{":
            out.append(found["bracket"])
            calls.append(None)
        elif found["bracket"] == ",":
            out.append(call[0] if call else ",")
        else:
            out.append(call[1] if call else found["bracket"])
            del calls[-1:]
    return "".join([*out, source[at:]])


@lru_cache(maxsize=4)
def objects(known: tuple[Inventory, ...]) -> Mapping[str, Any]:
    """What the rewritten calls look into: by version, plural, namespace and, for single objects, name."""
    by_name: dict[str, Any] = {}
    lists: dict[str, Any] = {}
    for inventory in known:
        for group, kind in inventory.kinds:
            for entry in inventory.of_kind(group, kind):
                _add(entry, plural(kind), by_name, lists)
    return {NAMES[0]: by_name, NAMES[1]: lists}


def _add(entry: Entry, resource: str, by_name: dict[str, Any], lists: dict[str, Any]) -> None:
    version = str(entry.object.get("apiVersion", ""))
    names = by_name.setdefault(version, {}).setdefault(resource, {}).setdefault(entry.namespace, {})
    if entry.name in names:
        return
    names[entry.name] = entry.object
    for namespace in dict.fromkeys((entry.namespace, "")):
        found = lists.setdefault(version, {}).setdefault(resource, {}).setdefault(namespace, {"items": []})
        found["items"].append(entry.object)
