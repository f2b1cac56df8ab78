"""The demo fleet's past: `fleet/history.yaml` read into changes that overlay today's manifests.

The manifests on disk are today's state. A change says how some objects differed from it during an interval of
time, so any earlier instant is today's objects with the changes of that instant laid over them.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Any

_MOMENT = re.compile(r"-(?P<days>\d+)d (?P<hour>\d\d):(?P<minute>\d\d)")
_CHANGE_KEYS = {"cluster", "from", "until", "began", "note", "objects", "patch", "absent", "existed"}
_RELEASE_KEYS = {"cluster", "object", "containers", "earlier"}
_OUTAGE_KEYS = {"cluster", "from", "until", "note"}


class HistoryError(ValueError):
    """An entry of the history that cannot be understood, or that refers to something that does not exist."""


@dataclass(frozen=True, order=True)
class Moment:
    """So many days before the last day of the replay, at a time of day in its time zone."""

    days_before: int
    at: time

    @classmethod
    def parse(cls, text: str) -> "Moment":
        """Read `-12d 14:10`; raises HistoryError for anything else."""
        match = _MOMENT.fullmatch(text)
        if match is None:
            raise HistoryError(f"{text!r} is not a moment such as '-12d 14:10'")
        return cls(int(match["days"]), time(int(match["hour"]), int(match["minute"])))

    def before(self, end: datetime) -> datetime:
        """The instant of this moment in a replay that ends at the aware instant `end`."""
        day = end.date() - timedelta(days=self.days_before)
        return datetime.combine(day, self.at, tzinfo=end.tzinfo)


@dataclass(frozen=True)
class Change:
    """How `objects` (references) differed from today until `until`, and since `since` when there is one.

    `patch` is a tuple of operations; `absent` means that the objects were not there at all.
    """

    since: Moment | None
    until: Moment
    began: str
    note: str
    objects: frozenset[str]
    patch: tuple[Mapping[str, Any], ...] = ()
    absent: bool = False

    def is_active(self, instant: datetime, end: datetime) -> bool:
        """Whether the objects differed in this way at `instant`."""
        started = self.since is None or self.since.before(end) <= instant
        return started and instant < self.until.before(end)

    def turns(self, end: datetime) -> Iterator[tuple[datetime, str]]:
        """The instants at which this change altered the cluster, each with what happened then."""
        if self.since is not None:
            yield self.since.before(end), self.began
        yield self.until.before(end), self.note


@dataclass(frozen=True)
class Outage:
    """A time in which the cluster's agent reported nothing."""

    since: Moment
    until: Moment
    note: str


@dataclass(frozen=True)
class ClusterHistory:
    """One cluster: every object it has or had, by reference, with its changes and outages."""

    objects: Mapping[str, dict[str, Any]]
    changes: tuple[Change, ...]
    outages: tuple[Outage, ...]


def reference(resource: Mapping[str, Any]) -> str:
    """`Deployment payments/checkout-api`, or `ClusterRole velero` where there is no namespace."""
    metadata = resource["metadata"]
    namespace = metadata.get("namespace")
    name = metadata["name"]
    return f"{resource['kind']} {namespace}/{name}" if namespace else f"{resource['kind']} {name}"


def build_history(
    document: Mapping[str, Any], cluster: str, today: Iterable[dict[str, Any]], clusters: Iterable[str]
) -> ClusterHistory:
    """One cluster's entries of the parsed history, references resolved; raises HistoryError."""
    _check_entries(document, set(clusters))
    entries = [entry for entry in document["changes"] if entry["cluster"] == cluster]
    objects = {reference(resource): resource for resource in today}
    for resource in (resource for entry in entries for resource in entry.get("existed", ())):
        if reference(resource) in objects:
            raise HistoryError(f"{cluster}: {reference(resource)} existed, but it is there today as well")
        objects[reference(resource)] = resource

    changes = [change for entry in entries for change in _read_change(entry, objects)]
    releases = (entry for entry in document["releases"] if entry["cluster"] == cluster)
    changes += [change for entry in releases for change in _read_release(entry, objects)]
    # The change that ended first is nearest to the state asked for: it is laid on last.
    changes.sort(key=lambda change: (-change.until.days_before, change.until.at), reverse=True)
    outages = (entry for entry in document["outages"] if entry["cluster"] == cluster)
    return ClusterHistory(objects, tuple(changes), tuple(_read_outage(entry) for entry in outages))


