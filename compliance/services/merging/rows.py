"""A resource and its violations as rows that COPY reads. Written for speed: there are millions of them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from common.database import copy_line

from .contexts import MergeContext

MAX_FILE = 1024


def resource_row(
    resource: dict[str, Any], resource_id: int, is_new: bool, digest: str, context: MergeContext
) -> str:
    """A row of staged_resource."""
    group, _, version = resource["apiVersion"].rpartition("/")
    labels = resource.get("labels") or {}
    policies = context.policies
    excepted = resource.get("excepted") or ()
    standing = {(v["policy"], v["rule"], v["place"]) for v in resource["violations"]}
    team_id = context.ownership.owner_of(label=labels.get("team"), namespace=resource["namespace"])
    texts = (
        None if team_id is None else str(team_id),
        group,
        version,
        resource["kind"],
        resource["namespace"],
        resource["name"],
        _json(labels),
        _json(resource.get("manifest")),
        (resource["file"] or "")[:MAX_FILE],
    )
    sets = "\t".join(policy_ids(resource[name], policies) for name in ("passed", "failed", "errored", "skipped"))
    cleared = policy_ids(_cleared(resource, excepted), policies)
    worst = max((policies[index][1] for index in resource["failed"]), default=0)
    line = _cell(resource.get("line"))
    return (
        f"{resource_id}\t{is_new}\t{_texts(texts)}\t{line}\t{digest}\t{sets}\t{cleared}\t{len(standing)}\t{worst}\n"
    )


def _cleared(resource: dict[str, Any], excepted: Iterable[dict[str, Any]]) -> Iterable[int]:
    """Policies that were evaluated everywhere in the resource: what they do not name any more is mended."""
    unclear = {error["policy"] for error in resource.get("errors") or ()}
    unclear.update(resource.get("partial") or ())
    evaluated = {*resource["failed"], *(entry["policy"] for entry in excepted)}
    return {*resource["passed"], *evaluated} - unclear - set(resource["errored"])


def violation_rows(
    resource: dict[str, Any], resource_id: int, policies: Sequence[tuple[int, int]]
) -> Iterator[str]:
    """Rows of staged_violation, one per identity: the same violation twice in a report is one, as listed first.

    What is excepted comes after what fails, with the name of its exception.
    """
    seen = set()
    entries = resource["violations"]
    if "excepted" in resource:
        entries = [*entries, *resource["excepted"]]
    for entry in entries:
        index, rule, place = entry["policy"], entry["rule"], entry["place"]
        if (index, rule, place) in seen:
            continue
        seen.add((index, rule, place))
        policy_id, severity = policies[index]
        found, fix = entry.get("found"), entry.get("fix")
        texts = (
            place,
            entry["path"],
            entry["message"],
            None if found is None else _json(found),
            None if fix is None else _json(fix),
            entry.get("exception", ""),
        )
        line = _cell(entry.get("line"))
        yield f"{resource_id}\t{policy_id}\t{severity}\t{line}\t{rule}\t{_texts(texts)}\n"


def policy_ids(indexes: Iterable[int], policies: Sequence[tuple[int, int]]) -> str:
    """The policies' ids as `COPY` reads an array, in order."""
    return "{" + ",".join(map(str, sorted([policies[index][0] for index in indexes]))) + "}"


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _cell(value: int | None) -> str:
    return "\\N" if value is None else str(value)


def _texts(values: Sequence[str | None]) -> str:
    """copy_line without its end, but quick for the many rows in which nothing has to be escaped."""
    given = [value for value in values if value is not None]
    text = "\t".join(given)
    if "\\" in text or "\n" in text or "\r" in text or text.count("\t") != len(given) - 1:
        return copy_line(values)[:-1]
    return text if len(given) == len(values) else "\t".join(["\\N" if value is None else value for value in values])
