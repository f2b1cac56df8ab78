"""Whose pods these are: the owner that generated objects are folded into, by reference or by the names they get."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from plumbline.reports.identities import Identity, Key, key_of

# What the API server and its controllers append: letters and digits without those that could spell a word.
_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
_REPLICA_SET = re.compile(rf"(.+)-{_SAFE}{{1,10}}")
_GENERATED = re.compile(rf"(.+)-{_SAFE}{{5}}")
_ORDINAL = re.compile(r"(.+)-[0-9]{1,6}")
_SCHEDULED = re.compile(r"(.+)-[0-9]{8,10}")
_MAX_STEPS = 5

_POD_OWNERS: tuple[tuple[re.Pattern[str], tuple[tuple[str, str], ...]], ...] = (
    (_GENERATED, (("apps", "ReplicaSet"), ("apps", "DaemonSet"), ("batch", "Job"), ("", "ReplicationController"))),
    (_ORDINAL, (("apps", "StatefulSet"),)),
)


def candidates(identity: Identity) -> Iterator[Key]:
    """(group, kind, namespace, name) of those that may own an object, by the names that controllers give."""
    group, kind, namespace, name = key_of(identity)
    if (group, kind) == ("", "Pod"):
        for pattern, kinds in _POD_OWNERS:
            if found := pattern.fullmatch(name):
                yield from ((*owner, namespace, found[1]) for owner in kinds)
                if pattern is _GENERATED and (above := _REPLICA_SET.fullmatch(found[1])):
                    # The ReplicaSet between a pod and its Deployment is seldom reported.
                    yield "apps", "Deployment", namespace, above[1]
                if pattern is _GENERATED and (above := _SCHEDULED.fullmatch(found[1])):
                    yield "batch", "CronJob", namespace, above[1]
    elif kind == "ReplicaSet" and (found := _REPLICA_SET.fullmatch(name)):
        yield "apps", "Deployment", namespace, found[1]
    elif (group, kind) == ("batch", "Job") and (found := _SCHEDULED.fullmatch(name)):
        yield "batch", "CronJob", namespace, found[1]


def owner_finder(
    references: Mapping[Identity, Identity], known: Collection[Identity]
) -> Callable[[Identity], Identity]:
    """A function from an object to the topmost owner of it that is known; the object itself where none is.

    `references` lead from an object to its controlling owner; `known` are objects that exist. A name alone is
    believed only when the object that it points to is known.
    """
    by_key = {key_of(identity): identity for identity in known}
    memory: dict[Identity, Identity] = {}

    def owner_of(identity: Identity) -> Identity:
        if identity not in memory:
            memory[identity] = _topmost(identity, references, by_key)
        return memory[identity]

    return owner_of


def _topmost(
    identity: Identity, references: Mapping[Identity, Identity], by_key: Mapping[Key, Identity]
) -> Identity:
    top = identity
    for _ in range(_MAX_STEPS):
        above = references.get(top) or next((by_key[key] for key in candidates(top) if key in by_key), None)
        if above is None or above == top:
            break
        top = above
    return top
