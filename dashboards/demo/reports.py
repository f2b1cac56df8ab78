"""The fleet's states as reports. An object that did not change between two states is evaluated once."""

import uuid
from typing import Any

from examples.replay import State
from plumbline.evaluation import Evaluator
from plumbline.library import library_policies
from plumbline.reports import build_report
from plumbline.resources import Resource
from plumbline.scanning import Judged, Scan

AGENT = "plumbline-demo"


class ReportWriter:
    """Writes the reports of one cluster. Not shared between threads, as its Evaluator is not."""

    def __init__(self, cluster_id: uuid.UUID) -> None:
        self._cluster_id = cluster_id
        self._policies = library_policies()
        self._evaluator = Evaluator(self._policies)
        # The object is kept beside its entry: an identity is good for as long as its object lives.
        self._entries: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}

    def report_id(self, state: State) -> uuid.UUID:
        """The same for the same state of the same cluster, so that a replay can be taken up again."""
        return uuid.uuid5(self._cluster_id, state.scanned_at.isoformat())

    def write(self, state: State) -> dict[str, Any]:
        """The report of a state, as plumbline/schemas/report-v1.json describes it."""
        report = build_report(
            Scan(self._policies),
            scanned_at=state.scanned_at,
            report_id=str(self.report_id(state)),
            agent=AGENT,
        )
        return report | {"resources": [self._entry(manifest, state) for manifest in state.resources]}

    def _entry(self, manifest: dict[str, Any], state: State) -> dict[str, Any]:
        known = self._entries.get(id(manifest))
        if known is None:
            resource = Resource(manifest)
            outcome = self._evaluator.judge(resource)
            judged = Judged(resource, outcome, [None] * len(outcome.results))
            alone = build_report(Scan(self._policies, judged=[judged]), scanned_at=state.scanned_at)
            known = self._entries[id(manifest)] = (manifest, alone["resources"][0])
        return known[1]
