"""Plays back 90 days of the demo fleet: what each cluster held whenever its agent reported.

    for state in states("production", datetime.now(UTC)):
        ...  # state.resources is what was in the cluster at state.scanned_at

An object that did not change between two states is the same dict in both, so that work on it can be kept
by identity.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from examples.history import Change, ClusterHistory, build_history, overlay, reference

FLEET = Path(__file__).parent / "fleet"
CLUSTERS = ("production", "staging", "sandbox")
DAYS = 90

# Each agent scans at its own time: reports of one fleet never arrive in the same minute.
_NIGHTLY = {"production": time(5, 12), "staging": time(5, 31), "sandbox": time(5, 47)}
_LAST_SCAN = {
    "production": timedelta(minutes=4),
    "staging": timedelta(minutes=9),
    "sandbox": timedelta(minutes=13),
}
_SCAN_AFTER_CHANGE = timedelta(minutes=6)

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class State:
    """All objects of a cluster at one instant. `resources` are shared between states: do not modify them."""

    cluster: str
    scanned_at: datetime
    resources: list[dict[str, Any]]
    note: str


def manifests(cluster: str) -> list[dict[str, Any]]:
    """Today's objects of the cluster, from the files on disk in path order, Lists expanded."""
    paths = sorted(path for path in (FLEET / cluster).rglob("*") if path.suffix in {".yaml", ".json"})
    return [resource for path in paths for resource in _read(path)]


def states(cluster: str, end: datetime) -> Iterator[State]:
    """Yield the cluster's states in time order; the last is today's manifests, shortly before `end` (aware).

    About 90 to 130 states: one a night, one a few minutes after each change, none while the agent was out.
    Raises ValueError for an unknown cluster, a naive `end`, or a history that refers to what does not exist.
    """
    if cluster not in CLUSTERS:
        raise ValueError(f"no cluster {cluster!r}; there are {', '.join(CLUSTERS)}")
    if end.tzinfo is None:
        raise ValueError("end must be an aware datetime")
    return _replay(cluster, _history(cluster), end)


def _replay(cluster: str, history: ClusterHistory, end: datetime) -> Iterator[State]:
    events = sorted((instant, note) for change in history.changes for instant, note in change.turns(end))
    events += [(outage.until.before(end), outage.note) for outage in history.outages]
    events.sort()
    earlier: dict[tuple[str, tuple[int, ...]], dict[str, Any]] = {}
    previous = None
    for instant in _scan_times(cluster, history, end):
        notes = dict.fromkeys(
            note for at, note in events if note and previous is not None and previous < at <= instant
        )
        resources = list(_objects_at(history, instant, end, earlier))
        scanned = "Nightly scan" if previous else "First report of the agent"
        yield State(cluster, instant, resources, "; ".join(notes) or scanned)
        previous = instant


def _objects_at(
    history: ClusterHistory,
    instant: datetime,
    end: datetime,
    earlier: dict[tuple[str, tuple[int, ...]], dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    """The objects there at an instant; `earlier` keeps each version made, by the changes that made it."""
    active: dict[str, list[tuple[int, Change]]] = {}
    for index, change in enumerate(history.changes):
        if change.is_active(instant, end):
            for ref in change.objects:
                active.setdefault(ref, []).append((index, change))
    for ref, resource in history.objects.items():
        laid_over = active.get(ref, [])
        if any(change.absent for _, change in laid_over):
            continue
        if not laid_over:
            yield resource
            continue
        version = (ref, tuple(index for index, _ in laid_over))
        if version not in earlier:
            earlier[version] = overlay(resource, (change for _, change in laid_over))
        yield earlier[version]


def _scan_times(cluster: str, history: ClusterHistory, end: datetime) -> list[datetime]:
    last = end - _LAST_SCAN[cluster]
    nights = {
        datetime.combine(end.date() - timedelta(days=day), _NIGHTLY[cluster], tzinfo=end.tzinfo)
        for day in range(DAYS + 1)
    }
    turns = (turn for change in history.changes for turn in change.turns(end))
    changed = {at + _SCAN_AFTER_CHANGE for at, note in turns if note}
    silences = [(outage.since.before(end), outage.until.before(end)) for outage in history.outages]
    back = {until + _SCAN_AFTER_CHANGE for _, until in silences}
    scans = {at for at in nights | changed | back if at < last}
    heard = (at for at in scans if not any(since <= at < until for since, until in silences))
    return [*sorted(heard), last]


@lru_cache(maxsize=len(CLUSTERS))
def _history(cluster: str) -> ClusterHistory:
    document = yaml.load((FLEET / "history.yaml").read_text(), _Loader)  # noqa: S506 - a safe loader
    return build_history(document, cluster, manifests(cluster), CLUSTERS)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    text = path.read_text()
    documents = [json.loads(text)] if path.suffix == ".json" else yaml.load_all(text, _Loader)
    for document in documents:
        yield from document["items"] if document["kind"] == "List" else (document,)


__all__ = ["CLUSTERS", "DAYS", "FLEET", "State", "manifests", "reference", "states"]
