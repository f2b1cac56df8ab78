"""What a report says of violations that an exception covers: a skip alone would not tell them from mended ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plumbline.results import Result

Entry = dict[str, Any]


def excepted_parts(results: list[Result], excepted: list[Entry], indexes: dict[str, int]) -> dict[str, Any]:
    """`excepted` and `partial` of a resource, each only where there is something to say.

    A policy is partly evaluated where one of its results is a skip that no exception explains: what it does not name
    need not have passed.
    """
    told = {entry["policy"] for entry in excepted}
    told.update(indexes[result.policy] for result in results if result.status == "fail")
    unexplained = {indexes[result.policy] for result in results if result.status == "skip" and not result.exception}
    return _present(excepted, sorted(told & unexplained))


def fold_excepted(resource: Entry, owner: Entry, at_owner: Callable[[str], str]) -> None:
    """Give the owner what is excepted in a resource that is folded into it, once their violations are one list.

    What fails anywhere fails; a policy of which something is excepted was not passed.
    """
    excepted = {_key(entry): entry for entry in owner.get("excepted", ())}
    for entry in resource.get("excepted", ()):
        place = at_owner(entry["place"])
        moved = {**entry, "place": place, "path": at_owner(entry["path"]), "fix": None, "line": None}
        excepted.setdefault(_key(moved), moved)
    for failing in owner["violations"]:
        excepted.pop(_key(failing), None)
    covered = {policy for policy, _, _ in excepted}
    owner["skipped"] = sorted({*owner["skipped"], *covered.intersection(owner["passed"])})
    owner["passed"] = [policy for policy in owner["passed"] if policy not in covered]
    evaluated = {*owner["failed"], *owner["skipped"], *owner["errored"]}
    partial = {*owner.get("partial", ()), *resource.get("partial", ())} & evaluated
    owner.pop("excepted", None)
    owner.pop("partial", None)
    owner.update(_present(list(excepted.values()), sorted(partial)))


def _key(entry: Entry) -> tuple[int, str, str]:
    return entry["policy"], entry["rule"], entry["place"]


def _present(excepted: list[Entry], partial: list[int]) -> dict[str, Any]:
    return {name: value for name, value in (("excepted", excepted), ("partial", partial)) if value}