def overlay(resource: dict[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """A copy of the object with the changes' operations applied; raises HistoryError if one has no effect."""
    earlier = deepcopy(resource)
    for change in changes:
        for operation in change.patch:
            if not _apply(earlier, operation):
                raise HistoryError(f"{reference(resource)}: {operation} changes nothing ({change.note})")
    return earlier


def _check_entries(document: Mapping[str, Any], clusters: set[str]) -> None:
    known = {"changes": _CHANGE_KEYS, "releases": _RELEASE_KEYS, "outages": _OUTAGE_KEYS}
    if set(document) != set(known):
        raise HistoryError(f"the history has the sections {sorted(known)}, not {sorted(document)}")
    for section, keys in known.items():
        for entry in document[section]:
            if unknown := set(entry) - keys:
                raise HistoryError(f"{section}: unknown field {', '.join(sorted(unknown))} in {entry}")
            if entry.get("cluster") not in clusters:
                raise HistoryError(f"{section}: no cluster {entry.get('cluster')!r}")


def _read_change(entry: Mapping[str, Any], objects: Mapping[str, Any]) -> Iterator[Change]:
    since = Moment.parse(entry["from"]) if "from" in entry else None
    until, note = Moment.parse(entry["until"]), entry["note"]
    if since is not None and "began" not in entry:
        raise HistoryError(f"'began' must say what happened at {entry['from']} ({note})")
    began = entry.get("began", "")
    if "existed" in entry:
        references = frozenset(reference(resource) for resource in entry["existed"])
        yield from _gone_outside(since, until, began, note, references)
    if "objects" in entry:
        if ("patch" in entry) == entry.get("absent", False):
            raise HistoryError(f"either 'patch' or 'absent' must say what differed ({note})")
        selected = frozenset(ref for pattern in entry["objects"] for ref in _matching(pattern, objects))
        patch = tuple(entry.get("patch", ()))
        yield Change(since, until, began, note, selected, patch, entry.get("absent", False))


def _gone_outside(
    since: Moment | None, until: Moment, began: str, note: str, references: frozenset[str]
) -> Iterator[Change]:
    last = Moment(0, time.max)
    yield Change(until, last, note, "", references, absent=True)
    if since is not None:
        yield Change(None, since, "", began, references, absent=True)


def _matching(pattern: str, objects: Mapping[str, Any]) -> list[str]:
    selected = [ref for ref in objects if fnmatchcase(ref, pattern)]
    if not selected:
        raise HistoryError(f"no object matches {pattern!r}")
    return selected


def _read_release(entry: Mapping[str, Any], objects: Mapping[str, Any]) -> Iterator[Change]:
    ref = entry["object"]
    if ref not in objects:
        raise HistoryError(f"releases: no object {ref!r}")
    for moment, tag in entry["earlier"].items():
        patch = tuple({"retag": container, "to": str(tag)} for container in entry["containers"])
        note = f"{ref.partition(' ')[2]}: released, replacing {tag}"
        yield Change(None, Moment.parse(moment), "", note, frozenset([ref]), patch)


def _read_outage(entry: Mapping[str, Any]) -> Outage:
    return Outage(Moment.parse(entry["from"]), Moment.parse(entry["until"]), entry["note"])


def _apply(document: dict[str, Any], operation: Mapping[str, Any]) -> bool:
    """Apply `{set: PATH, to: VALUE}`, `{remove: PATH}` or `{retag: CONTAINER, to: TAG}` in place.

    A step into a list picks an element by its name, or every element with `*`; setting `-` appends.
    Returns whether anything changed.
    """
    if "retag" in operation:
        return _retag(document, operation["retag"], operation["to"])
    if "set" in operation:
        parents, last = _parents(document, operation["set"], create=True)
        return sum(_set(parent, last, operation["to"]) for parent in parents) > 0
    parents, last = _parents(document, operation["remove"], create=False)
    return sum(_remove(parent, last) for parent in parents) > 0


def _parents(document: dict[str, Any], path: str, *, create: bool) -> tuple[list[Any], str]:
    *steps, last = (step.replace("~1", "/") for step in path.removeprefix("/").split("/"))
    nodes: list[Any] = [document]
    for step in steps:
        nodes = [child for node in nodes for child in _children(node, step, create=create)]
    return nodes, last


def _children(node: Any, step: str, *, create: bool) -> list[Any]:
    if isinstance(node, list):
        return [item for item in node if step == "*" or _name(item) == step]
    if create:
        return [node.setdefault(step, {})]
    return [node[step]] if step in node else []


def _name(item: Any) -> Any:
    return item.get("name") if isinstance(item, dict) else item


def _set(parent: Any, last: str, value: Any) -> bool:
    if isinstance(parent, list):
        parent.append(deepcopy(value))
        return True
    if last in parent and parent[last] == value:
        return False
    parent[last] = deepcopy(value)
    return True


def _remove(parent: Any, last: str) -> bool:
    if isinstance(parent, list):
        kept = [item for item in parent if _name(item) != last]
        changed = len(kept) < len(parent)
        parent[:] = kept
        return changed
    return parent.pop(last, None) is not None


def _retag(document: dict[str, Any], container: str, tag: str) -> bool:
    spec = document["spec"]
    spec = spec.get("jobTemplate", {}).get("spec", spec)["template"]["spec"]
    changed = False
    for item in [*spec.get("initContainers", ()), *spec["containers"]]:
        if item["name"] == container:
            earlier = _image_at(item["image"], tag)
            changed = changed or earlier != item["image"]
            item["image"] = earlier
    return changed


def _image_at(image: str, tag: str) -> str:
    """The same image at another tag; pinned by a (made-up, stable) digest if it was pinned before."""
    tagged, _, digest = image.partition("@")
    head, _, tail = tagged.rpartition("/")
    earlier = f"{head}/{tail.partition(':')[0]}:{tag}"
    return f"{earlier}@sha256:{hashlib.sha256(earlier.encode()).hexdigest()}" if digest else earlier
