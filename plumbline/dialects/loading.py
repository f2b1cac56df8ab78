"""Directories of policies in any format that Plumbline reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from plumbline.dialects import admission, gatekeeper, kyverno, weave
from plumbline.dialects.documents import Loaded, Surroundings, policy_id
from plumbline.inventories import Inventory
from plumbline.manifests import LoadError, load
from plumbline.policies import Policy, PolicyError, parse_policy
from plumbline.resources import Resource

Reader = Callable[[Sequence[Resource], Surroundings], Loaded]

OWN_GROUP: Final = "plumbline.dev"
# Kinds that ask for something of objects and that nobody here can evaluate: named, so that they never silently pass.
_UNSUPPORTED: Final[Mapping[tuple[str, str], str]] = {**admission.UNSUPPORTED, **kyverno.UNSUPPORTED}


def read_directory(directory: Path | str) -> Loaded:
    """Every policy below `directory`, whatever its format; what cannot be used is among the problems.

    Raises PolicyError when there is no such directory.
    """
    if not Path(directory).is_dir():
        raise PolicyError("is not a directory", file=str(directory))
    loaded = Loaded()
    documents: list[Resource] = []
    for item in load([directory]):
        if isinstance(item, LoadError):
            loaded.problems.append(item)
        else:
            documents.append(item)
    read = read_documents(documents)
    return Loaded(read.policies, loaded.problems + read.problems)


def read_documents(documents: Sequence[Resource]) -> Loaded:
    """The policies among these documents; the others are what policies may refer to."""
    loaded = Loaded()
    by_reader: dict[Reader, list[Resource]] = {}
    others: list[Resource] = []
    for document in documents:
        reader = _reader(document)
        if reader is not None:
            by_reader.setdefault(reader, []).append(document)
        elif (document.group, document.kind) in _UNSUPPORTED:
            loaded.refuse(document, f"is not supported: {_UNSUPPORTED[document.group, document.kind]}")
        else:
            others.append(document)
    surroundings = Surroundings(Inventory(others))
    for reader, own in by_reader.items():
        read = reader(own, surroundings)
        loaded.policies.extend(read.policies)
        loaded.problems.extend(read.problems)
    return _without_twins(loaded)


def _reader(document: Resource) -> Reader | None:
    if document.group == OWN_GROUP and document.kind == "Policy":
        return _read_own
    return next((reader for is_read, reader in _READERS if is_read(document)), None)


def _read_own(documents: Sequence[Resource], surroundings: Surroundings) -> Loaded:
    loaded = Loaded()
    for document in documents:
        try:
            loaded.policies.append(parse_policy(document.object, file=document.file))
        except PolicyError as error:
            loaded.problems.append(LoadError(document.file, document.line, str(error).removeprefix(f"{error.file}: ")))
    return loaded


def _without_twins(loaded: Loaded) -> Loaded:
    """Of two policies with one id the second is refused, or has its format added to the id when it is of another."""
    unique: dict[str, Policy] = {}
    for policy in loaded.policies:
        twin = unique.get(policy.id)
        if twin is not None and twin.format != policy.format:
            policy = replace(policy, id=policy_id(f"{policy.id}-{policy.format}"))
            twin = unique.get(policy.id)
        if twin is not None:
            loaded.problems.append(LoadError(policy.file, None, f"the id {policy.id} is already taken by {twin.file}"))
        else:
            unique[policy.id] = policy
    loaded.policies = list(unique.values())
    return loaded


_READERS: Sequence[tuple[Callable[[Resource], bool], Reader]] = (
    (lambda document: (document.group, document.kind) in admission.KINDS, admission.read_policies),
    (lambda document: (document.group, document.kind) in kyverno.KINDS, kyverno.read_policies),
    (gatekeeper.is_read, gatekeeper.read_policies),
    (weave.is_read, weave.read_policies),
)
