"""The fleet's states as reports. An object that did not change between two states is evaluated once."""

import uuid
from typing import Any

from plumbline.reports import resource_entry

from examples.replay import State
from plumbline import __version__
from plumbline.evaluation import Evaluator
from plumbline.library import library_policies
from plumbline.resources import Resource


class ReportWriter:
    """Writes the reports of one cluster. Not shared between threads, as its Evaluator is not."""

    def __init__(self, cluster_id: uuid.UUID) -> None:
        self._cluster_id = cluster_id
        policies = library_policies()
        self._evaluator = Evaluator(policies)
        self._slugs = [policy.id for policy in policies]
        self._index = {slug: index for index, slug in enumerate(self._slugs)}
        # The object is kept beside its entry: an identity is good for as long as its object lives.
        self._entries: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}

    def report_id(self, state: State) -> uuid.UUID:
        """The same for the same state of the same cluster, so that a replay can be taken up again."""
        return uuid.uuid5(self._cluster_id, state.scanned_at.isoformat())

    def write(self, state: State) -> dict[str, Any]:
        """The report of a state, as plumbline/schemas/report-v1.json describes it."""
        return {
            "schema": "plumbline.report/v1",
            "id": str(self.report_id(state)),
            "kind": "snapshot",
            "scanned_at": state.scanned_at.isoformat(),
            "agent": {"name": "plumbline-demo", "version": __version__},
            "policies": self._slugs,
            "resources": [self._entry(manifest) for manifest in state.resources],
            "deleted": [],
            "truncated": None,
            "unreadable": [],
        }

    def _entry(self, manifest: dict[str, Any]) -> dict[str, Any]:
        known = self._entries.get(id(manifest))
        if known is None:
            resource = Resource(manifest, None, None)
            entry = resource_entry(resource, self._evaluator.judge(resource), self._index)
            known = self._entries[id(manifest)] = (manifest, entry)
        return known[1]
