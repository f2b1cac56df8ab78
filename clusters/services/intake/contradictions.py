"""What a schema cannot say of a resource: that what it says of its policies agrees, and that names fit an index."""

from collections.abc import Set
from typing import Any

_NAME_BYTES = {"kind": 63, "namespace": 253, "name": 253}
_PLACE_BYTES = 1024


def contradiction(resource: dict[str, Any], known: Set[int]) -> tuple[str, str] | None:
    """The first fault of a resource that follows its schema: the path below it, "" for itself, and what is wrong.

    `known` are the indexes of the report's policies.
    """
    failed = set(resource["failed"])
    verdicts = failed.union(resource["passed"], resource["errored"], resource["skipped"])
    if len(verdicts) != verdict_count(resource):
        return "", "passed, failed, errored and skipped share a policy, or one names it twice."
    if not verdicts <= known:
        return "", f"An index is not one of the {len(known)} policies."
    if {violation["policy"] for violation in resource["violations"]} != failed:
        return ".violations", "Their policies are not those of `failed`."
    if not {error["policy"] for error in resource["errors"]} <= failed.union(resource["errored"]):
        return ".errors", "Their policies are neither in `errored` nor in `failed`."
    return _exception_fault(resource) or too_long(resource) or _too_long_place(resource)


def verdict_count(resource: dict[str, Any]) -> int:
    """How often the resource says what a policy found."""
    return sum(len(resource[name]) for name in ("passed", "failed", "errored", "skipped"))


def too_long(resource: dict[str, Any]) -> tuple[str, str] | None:
    """As `contradiction`, for what only names a resource."""
    group, _, version = resource["apiVersion"].rpartition("/")
    if len(version.encode()) > 63 or len(group.encode()) > 253:
        return _long("apiVersion")
    long = (name for name, most in _NAME_BYTES.items() if len(resource[name].encode()) > most)
    return next(map(_long, long), None)


def _exception_fault(resource: dict[str, Any]) -> tuple[str, str] | None:
    """What is wrong with `excepted` or `partial`, which senders may leave out."""
    if "excepted" not in resource and "partial" not in resource:
        return None
    evaluated = {*resource["failed"], *resource["skipped"], *resource["errored"]}
    if not evaluated.issuperset(resource.get("partial") or ()):
        return ".partial", "Names a policy that is neither in `failed` nor in `skipped` or `errored`."
    excepted = {(v["policy"], v["rule"], v["place"]) for v in resource.get("excepted") or ()}
    if not evaluated.issuperset(policy for policy, _, _ in excepted):
        return ".excepted", "Their policies are neither in `failed` nor in `skipped` or `errored`."
    if not excepted.isdisjoint((v["policy"], v["rule"], v["place"]) for v in resource["violations"]):
        return ".excepted", "One is among the violations, too: does the exception cover it or not?"
    return None


def _too_long_place(resource: dict[str, Any]) -> tuple[str, str] | None:
    for among in ("violations", "excepted"):
        for index, violation in enumerate(resource.get(among, ())):
            for name in ("place", "path"):
                text = violation[name]
                if len(text) > _PLACE_BYTES // 4 and len(text.encode()) > _PLACE_BYTES:
                    return _long(f"{among}[{index}].{name}")
    return None


def _long(name: str) -> tuple[str, str]:
    return f".{name}", "Too long in UTF-8."
